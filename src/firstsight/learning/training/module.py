"""The training step: fetch, distort, embed, compare."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from lightning.pytorch import LightningModule
from numpy.typing import NDArray
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from firstsight.data.known import cache_folder
from firstsight.errors import TrainingError
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_head, build_tower
from firstsight.learning.training.frozen import FrozenFeatures, can_freeze
from firstsight.learning.training.objectives import OwnPictureObjective, build_objective
from firstsight.learning.training.optimiser import build_optimiser, learning_parts
from firstsight.learning.training.processes import gathered, processes_here
from firstsight.learning.training.schedules import momentum_at, rate_factor
from firstsight.learning.training.starting import Start
from firstsight.learning.training.validation import Validation
from firstsight.learning.training.varying import build_variations
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
        validation: Validation | None,
        start: Start | None = None,
    ) -> None:
        super().__init__()
        self.recipe, self.bank, self.batches, self.validation = recipe, bank, batches, validation
        self.processes = processes_here()
        self.processes.require_even(recipe.batches.n_rows)
        torch.manual_seed(recipe.training.seed)
        self.tower = build_tower(recipe, as_started=start is None)
        self.head: HeadModule = build_head(recipe)
        if start is not None:
            start.put_into(self.tower, self.head)
        self.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.objective = build_objective(recipe, self.head, bank.classes.n_classes)
        if isinstance(self.objective, OwnPictureObjective):
            assert isinstance(self.tower, PooledTower)
            self.tower.project.requires_grad_(False)  # it measured the places, and stays
        # Here, so that a part that is not there is refused before anything starts.
        self._parts = learning_parts(recipe, self.tower, self.head, self.objective)
        self.variations = build_variations(recipe)
        self.features: FrozenFeatures | None = None
        self.spread = 1.0

    def on_fit_start(self) -> None:
        self.bank.to(self.device)
        if isinstance(self.tower, PooledTower) and can_freeze(self.recipe, self.tower):
            cache = cache_folder() / "features"
            self.features = FrozenFeatures(self.bank, self.tower, cache)

    def training_step(self, _batch: Any, _number: int) -> Tensor:
        step = self.global_step
        loss: Tensor
        loss, embeddings = self(step)
        if not torch.isfinite(loss):
            raise BrokenLoss(step + 1)
        if (step + 1) % 10 == 0:
            self._log_health(embeddings)
        self.log("loss", loss)
        return loss

    def forward(self, step: int) -> tuple[Tensor, Tensor]:
        """The loss of batch number `step`, and its embeddings (B, D) float32.

        With several processes every one of them fetches and varies the whole batch, so that the
        same numbers are drawn for the same pictures, and embeds its share.
        """
        seed_step(self.recipe.training.seed, step)
        numbers = self.batches.at(step)
        labels = self.bank.labels_of(numbers)
        if self.objective.by_picture:
            labels = torch.from_numpy(numbers).to(labels)
        if self.features is None:
            embeddings = self._embed(numbers)
        else:
            assert isinstance(self.tower, PooledTower)
            share = self.processes.share(len(numbers))
            features = self.features.fetch(numbers[share]).to(self.device)
            embeddings = self.tower.embed_features(features)
        with torch.autocast(self.device.type, enabled=False):
            embeddings = gathered(embeddings.float())
            loss: Tensor = self.objective(embeddings, labels)
        return loss, embeddings

    def _embed(self, numbers: NDArray[np.int64]) -> Tensor:
        with torch.autocast(self.device.type, enabled=False):
            pictures = self.bank.fetch(numbers)[0]
            for vary in self.variations:
                pictures = vary(pictures)
        if self.processes.count > 1:
            pictures = pictures[self.processes.share(len(numbers))]
        embeddings: Tensor = self.tower(pictures.contiguous(memory_format=torch.channels_last))
        return embeddings

    def _log_health(self, embeddings: Tensor) -> None:
        self.spread = distance_spread(embeddings, self.head)
        self.log("distance_spread", self.spread)
        for name, figure in self.objective.report.items():
            self.log(name, figure)

    def configure_optimizers(self) -> Any:
        optimiser = build_optimiser(self.recipe.optimiser, self._parts)
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

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        if self.recipe.schedule.momentum_start is None:
            return
        epoch = self.global_step // self.batches.epoch_steps
        for group in optimizer.param_groups:
            goal = group["peak_momentum"]
            group["momentum"] = momentum_at(self.recipe.schedule, goal=goal, epoch=epoch)


def seed_step(seed: int, step: int) -> None:
    """Every step draws from numbers of its own, whatever was drawn before."""
    torch.manual_seed((seed << 32) + step + 1)
