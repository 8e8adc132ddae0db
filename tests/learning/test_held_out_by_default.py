"""A user's own pictures are parted by class unless the user says otherwise."""

from __future__ import annotations

import io
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


@pytest.mark.parametrize("recipe", ["compact", "compact-triplet", "koch"])
def test_a_fifth_of_the_classes_of_a_folder_is_held_out(recipe: str, tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "things", [2] * 10)
    overrides, told = asked(recipe, str(folder))
    checked = load_recipe(recipe, overrides)
    assert (checked.data.held_out_groups, checked.data.held_out_classes) == (0, 0.2)
    assert told == ""


def test_a_share_that_the_recipe_names_stands(tmp_path: Path) -> None:
    assert asked("photos", str(save_classes(tmp_path / "things", [2] * 10)))[0] == []


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
