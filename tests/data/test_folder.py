from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstsight.data.folder import read_folder
from firstsight.data.packed import pack
from firstsight.errors import DataError
from firstsight.images.preprocess import Preprocessing


def lay_out(root: Path, *names: str) -> Path:
    """Empty files: reading a folder looks at names alone."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_a_folder_for_each_class(tmp_path: Path) -> None:
    root = lay_out(tmp_path / "shelf", "mug/b.png", "mug/a.JPG", "cup/1.webp")
    manifest = read_folder(root)
    assert manifest.name == "shelf"
    assert manifest.class_names == ("cup", "mug")
    assert manifest.group_names == ("shelf",)
    np.testing.assert_array_equal(manifest.labels, [0, 1, 1])
    np.testing.assert_array_equal(manifest.drawers, [0, 0, 1])
    assert [source.path.relative_to(root).as_posix() for source in manifest.sources] == [
        "cup/1.webp",
        "mug/a.JPG",
        "mug/b.png",
    ]


def test_groups_of_class_folders(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path, "Greek/one/1.png", "Greek/two/1.png", "Latin/one/1.png", "Latin/one/2.png"
    )
    manifest = read_folder(str(root))
    assert manifest.class_names == ("Greek/one", "Greek/two", "Latin/one")
    assert manifest.group_names == ("Greek", "Latin")
    np.testing.assert_array_equal(manifest.class_groups, [0, 0, 1])
    np.testing.assert_array_equal(manifest.labels, [0, 1, 2, 2])


def test_one_picture_for_each_name(tmp_path: Path) -> None:
    manifest = read_folder(lay_out(tmp_path, "blue mug.jpg", "cat.png", "cat.webp"))
    assert manifest.class_names == ("blue mug", "cat")
    np.testing.assert_array_equal(manifest.labels, [0, 1, 1])
    np.testing.assert_array_equal(manifest.drawers, [0, 0, 1])


def test_numbers_are_sorted_by_value(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "s10/1.pgm", "s2/10.pgm", "s2/9.pgm", "S1/1.pgm", "½/1.pgm")
    manifest = read_folder(root)
    assert manifest.class_names == ("S1", "s2", "s10", "½")
    assert [source.path.name for source in manifest.sources] == [
        "1.pgm",
        "9.pgm",
        "10.pgm",
        "1.pgm",
        "1.pgm",
    ]


def test_hidden_files_and_other_files_are_left_aside(tmp_path: Path) -> None:
    root = lay_out(
        tmp_path,
        "README.md",
        "Thumbs.db",
        ".DS_Store",
        ".thumbnails/a/1.png",
        "__MACOSX/a/1.png",
        "cup/.hidden.jpg",
        "cup/._1.jpg",
        "cup/1.jpg",
        "mug/1.jpg",
        "mug/notes.txt",
    )
    (root / "empty").mkdir()
    manifest = read_folder(root)
    assert manifest.class_names == ("cup", "mug")
    assert len(manifest) == 2


def test_pictures_with_a_wrong_extension_are_still_decoded(tmp_path: Path) -> None:
    for name, ink in (("cup", 0), ("mug", 200)):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 4), ink).save(tmp_path / name / "photo.jpg", "PNG")
    pictures = pack(read_folder(tmp_path), Preprocessing(4), cache=None)
    np.testing.assert_array_equal(pictures.pixels[:, 0, 0, 0], [0, 200])


def test_the_working_folder_has_a_name_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = lay_out(tmp_path / "shelf", "cup/1.jpg", "mug/1.jpg")
    monkeypatch.chdir(root)
    assert read_folder(".").name == "shelf"


def test_links_to_folders_are_followed_unless_they_lead_back(tmp_path: Path) -> None:
    lay_out(tmp_path / "store", "1.jpg")
    root = lay_out(tmp_path / "shelf", "mug/1.jpg")
    (root / "cup").symlink_to(tmp_path / "store")
    assert read_folder(root).class_names == ("cup", "mug")
    (root / "mug" / "around").symlink_to(root)
    assert len(read_folder(root)) == 2


def test_folders_that_cannot_serve_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no folder .*nowhere"):
        read_folder(tmp_path / "nowhere")
    lay_out(tmp_path, "file.jpg")
    with pytest.raises(DataError, match="not a folder"):
        read_folder(tmp_path / "file.jpg")
    with pytest.raises(DataError, match="has no pictures"):
        read_folder(lay_out(tmp_path / "texts", "a/1.txt", "b/2.txt"))
    with pytest.raises(DataError, match=r"one class only, 'mug', and at least two"):
        read_folder(lay_out(tmp_path / "one", "mug/1.jpg", "mug/2.jpg"))
    with pytest.raises(DataError, match=r"different depths, such as stray\.jpg and mug/1\.jpg"):
        read_folder(lay_out(tmp_path / "mixed", "mug/1.jpg", "stray.jpg"))
    with pytest.raises(DataError, match=r"too deep, such as a/b/c/1\.jpg"):
        read_folder(lay_out(tmp_path / "deep", "a/b/c/1.jpg", "a/b/d/1.jpg"))


def test_ready_made_parts_are_refused_because_they_share_classes(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "train/cup/1.jpg", "train/mug/1.jpg", "val/cup/2.jpg")
    with pytest.raises(DataError, match=r"ready-made parts .*train, val.*such as .*train"):
        read_folder(root)
    assert read_folder(root / "train").class_names == ("cup", "mug")


def test_a_folder_without_permission_is_named() -> None:
    with tempfile.TemporaryDirectory() as shelf:
        Path(shelf).chmod(0o755)
        root = lay_out(Path(shelf) / "things", "cup/1.jpg", "mug/1.jpg")
        (root / "mug").chmod(0)
        with not_as_root(), pytest.raises(DataError, match="mug could not be read"):
            read_folder(root)
        (root / "mug").chmod(0o755)


@contextmanager
def not_as_root() -> Iterator[None]:
    """Root may read everything; nobody may not."""
    me = os.geteuid()
    if me == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(me)


def test_real_faces_are_forty_people_in_order(data_root: Path) -> None:
    manifest = read_folder(data_root / "faces-att")
    assert manifest.class_names == tuple(f"s{number}" for number in range(1, 41))
    np.testing.assert_array_equal(manifest.labels, np.repeat(np.arange(40), 10))
    assert [source.path.name for source in manifest.sources[:10]] == [
        f"{number}.pgm" for number in range(1, 11)
    ]
