"""A user's own pictures are parted by class unless the user says otherwise."""

from __future__ import annotations

import io
from importlib.resources import files
from pathlib import Path

import pytest
from rich.console import Console

from firstsight.app.training import held_out_by_default
from firstsight.learning.recipes.shelf import load_recipe

from ..command import save_classes


def asked(recipe: str, data: str) -> tuple[list[str], str]:
    console = Console(file=io.StringIO(), width=300)
    overrides = held_out_by_default(load_recipe(recipe, [f"data.train='{data}'"]), console)
    assert isinstance(console.file, io.StringIO)
    return overrides, console.file.getvalue()


@pytest.mark.parametrize("recipe", ["compact", "compact-triplet", "koch", "photos"])
def test_a_fifth_of_the_classes_of_a_folder_is_held_out(recipe: str, tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "things", [2] * 10)
    overrides, told = asked(recipe, str(folder))
    checked = load_recipe(recipe, overrides)
    assert (checked.data.held_out_groups, checked.data.held_out_classes) == (0, 0.2)
    assert told == ""


@pytest.mark.parametrize(
    ("n_classes", "n_held"),
    [(10, 2), (24, 5), (25, 10), (27, 10), (49, 10), (50, 10), (60, 12)],
)
def test_ten_are_held_out_where_a_fifth_is_too_few_to_calibrate_and_ten_are_not_too_many(
    n_classes: int, n_held: int, tmp_path: Path
) -> None:
    folder = save_classes(tmp_path / "things", [2] * n_classes)
    share = load_recipe("compact", asked("compact", str(folder))[0]).data.held_out_classes
    assert round(share * n_classes) == n_held


def test_a_share_that_the_recipe_names_stands(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    text = (files("firstsight.learning.recipes") / "photos.toml").read_text("utf-8")
    recipe.write_text(text.replace("classes = 0.2", "classes = 0.1"), encoding="utf-8")
    assert asked(str(recipe), str(save_classes(tmp_path / "things", [2] * 30)))[0] == []


def test_one_is_held_out_of_five_where_the_recipe_says_so(tmp_path: Path) -> None:
    assert asked("photos", str(save_classes(tmp_path / "things", [2] * 5)))[0] == []


def test_groups_that_the_recipe_holds_out_stand_where_there_are_enough(tmp_path: Path) -> None:
    for number in range(7):
        save_classes(tmp_path / f"shelf{number}", [2, 2])
    assert asked("compact-triplet", str(tmp_path))[0] == []


def test_what_a_recipe_watches_by_is_left_out_with_its_own_data(tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "things", [2] * 10)
    assert asked("koch", str(folder))[0][0] == 'data.watch=""'
    assert asked("koch", "glyphs")[0] == ['data.watch=""']


def test_known_alphabets_are_parted_as_the_recipe_says() -> None:
    assert asked("compact-triplet", "omniglot:background")[0] == []
    assert asked("compact", "glyphs")[0] == []


def test_of_too_few_classes_none_is_held_out_and_it_is_said(tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "things", [2] * 9 + [1])
    overrides, told = asked("compact", str(folder))
    assert overrides == ["data.held_out_groups=0"]
    assert "has 9 classes with two pictures or more: too few to hold some out" in told
