from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from firstsight.data.packed import PackedPictures
from firstsight.errors import RecipeError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.schema.optimiser import Schedule
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_batches, build_head, build_tower
from firstsight.learning.training.module import TwinTraining
from firstsight.learning.training.objectives import build_objective
from firstsight.learning.training.optimiser import build_optimiser, learning_parts
from firstsight.learning.training.run import train
from firstsight.learning.training.schedules import momentum_at

from .conftest import tiny_recipe

SGD: dict[str, Any] = {"kind": "sgd", "lr": 0.1, "momentum": 0.5, "nesterov": False}


def training_of(recipe: Recipe, pictures: PackedPictures) -> TwinTraining:
    bank = PictureBank(pictures, Preprocessing(size=16, invert=True), recipe.augment.turns)
    return TwinTraining(recipe, bank, build_batches(recipe, bank.classes), None)


def by_name(training: TwinTraining) -> dict[str, dict[str, Any]]:
    """The optimiser's group of each weight."""
    groups = training.configure_optimizers()["optimizer"].param_groups
    of_weight = {id(weight): group for group in groups for weight in group["params"]}
    return {name: of_weight[id(weight)] for name, weight in training.named_parameters()}


def test_each_part_has_its_own_rate_momentum_and_penalty(glyphs: PackedPictures) -> None:
    parts = [
        {"part": "features", "lr": 0.2},
        {"part": "features.2", "momentum": 0.7, "l2": 0.03},
        {"part": "loss", "lr": 0.4},
    ]
    recipe = tiny_recipe(optimiser={**SGD, "l2": 0.01, "parts": parts})
    groups = by_name(training_of(recipe, glyphs))

    def numbers(name: str) -> tuple[float, ...]:
        group = groups[name]
        return group["initial_lr"], group["momentum"], group["weight_decay"]

    assert numbers("tower.project.weight") == (0.1, 0.5, 0.02)
    assert numbers("tower.features.1.0.weight") == (0.2, 0.5, 0.02)
    assert numbers("tower.features.2.0.weight") == (0.2, 0.7, 0.06)
    assert numbers("tower.features.2.1.bias") == (0.2, 0.7, 0.0)
    assert numbers("objective.loss.weight") == (0.4, 0.5, 0.0)


def test_l2_is_a_penalty_in_the_loss(glyphs: PackedPictures) -> None:
    recipe = tiny_recipe(optimiser={**SGD, "l2": 0.3})
    torch.manual_seed(0)
    tower, head = build_tower(recipe), build_head(recipe)
    objective = build_objective(recipe, head, n_classes=4)
    weight = tower.get_parameter("project.weight")
    before = weight.detach().clone().requires_grad_()
    pull = torch.rand_like(before)  # the gradient of everything but the penalty
    ((before * pull).sum() + 0.3 * before.square().sum()).backward()  # type: ignore[no-untyped-call]
    assert before.grad is not None
    expected = before.detach() - 0.1 * before.grad
    weight.grad = pull.clone()
    build_optimiser(recipe.optimiser, learning_parts(recipe, tower, head, objective)).step()
    assert torch.allclose(weight, expected, atol=1e-6)


def test_a_part_that_is_not_there_is_refused_with_those_that_are(glyphs: PackedPictures) -> None:
    recipe = tiny_recipe(optimiser={**SGD, "parts": [{"part": "dense", "lr": 0.2}]})
    with pytest.raises(
        RecipeError, match=r"'dense', which is no part that learns.*project, centre"
    ):
        training_of(recipe, glyphs)


def test_momentum_rises_in_a_straight_line_an_epoch_at_a_time() -> None:
    ramp = Schedule(momentum_start=0.5, momentum_epochs=4)
    risen = [momentum_at(ramp, goal=0.9, epoch=epoch) for epoch in range(6)]
    assert risen == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 0.9])
    assert momentum_at(ramp, goal=0.3, epoch=2) == pytest.approx(0.4)  # it may fall as well


def test_the_ramp_reaches_the_optimiser_before_each_step(
    glyphs: PackedPictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = tiny_recipe(
        batches={"kind": "uniform", "size": 72},  # 360 pictures seen four ways: 5 steps an epoch
        augment={"turns": 4},
        optimiser={**SGD, "parts": [{"part": "project", "momentum": 0.9}]},
        schedule={"momentum_start": 0.1, "momentum_epochs": 2},
        data={"held_out_groups": 1},
    )
    seen: list[set[float]] = []
    before_step = TwinTraining.on_before_optimizer_step

    def watched(self: TwinTraining, optimizer: torch.optim.Optimizer) -> None:
        before_step(self, optimizer)
        seen.append({round(group["momentum"], 6) for group in optimizer.param_groups})

    monkeypatch.setattr(TwinTraining, "on_before_optimizer_step", watched)
    train(recipe, glyphs, tmp_path / "run", console=Console(quiet=True))
    assert seen == [{0.1}] * 5 + [{0.3, 0.5}] * 5 + [{0.5, 0.9}] * 2


def test_koch_trains_each_layer_by_numbers_of_its_own_as_the_paper_does() -> None:
    recipe = load_recipe("koch")
    tower, head = build_tower(recipe), build_head(recipe)
    parts = learning_parts(recipe, tower, head, build_objective(recipe, head, n_classes=2))
    # Four convolutions, the dense layer and the weights of the distance.
    assert len(parts) == 6
    assert recipe.optimiser.nesterov is False
    assert recipe.schedule.momentum_start == 0.5
    assert recipe.schedule.decay_per_epoch == 0.99
    for part in parts:  # the ranges that were searched
        assert 1e-4 <= part.lr <= 1e-1
        assert 0 <= part.momentum <= 1
        assert 0 < part.weight_decay / 2 <= 0.1
