from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from firstsight.data.catalogue import open_pictures, read_parts
from firstsight.data.table import parts_of_table, read_table
from firstsight.errors import DataError
from firstsight.images.preprocess import Preprocessing


def table(folder: Path, text: str, name: str = "things.csv") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_each_line_names_a_picture_and_its_class(tmp_path: Path) -> None:
    file = table(tmp_path, "path,label\nb/1.jpg,mug\n/elsewhere/2.png,cup\n\nb/3.jpg,mug\n")
    manifest = read_table(file)
    assert manifest.name == "things.csv"
    assert manifest.class_names == ("mug", "cup")
    np.testing.assert_array_equal(manifest.labels, [0, 1, 0])
    np.testing.assert_array_equal(manifest.drawers, [0, 0, 1])
    assert [source.path for source in manifest.sources] == [
        tmp_path / "b/1.jpg",
        Path("/elsewhere/2.png"),
        tmp_path / "b/3.jpg",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "path,label,split\na.jpg,cup,train\nb.jpg,mug,train\n",
        "\ufeffSPLIT, Label ,path\r\ntrain,cup,a.jpg\r\ntrain,mug,b.jpg\r\n",
        "a.jpg,cup,train\nb.jpg,mug,train\n",
        '"a.jpg","cup","train"\n"b.jpg","mug","train"\n',
    ],
    ids=["usual", "other order", "no header", "quoted"],
)
def test_columns_may_stand_in_any_order_or_unnamed_in_the_usual_one(
    text: str, tmp_path: Path
) -> None:
    file = table(tmp_path, text)
    manifest = read_table(file)
    assert manifest.class_names == ("cup", "mug")
    assert [source.path.name for source in manifest.sources] == ["a.jpg", "b.jpg"]
    assert parts_of_table(file) == ["train"]


def test_a_label_may_hold_commas_in_quotes_and_groups_have_a_column(tmp_path: Path) -> None:
    file = table(
        tmp_path, 'group,path,label\nGreek,1.png,"one, two"\nLatin,2.png,one\nGreek,3.png,three\n'
    )
    manifest = read_table(file)
    assert manifest.class_names == ("Greek/one, two", "Latin/one", "Greek/three")
    assert manifest.group_names == ("Greek", "Latin")
    np.testing.assert_array_equal(manifest.class_groups, [0, 1, 0])


def test_a_part_is_named_behind_a_colon(tmp_path: Path) -> None:
    for number, name in enumerate("abcd"):
        Image.new("L", (9, 9), 50 * number).save(tmp_path / f"{name}.png")
    file = table(
        tmp_path,
        "path,label,split\na.png,cup,train\nb.png,mug,train\nc.png,cup,test\nd.png,mug,test\n",
    )
    pictures = open_pictures(f"{file}:test", Preprocessing(4))
    assert pictures.name == "things.csv:test"
    np.testing.assert_array_equal(pictures.pixels[:, 0, 0, 0], [100, 150])
    assert list(read_parts(str(file))) == ["train", "test"]
    assert list(read_parts(f"{file}:test")) == [""]
    with pytest.raises(DataError, match=r"several parts .*train, test.*such as .*things.csv:train"):
        open_pictures(str(file), Preprocessing(4))
    with pytest.raises(DataError, match=r"no part 'val'; choose one of train, test"):
        open_pictures(f"{file}:val", Preprocessing(4))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"has no rows; write path,label"),
        ("path,label\n", "has no pictures"),
        ("a.jpg,cup\nb.jpg\n", r"line 2: 1 cells where 2 were wanted"),
        ("path,label\na.jpg,cup,mug\n", r"line 2: 3 cells where 2"),
        ("path,label\na.jpg,\n", r"line 2: label is empty"),
        ("path,label\na.jpg,cup\n\na.jpg,mug\n", r"line 4: a.jpg was named in line 2 already"),
        ("path,label\na.jpg,cup\nb.jpg,cup\n", r"one class only, 'cup'"),
        ("path,label,colour\na.jpg,cup,red\n", r"column 'colour' which nobody knows"),
        ("path,label,label\na.jpg,cup,red\n", r"column 'label' twice"),
        ("path,class\na.jpg,cup\n", r"no column 'label'; its first line must name path, label"),
    ],
    ids=repr,
)
def test_tables_that_make_no_sense_are_refused_with_the_line(
    text: str, sentence: str, tmp_path: Path
) -> None:
    file = table(tmp_path, text)
    with pytest.raises(DataError, match=sentence):
        read_table(file)


def test_a_table_in_another_encoding_or_none_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes("path,label\ncaf\u00e9.jpg,cup\n".encode("latin-1"))
    with pytest.raises(DataError, match="no CSV in UTF-8"):
        read_table(tmp_path / "latin.csv")
    with pytest.raises(DataError, match="could not be read"):
        read_table(tmp_path / "nowhere.csv")


def test_without_a_split_column_no_part_can_be_chosen(tmp_path: Path) -> None:
    file = table(tmp_path, "path,label\na.jpg,cup\nb.jpg,mug\n")
    assert parts_of_table(file) == []
    with pytest.raises(DataError, match="no part 'train'; add a column named split"):
        read_table(file, part="train")
