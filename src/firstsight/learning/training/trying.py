"""One trial of a search: a training that is watched, may be given up, and leaves no model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from rich.console import Console

from firstsight.data.packed import PackedPictures
from firstsight.errors import storing
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.training.callbacks import LAST
from firstsight.learning.training.session import Session
from firstsight.learning.training.stopping import BestSoFar

__all__ = ["Hopeless", "Tried", "try_out"]

Hopeless = Callable[[int, float], bool]


@dataclass(frozen=True)
class Tried:
    """accuracy: the best figure on held-out classes, 0..1, -inf where nothing was looked at yet;
    steps: done in all; interrupted: Ctrl-C asked for the end, be it in the last step."""

    accuracy: float
    steps: int
    ended: Literal["finished", "stopped", "no improvement", "hopeless"]
    interrupted: bool


def try_out(
    recipe: Recipe,
    pictures: PackedPictures,
    folder: Path,
    *,
    hopeless: Hopeless,
    console: Console,
) -> Tried:
    """Train `recipe`, or carry on from the checkpoint that an interrupted call left in `folder`.

    hopeless: told (step, best accuracy so far) after each look but the last, and asked whether to
        give up.
    BrokenLoss where the loss is no number any more, CheckpointError for a damaged checkpoint.
    """
    session = Session(recipe, pictures, folder, console)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / LAST if (folder / LAST).exists() else None
    if checkpoint is not None:
        session.require_sound(checkpoint)
    giving_up = _GiveUp(recipe.training.validate_every, session.best, hopeless)
    trainer = session.trainer(giving_up)
    session.fit(trainer, checkpoint)
    return Tried(
        accuracy=session.best.best,
        steps=trainer.global_step,
        ended="hopeless" if giving_up.gave_up else session.why_ended(trainer),
        interrupted=session.interrupted,
    )


class _GiveUp(Callback):
    """Stands behind the checkpoints, so that it sees the look that was just taken."""

    def __init__(self, every: int, best: BestSoFar, hopeless: Hopeless) -> None:
        self._every, self._best, self._hopeless = every, best, hopeless
        self.gave_up = False

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        step = trainer.global_step
        if step % self._every or step == trainer.max_steps:
            return
        if self._hopeless(step, self._best.best):
            self.gave_up = trainer.should_stop = True
