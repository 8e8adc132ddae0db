from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import DataError
from firstsight.images.listing import list_pictures, pictures_in


def lay_out(root: Path, *names: str) -> Path:
    """Empty files: listing looks at names alone."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def listed(root: Path) -> list[tuple[str, str]]:
    return [(path.relative_to(root).as_posix(), name) for path, name in list_pictures(root)]


def test_a_folder_names_the_thing_on_its_pictures(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "mug 2/b.png", "mug 10/a.JPG", "mug 2/a.webp", "notes.txt")
    assert listed(root) == [
        ("mug 2/a.webp", "mug 2"),
        ("mug 2/b.png", "mug 2"),
        ("mug 10/a.JPG", "mug 10"),
    ]


def test_groups_are_part_of_the_name(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "cups/mug/1.png", "pets/cat/1.png")
    assert listed(root) == [("cups/mug/1.png", "cups/mug"), ("pets/cat/1.png", "pets/cat")]


def test_where_files_lie_flat_each_ones_stem_is_the_name(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "mug.jpg", "mug.png", "mug-2.jpg", "the cat.v2.jpeg")
    assert sorted(listed(root)) == [
        ("mug-2.jpg", "mug-2"),
        ("mug.jpg", "mug"),
        ("mug.png", "mug"),
        ("the cat.v2.jpeg", "the cat.v2"),
    ]


def test_one_thing_is_enough(tmp_path: Path) -> None:
    assert listed(lay_out(tmp_path, "mug/1.jpg")) == [("mug/1.jpg", "mug")]


def test_hidden_files_are_left_aside(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "mug/1.jpg", "mug/.2.jpg", ".trash/3.jpg", "__MACOSX/mug/1.jpg")
    assert listed(root) == [("mug/1.jpg", "mug")]
    assert pictures_in(root) == [root / "mug" / "1.jpg"]


def test_pictures_at_different_depths_have_no_sure_name(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "mug/1.jpg", "2.jpg")
    with pytest.raises(DataError, match=r"different depths, such as 2\.jpg and mug/1\.jpg"):
        list_pictures(root)


def test_pictures_without_names_are_found_at_any_depth(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "a/b/c/d/10.jpg", "a/b/c/d/9.jpg", "1.png", "readme.md")
    names = [path.relative_to(root).as_posix() for path in pictures_in(root)]
    assert names == ["a/b/c/d/9.jpg", "a/b/c/d/10.jpg", "1.png"]
    (tmp_path / "empty").mkdir()
    assert pictures_in(tmp_path / "empty") == []


def test_a_link_to_a_folder_above_ends(tmp_path: Path) -> None:
    root = lay_out(tmp_path, "mug/1.jpg")
    (root / "mug" / "again").symlink_to(root)
    assert pictures_in(root) == [root / "mug" / "1.jpg"]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("none", "no folder"), ("file.jpg", "not a folder"), ("bare", "has no pictures")],
)
def test_a_folder_that_cannot_be_listed_is_refused(
    name: str, complaint: str, tmp_path: Path
) -> None:
    lay_out(tmp_path, "file.jpg", "bare/notes.txt")
    with pytest.raises(DataError, match=complaint):
        list_pictures(tmp_path / name)


def test_pictures_too_deep_and_ready_made_splits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="too deep"):
        list_pictures(lay_out(tmp_path / "deep", "a/b/c/1.jpg"))
    with pytest.raises(DataError, match="ready-made parts"):
        list_pictures(lay_out(tmp_path / "split", "train/mug/1.jpg", "test/mug/2.jpg"))
