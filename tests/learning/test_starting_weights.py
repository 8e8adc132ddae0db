"""Training that starts from weights somebody else trained."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import nn

from firstsight.data.glyphs import draw_alphabets
from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.efficientnet import EfficientNetLite
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.networks.squeezenet import SqueezeNet
from firstsight.learning.recipes import tuning
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import (
    build_batches,
    build_head,
    build_preprocessing,
    build_tower,
)
from firstsight.learning.training.module import TwinTraining
from firstsight.learning.training.run import train
from firstsight.learning.training.starting import Start
from firstsight.model import load
from firstsight.model.folder import SHIPPED, read_tensors

from .conftest import tiny_recipe


@pytest.fixture(scope="module")
def colour_glyphs() -> PackedPictures:
    seen = Preprocessing(size=32, mode="rgb")
    return draw_alphabets(seen, n_alphabets=2, n_characters=4, n_drawers=3, seed=1)


def tuning_recipe(weights: str, **network: Any) -> Recipe:
    return parse_recipe(
        {
            "name": "tiny",
            "data": {"train": "glyphs"},
            "picture": {"size": 32, "mode": "rgb", "mean": [0.5], "deviation": [0.5]},
            "network": {"kind": "squeezenet", "weights": weights, **network},
            "loss": {"kind": "cosface"},
            "batches": {"kind": "uniform", "size": 8},
            "augment": {"mirror": True},
            "optimiser": {"kind": "adamw", "lr": 1e-3, "clip_norm": 1.0},
            "training": {"steps": 2, "validate_every": 2, "precision": "f32"},
        },
        origin="test recipe",
    )


def test_tuning_leaves_frozen_layers_as_the_file_has_them_and_changes_the_rest(
    colour_glyphs: PackedPictures, tmp_path: Path
) -> None:
    torch.manual_seed(5)
    start = SqueezeNet("1.1").state_dict()
    torch.save(start, tmp_path / "start.pth")
    recipe = tuning_recipe(str(tmp_path / "start.pth"), n_frozen=6, projection=16)
    silent = Console(file=io.StringIO())
    run = train(recipe, colour_glyphs, tmp_path / "run", console=silent)
    tuned = read_tensors(run.model)
    same = {
        name: np.array_equal(start[name].numpy(), tuned[name])
        for name in tuned
        if name.startswith("features.")
    }
    assert all(same[name] == (int(name.split(".")[1]) < 6) for name in same if "weight" in name)
    assert load(run.model).embed_pixels(colour_glyphs.pixels[:3]).shape == (3, 16)


def test_features_learn_at_their_own_rate(colour_glyphs: PackedPictures) -> None:
    recipe = tuning_recipe("random", lr_factor=0.1, projection=16, n_frozen=3)
    bank = PictureBank(colour_glyphs, build_preprocessing(recipe), 1)
    training = TwinTraining(recipe, bank, build_batches(recipe, bank.classes), None)
    groups = training.configure_optimizers()["optimizer"].param_groups
    rates = {id(p): group["initial_lr"] for group in groups for p in group["params"]}
    tower = training.tower
    assert isinstance(tower, PooledTower)
    assert {rates[id(p)] for p in tower.features[3:].parameters()} == {1e-4}
    assert {rates[id(p)] for p in tower.project.parameters()} == {1e-3}
    assert not rates.keys() & {id(p) for p in tower.features[:3].parameters()}


def test_weights_that_are_not_there_stop_a_training_but_no_export(tmp_path: Path) -> None:
    recipe = tuning_recipe(str(tmp_path / "gone.pth"))
    with pytest.raises(DataError, match=r"gone\.pth is no file of weights"):
        build_tower(recipe, as_started=True)
    assert isinstance(build_tower(recipe), PooledTower)  # to be filled from a checkpoint


@pytest.mark.parametrize("kept", [True, False])
def test_batch_norms_keep_the_statistics_they_came_with(kept: bool) -> None:
    first = EfficientNetLite("0").features[:3]
    assert isinstance(first, nn.Sequential)
    tower = PooledTower(first, 24, keep_statistics=kept).train()
    before = {name: value.clone() for name, value in tower.named_buffers()}
    tower(torch.rand(4, 3, 32, 32))
    changed = {n for n, v in tower.named_buffers() if not torch.equal(v, before[n])}
    assert bool(changed) != kept


def test_gradients_are_clipped_in_bf16_too(glyphs: PackedPictures, tmp_path: Path) -> None:
    recipe = tiny_recipe(
        optimiser={"clip_norm": 1.0},
        training={"precision": "bf16", "steps": 2, "validate_every": 2},
    )
    run = train(recipe, glyphs, tmp_path / "run", console=Console(file=io.StringIO()))
    assert run.ended == "finished"


def test_the_shipped_photos_is_tuned_from_its_publishers_features_and_its_own_whitening() -> None:
    info = load("photos").info
    recipe = tuning.tuning_recipe(info.recipe, data="a gallery")
    torch.manual_seed(0)
    tower, start = build_tower(recipe), Start.at(SHIPPED / "photos")
    assert start == Start.from_json(start.to_json())
    start.put_into(tower, build_head(recipe))
    pixels = np.random.default_rng(0).integers(
        0, 256, (2, info.preprocessing.size, info.preprocessing.size, 3), np.uint8
    )
    with torch.no_grad():
        ours = tower.eval()(torch.from_numpy(info.preprocessing.normalise(pixels))).numpy()
    # The shipped file keeps features and whitening in half precision; a turn of half a degree.
    theirs = load("photos").embed_pixels(pixels)
    assert ((ours * theirs).sum(1) > 0.9999).all()
