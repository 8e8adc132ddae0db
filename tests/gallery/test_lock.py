from __future__ import annotations

import shutil
import sys
from contextlib import closing
from pathlib import Path

import pytest

from firstsight.errors import GalleryBusy, GalleryError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.lock import WriterLock

from .stores import created, held, photo

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows deletes and moves no file that is open"
)


def test_a_lock_whose_file_was_deleted_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "gallery.lock"
    with closing(WriterLock(path)) as early, closing(WriterLock(path)) as late:
        with early.held(0):
            pass
        path.unlink()
        with late.held(0), pytest.raises(GalleryBusy), early.held(0):
            pass
        with early.held(0), pytest.raises(GalleryBusy), late.held(0):
            pass


def test_a_lock_in_a_folder_that_is_gone_is_refused(tmp_path: Path) -> None:
    with (
        closing(WriterLock(tmp_path / "g" / "gallery.lock")) as lock,
        pytest.raises(GalleryError, match=r"the folder .*g is no longer there"),
        lock.held(0),
    ):
        pass


def test_nothing_is_written_to_a_gallery_that_was_moved_deleted_or_replaced(tmp_path: Path) -> None:
    folder, complaint = tmp_path / "g", "was deleted, moved or replaced since it was opened"
    with created(folder, mug=[1]) as moved:
        folder.rename(tmp_path / "h")
        with pytest.raises(GalleryError, match="no longer there"):
            moved.enroll([("mug", photo(2))])
        with created(folder, cup=[3]) as deleted:
            with pytest.raises(GalleryError, match=complaint):
                moved.enroll([("mug", photo(2))])
            assert held(deleted) == {"cup": [3]}
            (folder / "gallery.sqlite").unlink()
            with pytest.raises(GalleryError, match=complaint):
                deleted.rename("cup", "pot")
    shutil.rmtree(folder)
    with Gallery.open(tmp_path / "h") as gallery:
        assert held(gallery) == {"mug": [1]}
