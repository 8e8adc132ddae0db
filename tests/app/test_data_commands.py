"""`firstsight check` and `firstsight evaluate --pairs`, as people run them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ..command import cut_short, here, save_classes


@pytest.fixture
def things(tmp_path: Path) -> Path:
    return save_classes(tmp_path / "things", [3, 3, 2])


def test_check_prints_a_line_a_finding_and_ends_with_0_where_training_is_sound(
    things: Path,
) -> None:
    cut_short(things / "class0" / "1.png")
    ended = here("check", things)
    lines = ended.out.splitlines()
    assert lines[0].startswith(f"unreadable: {things}/class0/1.png is damaged or cut short")
    assert lines[-1].startswith(f"{things}: 8 pictures of 3 classes; 1 x unreadable")
    assert (ended.code, ended.err) == (0, "")


def test_check_ends_with_1_and_says_which_findings_are_unsound(things: Path) -> None:
    shutil.copy(things / "class0" / "1.png", things / "class1" / "copy.png")
    ended = here("check", things)
    assert ended.code == 1
    assert ended.out.splitlines()[0].startswith("unsound, same file: under two classes: ")
    assert ended.err.startswith(f"error: training on {things} would be unsound")
    assert "(1 x same file); remove or move these pictures" in ended.err
    as_json = here("check", things, "--json")
    assert as_json.code == 1
    record = json.loads(as_json.out)
    assert record["sound"] is False
    assert record["findings"][0]["kind"] == "same file"


def test_check_says_that_pictures_are_to_be_added_where_a_class_has_one_only(
    tmp_path: Path,
) -> None:
    ended = here("check", save_classes(tmp_path / "lonely", [1, 1, 2]))
    assert ended.code == 1
    assert ended.err.endswith("because of what is marked so above (1 x few pictures); add some\n")


def test_check_looks_across_the_parts_of_a_table(things: Path) -> None:
    lines = ["path,label,split"]
    for number in range(3):
        for name, part in (("0", "train"), ("1", "train"), ("copy", "test")):
            lines.append(f"class{number}/{name}.png,class{number},{part}")
        shutil.copy(things / f"class{number}/0.png", things / f"class{number}/copy.png")
    (things / "things.csv").write_text("\n".join(lines))
    ended = here("check", things / "things.csv")
    assert ended.code == 1
    assert ended.out.count("unsound, same file: in two parts: ") == 3
    assert "in 2 parts (train, test)" in ended.out.splitlines()[-1]


def test_a_folder_that_is_called_like_a_set_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    save_classes(tmp_path / "glyphs", [2, 2])
    known = here("check", "glyphs", cwd=tmp_path)
    assert known.err.startswith("taking the data set called glyphs; the folder here is ./glyphs\n")
    own = here("check", "./glyphs", cwd=tmp_path)
    assert "./glyphs: 4 pictures of 2 classes" in own.out
    assert (own.code, own.err) == (0, "")


def test_check_refuses_what_is_no_set_of_files() -> None:
    assert "does not consist of picture files" in here("check", "digits").sentence
    assert "neither a folder, a CSV file" in here("check", "nowhere").sentence


def test_evaluate_judges_exactly_the_listed_pairs(tmp_path: Path) -> None:
    root = save_classes(tmp_path / "things", [4] * 8)
    rows = ["path_a,path_b,label"]
    for number in range(8):
        rows += [f"class{number}/0.png,class{number}/{other}.png,1" for other in (1, 2)]
        rows += [f"class{number}/{a}.png,class{(number + 3) % 8}/3.png,0" for a in (1, 2, 3)]
    (root / "pairs.csv").write_text("\n".join([*rows, "class0/0.png,broken.png,0"]))
    (root / "broken.png").write_bytes(b"no picture")
    ended = here("evaluate", "characters", "--pairs", root / "pairs.csv", "--json")
    assert ended.code == 0
    (card,) = json.loads(ended.out)
    assert (card["protocol"], card["n"], card["details"]["n_same"]) == ("pairs", 40, 16)
    assert 0.5 < card["value"] <= 1
    assert set(card["details"]["intervals"]) == {
        *("auc", "equal_error_rate", "true_accept_1", "true_accept_10"),
    }
    assert "left out 1 unreadable picture of pairs.csv:" in ended.err
    assert "left out 1 pairs with these pictures" in ended.err
    table = here("evaluate", "characters", "--pairs", root / "pairs.csv").out
    assert "on 16 pairs of the same and 24 of different things" in table
    assert "characters" in table


def test_pairs_go_with_no_other_data_or_protocol(tmp_path: Path) -> None:
    ended = here("evaluate", "characters", "--pairs", "x.csv", "--protocol", "nway")
    assert ended.code == 2
    assert ended.sentence == ("--pairs names its own pictures and trials; leave out --protocol")
    more = ("--trials", "5", "--n-way", "5", "--across", "--false-accepts", "0.01", "--seed", "1")
    ended = here("evaluate", "characters", "--pairs", "x.csv", *more)
    assert ended.sentence.endswith("leave out --trials, --n-way, --across, --false-accepts")
    empty = tmp_path / "empty.csv"
    empty.write_text("path_a,path_b,label\n")
    sentence = here("evaluate", "characters", "--pairs", empty).sentence
    assert "empty.csv has no pairs; write path_a,path_b,label" in sentence
    assert "could not be read" in here("evaluate", "characters", "--pairs", "x.csv").sentence
