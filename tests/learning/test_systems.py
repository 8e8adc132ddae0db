"""Recipes of known systems learn from real pictures within seconds, and it shows on new things."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from rich.console import Console

from firstsight.data.catalogue import open_pictures
from firstsight.data.packed import PackedPictures
from firstsight.data.splits import hold_out
from firstsight.evaluation.embedding import Embed
from firstsight.evaluation.protocols import VerificationPlan, verification
from firstsight.evaluation.retrieval import retrieval
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.build import build_head, build_preprocessing, build_tower
from firstsight.learning.training.run import train
from firstsight.learning.training.starting import Start
from firstsight.learning.training.untrained import build_untrained
from firstsight.learning.training.validation import ViewValidation
from firstsight.model.embedder import load
from firstsight.similarity import Head

MARGIN = 0.03  # of pairs told rightly, above the untrained network
FACES_MARGIN = 0.02  # ImageNet's features know much already


@pytest.mark.parametrize(("recipe", "steps"), [("verify-128", 400), ("verify-128-triplet", 60)])
def test_a_brief_training_tells_pairs_of_new_people_better_than_before(
    data_root: Path, tmp_path: Path, recipe: str, steps: int
) -> None:
    checked = brief(recipe, steps)
    pictures = open_pictures(checked.data.train, build_preprocessing(checked))
    held_out = hold_out(
        pictures, n_groups=0, class_share=checked.data.held_out_classes, part=0, seed=0
    )[1]
    assert held_out is not None
    before, after = right_before_and_after(checked, pictures, held_out, tmp_path)
    assert after > max(0.5, before) + MARGIN


def test_faces_of_new_people_are_told_better_after_a_brief_training(
    data_root: Path, tmp_path: Path
) -> None:
    smaller = ["picture.size=64", "network.n_layers=8", "training.steps=5"]
    checked = load_recipe("squeezenet-faces", smaller)
    pictures = open_pictures("faces", build_preprocessing(checked))
    _, held_out = hold_out(pictures, n_groups=0, class_share=0.2, part=0, seed=0)
    assert held_out is not None
    before, after = right_before_and_after(checked, pictures, held_out, tmp_path)
    assert after > max(0.5, before) + FACES_MARGIN


def test_a_brief_training_tells_pairs_of_seen_characters_by_new_people(
    data_root: Path, tmp_path: Path
) -> None:
    checked = brief("omniglot-12-4-4", 160)
    learned, judged = (
        open_pictures(name, build_preprocessing(checked))
        for name in (checked.data.train, "omniglot:drawers-13-16")
    )
    before, after = right_before_and_after(checked, learned, judged, tmp_path)
    assert after > max(0.5, before) + MARGIN


def test_koch_tells_pairs_of_new_people_on_new_alphabets_after_a_brief_training(
    data_root: Path, tmp_path: Path
) -> None:
    checked = brief("koch", 24, "batches.n_pairs=16", 'data.watch=""')
    learned, judged = (
        open_pictures(name, build_preprocessing(checked))
        for name in (checked.data.train, "omniglot:koch-validation")
    )
    some = judged.select(judged.groups < 4)  # of ten alphabets
    before, after = right_before_and_after(checked, learned, some, tmp_path)
    assert after > max(0.5, before) + MARGIN


def test_a_brief_training_finds_more_snacks_of_kinds_it_never_saw(
    data_root: Path, tmp_path: Path
) -> None:
    small = ["data.train=snacks:test", "data.held_out_classes=0.2", "picture.size=96"]
    checked = brief("triplet-snacks", 40, *small)
    pictures = open_pictures(checked.data.train, build_preprocessing(checked))
    held_out = hold_out(pictures, n_groups=0, class_share=0.2, part=0, seed=0)[1]
    assert held_out is not None
    run = train(checked, pictures, tmp_path / "run", console=Console(quiet=True))
    model = load(run.model)
    frozen = build_untrained(checked.model_dump(mode="json"))
    before, after = (
        retrieval(embed, head, held_out, 0).details["map_at_r"]
        for embed, head in (frozen, (model.embed_pixels, model.info.head))
    )
    assert after > before + 0.01  # 0.276 to 0.295, where it was written


def brief(recipe: str, steps: int, *more: str) -> Recipe:
    return load_recipe(recipe, ["training.validate_every=1000", f"training.steps={steps}", *more])


def right_before_and_after(
    recipe: Recipe, learned: PackedPictures, judged: PackedPictures, folder: Path
) -> tuple[float, float]:
    """The share of pairs told rightly by the untrained network and by the trained one."""
    run = train(recipe, learned, folder / "run", console=Console(quiet=True))

    def right(embed: Embed, head: Head) -> float:
        return verification(embed, head, judged, 0, VerificationPlan(1000)).value

    model = load(run.model)
    before = right(*build_untrained(recipe.model_dump(mode="json")))
    return before, right(model.embed_pixels, model.info.head)


def test_a_brief_training_finds_more_photographs_from_other_views(
    data_root: Path, tmp_path: Path
) -> None:
    small = ["data.train=snacks:test", "data.held_out_classes=0.6", "picture.size=96"]
    checked = brief("photos", 20, *small)
    preprocessing = build_preprocessing(checked)
    pictures = open_pictures("snacks:test", preprocessing)
    _, held_out = hold_out(pictures, n_groups=0, class_share=0.6, part=0, seed=0)
    assert held_out is not None
    judge = ViewValidation.plan(held_out, preprocessing, seed=7)

    def found(recipe: Recipe) -> float:
        run = train(
            recipe, pictures, tmp_path / f"{recipe.training.steps}", console=Console(quiet=True)
        )
        tower, head = build_tower(recipe), build_head(recipe)
        Start.at(run.model).put_into(tower, head)
        return judge.accuracy(tower.eval(), head, torch.device("cpu"))

    before, after = found(brief("photos", 0, *small)), found(checked)
    assert after > before + MARGIN
