"""The training step: fetch, distort, embed, compare."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from firstsight.errors import TrainingError
from firstsight.learning.augment.affine import AffineDistortion, AffineRanges
from firstsight.learning.augment.mirror import mirror_half
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import PhotoNetwork, Recipe
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_head, build_tower
from firstsight.learning.training.objectives import build_objective
from firstsight.learning.training.schedules import rate_factor
from firstsight.learning.training.starting import Start
from firstsight.learning.training.validation import OneShotValidation
from firstsight.learning.training.watchdog import distance_spread
from firstsight.sampling.batches import BatchSource

__all__ = ["BrokenLoss", "TwinTraining", "seed_step"]


class BrokenLoss(TrainingError):
    """The loss, or what it comes from, is no number any more after so many steps."""

    def __init__(self, step: int) -> None:
        super().__init__(f"the loss became NaN or infinite at step {step}")
        self.step = step


class TwinTraining(LightningModule):
    """Everything that is optimised, and how one step of it goes.

    A step is a pure function of (weights, seed, step number): the batch is drawn by number and
    torch is seeded by number, so a resumed training equals an uninterrupted one bit for bit.
    """

    def __init__(
        self,
        recipe: Recipe,
        bank: PictureBank,
        batches: BatchSource,
        validation: OneShotValidation | None,
        start: Start | None = None,
    ) -> None:
        super().__init__()
        self.recipe, self.bank, self.batches, self.validation = recipe, bank, batches, validation
        torch.manual_seed(recipe.training.seed)
        self.tower = build_tower(recipe, as_started=start is None)
        self.head: HeadModule = build_head(recipe)
        if start is not None:
            start.put_into(self.tower, self.head)
        self.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = build_objective(recipe, self.head, bank.classes.n_classes)
        affine = recipe.augment.affine
        self.distort = AffineDistortion(AffineRanges(**affine.model_dump())) if affine else None
        self.spread = 1.0

    def on_fit_start(self) -> None:
        self.bank.to(self.device)

    def training_step(self, _batch: Any, _number: int) -> Tensor:
        step = self.global_step
        seed_step(self.recipe.training.seed, step)
        with torch.autocast(self.device.type, enabled=False):
            pictures, labels = self.bank.fetch(self.batches.at(step))
            if self.recipe.augment.mirror:
                pictures = mirror_half(pictures)
            if self.distort is not None:
                pictures = self.distort(pictures)
        embeddings = self.tower(pictures.contiguous(memory_format=torch.channels_last))
        with torch.autocast(self.device.type, enabled=False):
            loss: Tensor = self.objective(embeddings.float(), labels)
        if not torch.isfinite(loss):
            raise BrokenLoss(step + 1)
        if (step + 1) % 10 == 0:
            self._log_health(embeddings)
        self.log("loss", loss)
        return loss

    def _log_health(self, embeddings: Tensor) -> None:
        self.spread = distance_spread(embeddings, self.head)
        self.log("distance_spread", self.spread)
        for name, figure in self.objective.report.items():
            self.log(name, figure)

    def configure_optimizers(self) -> Any:
        optimiser = _optimiser(self.recipe, self)
        factor = rate_factor(
            self.recipe.schedule,
            steps=self.recipe.training.steps,
            epoch_steps=self.batches.epoch_steps,
        )
        schedule = LambdaLR(optimiser, factor)
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def seed_step(seed: int, step: int) -> None:
    """Every step draws from numbers of its own, whatever was drawn before."""
    torch.manual_seed((seed << 32) + step + 1)


def _optimiser(recipe: Recipe, module: TwinTraining) -> Optimizer:
    choice, loss = recipe.optimiser, recipe.loss
    class_weights = list(module.objective.parameters()) if loss.kind == "cosface" else []
    taken = {id(p) for p in class_weights}
    others = [p for p in module.parameters() if id(p) not in taken and p.requires_grad]
    groups: list[dict[str, Any]] = []
    if isinstance(recipe.network, PhotoNetwork):
        assert isinstance(module.tower, PooledTower)
        features = {id(p) for p in module.tower.features.parameters()}
        rate = choice.lr * recipe.network.lr_factor
        groups += _groups([p for p in others if id(p) in features], rate, choice.weight_decay)
        others = [p for p in others if id(p) not in features]
    groups += _groups(others, choice.lr, choice.weight_decay)
    if loss.kind == "cosface":  # only directions, their length means nothing
        rate = choice.lr * loss.lr_factor
        groups.append({"params": class_weights, "weight_decay": 0.0, "lr": rate})
    if choice.kind == "sgd":
        return SGD(groups, lr=choice.lr, momentum=choice.momentum, nesterov=choice.momentum > 0)
    kind = AdamW if choice.kind == "adamw" else Adam
    # In bf16 Lightning clips no gradients that a fused optimiser takes.
    fused = choice.clip_norm is None
    return kind(groups, lr=choice.lr, betas=(0.9, choice.beta2), fused=fused)


def _groups(parameters: list[nn.Parameter], lr: float, weight_decay: float) -> list[dict[str, Any]]:
    """Biases and normalisation scales have nothing to shrink towards."""
    groups: list[dict[str, Any]] = [
        {"params": [p for p in parameters if p.dim() > 1], "lr": lr, "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.dim() <= 1], "lr": lr, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
