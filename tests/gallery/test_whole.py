from __future__ import annotations

import errno
from pathlib import Path

import pytest

from firstsight.errors import GalleryBusy, GalleryError, StorageError, UsageError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.places import galleries_folder, gallery_place, list_galleries
from firstsight.gallery.whole import delete, delete_unused, rename

from .stores import MODEL, created, held, photo, start

# A process that has the gallery open, and does nothing with it.
IDLE = """
import sys
from pathlib import Path
from firstsight.gallery.gallery import Gallery
with Gallery.open(Path(sys.argv[1]), read_only=True) as gallery:
    print(gallery.counts(), flush=True)
    sys.stdin.read()
"""


def named(name: str) -> Path:
    with Gallery.create(name, name=name, model=MODEL) as gallery:
        gallery.enroll([("mug", photo(1)), ("mug", photo(2)), ("cup", photo(3))])
        return gallery.place


def recorded(folder: Path) -> str:
    with Gallery.open(folder) as gallery:
        return gallery.info.name


def test_a_renamed_gallery_lies_in_the_folder_of_its_new_name() -> None:
    old = named("mugs")
    (old / "notes.txt").write_text("mine")
    new = rename(old, "My cups")
    assert (new, gallery_place("My cups")) == (galleries_folder() / "My cups", new)
    assert list_galleries() == [new]
    assert not old.exists()
    assert (new / "notes.txt").read_text() == "mine"
    with Gallery.open("My cups") as gallery:
        assert gallery.info.name == "My cups"
        assert held(gallery) == {"cup": [3], "mug": [1, 2]}
        gallery.undo()
        assert gallery.check() == []


def test_of_a_gallery_with_a_path_only_what_it_says_of_itself_is_renamed(tmp_path: Path) -> None:
    created(tmp_path / "g", mug=[1]).close()
    assert rename(tmp_path / "g", "mugs") == tmp_path / "g"
    assert recorded(tmp_path / "g") == "mugs"
    assert list_galleries() == []


def test_a_new_name_must_be_one_and_be_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = named("mugs")
    for bad in ("", "a/b", ".hidden", "nul"):
        with pytest.raises(UsageError, match=r"or digit$"):
            rename(folder, bad)
    named("cups")
    with pytest.raises(GalleryError, match=r"there is something at .*cups already"):
        rename(folder, "cups")
    with pytest.raises(GalleryError, match="there is no gallery"):
        rename(tmp_path / "nowhere", "pots")
    # A gallery of that name in the working folder is another one.
    monkeypatch.chdir(tmp_path)
    created(tmp_path / "pots").close()
    assert rename(folder, "pots") == galleries_folder() / "pots"
    assert recorded(galleries_folder() / "pots") == "pots"


def test_where_the_folder_cannot_be_moved_the_name_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = named("mugs")

    def refuse(*_: object) -> None:
        raise OSError(errno.EACCES, "no")

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="permission was denied"):
        patch.setattr(Path, "rename", refuse)
        rename(folder, "cups")
    assert recorded(folder) == "mugs"


def test_deleting_takes_what_firstsight_made_and_nothing_else(tmp_path: Path) -> None:
    others = {"notes.txt", "matrix-of-my-own.csv", "gallery.sqlite.old"}
    for folder, foreign in ((tmp_path / "g", others), (named("mugs"), set())):
        with Gallery.open(folder) if folder.exists() else created(folder, mug=[1]) as gallery:
            gallery.enroll([("pot", photo(9))])
        for name in foreign:
            (folder / name).write_text("mine")
        (folder / "matrix-7.f32").write_bytes(b"vectors")
        (folder / "matrix-0a.partial").write_bytes(b"vectors")
        (folder / "gallery.sqlite.partial").write_bytes(b"cut short by a crash")
        delete(folder)
        assert folder.exists() == bool(foreign)
        assert {path.name for path in folder.glob("*")} == foreign
    assert list_galleries() == []
    created(tmp_path / "g", cup=[1]).close()  # there is room for another


def test_a_folder_that_is_no_gallery_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "matrix-1.f32").write_text("mine")
    with pytest.raises(GalleryError, match="there is no gallery"):
        delete(tmp_path)
    (tmp_path / "gallery.sqlite").write_text("a file of another program")
    with pytest.raises(GalleryError, match="no gallery"):
        delete(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"matrix-1.f32", "gallery.sqlite"}


def test_while_another_program_has_it_open_a_gallery_stays() -> None:
    folder = named("mugs")
    with start(IDLE, folder) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "(2, 3)\n"
        for refused in (lambda: delete(folder), lambda: rename(folder, "cups")):
            with pytest.raises(GalleryBusy, match="another program holds it"):
                refused()
        process.communicate(timeout=60)
    with Gallery.open(folder) as gallery:
        assert gallery.info.name == "mugs"
        assert held(gallery) == {"cup": [3], "mug": [1, 2]}
        with pytest.raises(GalleryBusy, match="another program holds it"):
            delete(folder)  # nor while this very one does
        gallery.enroll([("mug", photo(4))])
        assert gallery.check() == []
    delete(folder)
    assert not folder.exists()


def test_an_unused_gallery_goes_only_where_nobody_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "g"
    delete_unused(folder, and_folder=True)  # there is none
    assert not folder.exists()
    with created(folder) as gallery:
        delete_unused(folder, and_folder=True)
        gallery.enroll([("mug", photo(1))])
    delete_unused(folder, and_folder=True)
    with Gallery.open(folder) as gallery:
        assert held(gallery) == {"mug": [1]}
        gallery.undo()
    delete_unused(folder, and_folder=True)  # it is empty, and has been used
    delete(folder)
    created(folder).close()
    delete_unused(folder, and_folder=False)
    assert list(folder.iterdir()) == []
    created(folder).close()
    delete_unused(folder, and_folder=True)
    assert not folder.exists()
