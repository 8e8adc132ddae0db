from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firstsight.data.pairs import read_pairs
from firstsight.errors import DataError

HEAD = "path_a,path_b,label\n"
ROWS = "a.png,b.png,1\nb.png,c.png,0\nd/e.png,a.png,1\nc.png,a.png,0\n"


def pairs_file(folder: Path, text: str) -> Path:
    file = folder / "pairs.csv"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("head", [HEAD, ""], ids=["with a header", "without"])
def test_pairs_point_at_pictures_that_are_listed_once(head: str, tmp_path: Path) -> None:
    listed = read_pairs(pairs_file(tmp_path, head + ROWS))
    assert listed.pictures.class_names == ("a.png", "b.png", "d/e.png", "c.png")
    assert [source.path for source in listed.pictures.sources] == [
        tmp_path / name for name in listed.pictures.class_names
    ]
    np.testing.assert_array_equal(listed.first, [0, 1, 2, 3])
    np.testing.assert_array_equal(listed.second, [1, 3, 0, 0])
    np.testing.assert_array_equal(listed.same, [True, False, True, False])
    assert len(listed) == 4


def test_a_picture_is_one_however_its_path_is_written(tmp_path: Path) -> None:
    more = f"./a.png,d//e.png,1\nd/../c.png,{tmp_path / 'd' / 'e.png'},0\n"
    listed = read_pairs(pairs_file(tmp_path, HEAD + ROWS + more))
    assert listed.pictures.class_names == ("a.png", "b.png", "d/e.png", "c.png")
    np.testing.assert_array_equal(listed.first, [0, 1, 2, 3, 0, 3])
    np.testing.assert_array_equal(listed.second, [1, 3, 0, 0, 2, 2])


def test_columns_may_stand_in_another_order(tmp_path: Path) -> None:
    text = "label,path_b,path_a\n1,b,a\n0,c,b\n1,a,d\n0,a,c\n"
    listed = read_pairs(pairs_file(tmp_path, text))
    names = listed.pictures.class_names
    assert [names[row] for row in listed.first] == ["a", "b", "d", "c"]


def test_pairs_of_unreadable_pictures_fall_away(tmp_path: Path) -> None:
    more = "e.png,c.png,1\ne.png,d/e.png,0\n"
    listed = read_pairs(pairs_file(tmp_path, HEAD + ROWS + more))
    left = listed.among(("a.png", "d/e.png", "c.png", "e.png"))
    assert left.same.tolist() == [True, False, True, False]
    np.testing.assert_array_equal(left.first, [1, 2, 3, 3])
    np.testing.assert_array_equal(left.second, [0, 0, 2, 1])
    with pytest.raises(DataError, match="1 readable pairs of the same and 2 of different"):
        listed.among(("a.png", "b.png", "c.png"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (HEAD + "a,b,yes\n", r"line 2: the label is 'yes'; write 1 where"),
        (HEAD + "a,b,1\na,a,0\n", r"line 3: a is paired with itself"),
        (HEAD + "a,b,1\nb,c,1\nc,d,0\n", r"2 readable pairs of the same and 1 of different"),
        (HEAD + "a,b\n", r"line 2: 2 cells where 3"),
        ("path,label\na,cup\n", r"no column 'path_a'"),
        ("", r"no rows; write path_a,path_b,label"),
        (HEAD, r"pairs\.csv has no pairs; write path_a,path_b,label in a line for each"),
        (HEAD + "a,b,1\nc/d,c/../c//d,0\n", r"line 3: c/d is paired with itself"),
        (HEAD + ROWS + "./b.png,a.png,0\n", r"lines 2 and 6: \./b\.png and a\.png are once the s"),
    ],
)
def test_files_of_pairs_that_make_no_sense_are_refused(
    text: str, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=sentence):
        read_pairs(pairs_file(tmp_path, text))
