"""Recipes of known systems learn from real pictures within seconds, and it shows on new things."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from firstsight.data.catalogue import open_pictures
from firstsight.data.splits import hold_out
from firstsight.evaluation.embedding import Embed
from firstsight.evaluation.protocols import VerificationPlan, verification
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.build import build_preprocessing
from firstsight.learning.training.run import train
from firstsight.learning.training.untrained import build_untrained
from firstsight.model.embedder import load
from firstsight.similarity import Head

MARGIN = 0.03  # of pairs told rightly, above the untrained network


@pytest.mark.parametrize(
    ("recipe", "overrides"),
    [
        (
            "omniglot-12-4-4",
            ("data.train=omniglot:minimal1", "data.held_out_groups=1", "training.steps=120"),
        ),
        ("verify-128", ("training.steps=60",)),
        ("verify-128-triplet", ("training.steps=40",)),
    ],
)
def test_a_brief_training_tells_pairs_of_new_things_better_than_before(
    data_root: Path, tmp_path: Path, recipe: str, overrides: tuple[str, ...]
) -> None:
    checked = load_recipe(recipe, ["training.validate_every=1000", *overrides])
    pictures = open_pictures(checked.data.train, build_preprocessing(checked))
    run = train(checked, pictures, tmp_path / "run", console=Console(quiet=True))
    data = checked.data
    held_out = hold_out(
        pictures,
        n_groups=data.held_out_groups,
        class_share=data.held_out_classes,
        part=0,
        seed=0,
    )[1]
    assert held_out is not None

    def right(embed: Embed, head: Head) -> float:
        return verification(embed, head, held_out, 0, VerificationPlan(1000)).value

    model = load(run.model)
    before = right(*build_untrained(checked.model_dump(mode="json")))
    after = right(model.embed_pixels, model.info.head)
    assert after > max(0.5, before) + MARGIN
