from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from firstsight.errors import RecipeError
from firstsight.learning.recipes.reference import recipe_keys
from firstsight.learning.recipes.schema import parse_recipe
from firstsight.learning.recipes.shelf import load_recipe, shipped_recipes

from .conftest import TABLES


def test_every_shipped_recipe_is_valid_and_named_like_its_file() -> None:
    shelf = shipped_recipes()
    assert {
        "compact",
        "koch",
        "compact-contrastive",
        "compact-triplet",
        "characters",
        "photos",
        "photos-tuned",
        "triplet-snacks",
    } <= shelf.keys()
    for name, recipe in shelf.items():
        assert recipe.name == name
        assert recipe.description.endswith(".")


def test_overrides_are_toml_and_bare_words_are_text() -> None:
    recipe = load_recipe(
        "compact", ["training.steps=7", "data.train=my/folder", "augment.affine.scale=[0.9, 1.1]"]
    )
    assert recipe.training.steps == 7
    assert recipe.data.train == "my/folder"
    assert recipe.augment.affine is not None
    assert recipe.augment.affine.scale == (0.9, 1.1)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("training.stepz=2", r"unknown key training\.stepz"),
        ("training.steps=many", r"training\.steps is 'many', but input should be a valid integer"),
        ("training.steps=0", r"training\.steps is 0, and nothing would be learned"),
        ("loss.mining=hard", r"unknown key loss\.mining"),
        ("network.widths=[8]", r"blocks and widths need one positive number for each stage"),
        ("picture.size=33", r"'compact' takes an even picture\.size"),
        ("batches.kind=pairs", r"unknown key batches\.size"),
        ("head.kind=euclidean", r"needs head\.kind 'cosine'"),
        ("augment.affine.scale=[1.2, 0.8]", r"0 < lowest <= highest"),
        ("nonsense", r"write key=value"),
        ("name.deeper=1", r"name is a plain value"),
    ],
)
def test_a_wrong_override_is_refused_by_its_key(override: str, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        load_recipe("compact", [override])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"loss": {"kind": "contrastive"}},
            r"learns from batches\.kind 'pairs', not from 'uniform'",
        ),
        ({"loss": {"kind": "triplet"}}, r"learns from batches\.kind 'classes'"),
        (
            {"head": {"kind": "weighted_l1"}},
            r"trains another distance than head\.kind 'weighted_l1'",
        ),
        (
            {
                "loss": {"kind": "circle", "memory": 20},
                "batches": {"kind": "classes", "n_classes": 6, "n_pictures": 4},
            },
            r"loss\.memory 20 does not hold one batch of 24",
        ),
        ({"augment": {"photo": {}}}, r"needs picture\.mode 'rgb'"),
        ({"picture": {"size": 16}, "augment": {"thickness_px": 1.0}}, r"needs picture\.invert"),
        ({"augment": {"photo": {"crop": [0.5, 1.2]}}}, r"0 < lowest <= highest <= 1"),
        ({"schedule": {"momentum_start": 0.5}}, r"needs optimiser\.kind 'sgd'"),
        ({"optimiser": {"l2": 0.1}}, "which is no penalty in the loss"),
        ({"optimiser": {"kind": "sgd", "l2": 0.1, "weight_decay": 0.1}}, "shrink weights twice"),
        (
            {"optimiser": {"kind": "adam", "parts": [{"part": "head", "momentum": 0.5}]}},
            "has no momentum to set",
        ),
        ({"network": {"kind": "koch"}}, r"takes picture\.size 105"),
        ({"data": {"held_out_groups": 1, "held_out_classes": 0.1}}, "exclude each other"),
        ({"name": "no/slash"}, "name is 'no/slash'"),
        ({"network": {"kind": "squeezenet"}}, r"'squeezenet' takes picture\.mode 'rgb'"),
        ({"network": {"kind": "squeezenet", "version": "2"}}, r"network\.version is '2'"),
    ],
)
def test_parts_that_do_not_fit_are_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        parse_recipe({**TABLES, **changes}, origin="test")


def test_an_unknown_recipe_names_the_shelf_and_broken_toml_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match="there is no recipe 'kock'; shipped are characters, compact"
    ):
        load_recipe("kock")
    broken = tmp_path / "broken.toml"
    broken.write_text("name = ", encoding="utf-8")
    with pytest.raises(RecipeError, match="no valid TOML"):
        load_recipe(broken)


def test_the_reference_lists_each_key_that_the_shipped_recipes_use() -> None:
    known = {key.name for key in recipe_keys()}

    def used(tables: dict[str, Any], prefix: str = "") -> set[str]:
        names: set[str] = set()
        for key, value in tables.items():
            names |= used(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key}
        return names

    for recipe in shipped_recipes().values():
        assert used(recipe.model_dump(exclude_none=True)) <= known
