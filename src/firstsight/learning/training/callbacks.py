"""What watches over a training: progress, Ctrl-C, checkpoints and collapse."""

from __future__ import annotations

import math
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import nn

from firstsight.learning.training.averaging import MovingAverage
from firstsight.learning.training.module import BrokenLoss, TwinTraining
from firstsight.learning.training.stopping import BestSoFar
from firstsight.learning.training.watchdog import Watchdog

__all__ = [
    "BEST",
    "LAST",
    "Checkpoints",
    "ProgressLine",
    "StopGently",
    "WatchForCollapse",
    "keep_as_begun",
]

LAST, BEST = "last.ckpt", "best.ckpt"
Say = Callable[[str], None]


class Checkpoints(Callback):
    """Every so many steps: look at the held-out classes, keep the best, save where we are.

    Saves `last.ckpt` at each look, at the end, and when the training is asked to stop;
    `best.ckpt` at each look that improves. Stands last among the callbacks, so that whatever
    asks to stop has spoken.
    """

    def __init__(
        self, folder: Path, *, every: int, best: BestSoFar, average: MovingAverage | None
    ) -> None:
        self._folder, self._every, self.best, self._average = folder, every, best, average

    def on_fit_start(self, trainer: Trainer, *_: Any) -> None:
        trainer.should_stop = self.best.should_stop  # a resumed training may be at its end already

    def on_train_batch_end(self, trainer: Trainer, module: Any, *_: Any) -> None:
        step = trainer.global_step
        finished = step == trainer.max_steps
        if trainer.world_size > 1:  # one process that stops alone leaves the others waiting
            trainer.should_stop = trainer.strategy.reduce_boolean_decision(
                trainer.should_stop, all=False
            )
        improved = False
        if step % self._every == 0 or finished:
            improved = self._look(trainer, module)
        elif not trainer.should_stop:
            return
        if not all(bool(torch.isfinite(weight).all()) for weight in module.parameters()):
            raise BrokenLoss(step)  # the loss would show it one step later
        trainer.save_checkpoint(self._folder / LAST)
        if improved and trainer.is_global_zero:
            shutil.copyfile(self._folder / LAST, self._folder / f"{BEST}.new")
            (self._folder / f"{BEST}.new").replace(self._folder / BEST)

    def _look(self, trainer: Trainer, module: TwinTraining) -> bool:
        if module.validation is None:
            return False
        watched = module if self._average is None else self._average.averaged(module)
        accuracy = _in_evaluation_mode(watched, module) if trainer.is_global_zero else math.nan
        accuracy = trainer.strategy.broadcast(accuracy)
        if math.isnan(accuracy):
            raise BrokenLoss(trainer.global_step)
        module.log(module.validation.told.replace(" ", "_").replace("-", "_"), accuracy)
        improved = self.best.look(accuracy)
        if self.best.should_stop:
            trainer.should_stop = True
        return improved

    def state_dict(self) -> dict[str, Any]:
        return self.best.state()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best.restore(state)


def keep_as_begun(module: TwinTraining, folder: Path, best: BestSoFar) -> None:
    """The checkpoints of a training of no steps: what it began with is what it ends with."""
    if module.validation is not None:
        best.look(_in_evaluation_mode(module, module))
    for name in (LAST, BEST):
        torch.save({"state_dict": module.state_dict()}, folder / name)


def _in_evaluation_mode(watched: TwinTraining, module: TwinTraining) -> float:
    assert module.validation is not None
    tower: nn.Module = watched.tower
    tower.eval()
    try:
        return module.validation.accuracy(tower, watched.head, module.device)
    finally:
        tower.train()


class ProgressLine(Callback):
    """One bar for the whole training, on standard error."""

    def __init__(self, steps: int, console: Console, best: BestSoFar, *, told: str) -> None:
        self._progress = Progress(
            TextColumn("training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[news]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task("training", total=steps, news="")
        self._best, self._told = best, told

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        # Steps done before a resume took none of this session's time.
        self._progress.reset(self._task, completed=trainer.global_step)
        self._progress.start()

    def on_train_batch_end(self, trainer: Trainer, _module: Any, outputs: Any, *_: Any) -> None:
        if trainer.global_step % 10 == 0 or trainer.global_step == trainer.max_steps:
            news = f"loss {float(outputs['loss']):.3f}"
            if math.isfinite(self._best.latest):
                news += f", {self._told} {100 * self._best.latest:.1f} %"
            self._progress.update(self._task, completed=trainer.global_step, news=news)

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        self._progress.stop()


class StopGently(Callback):
    """The first Ctrl-C ends the training after the step at hand; a second one ends it at once."""

    def __init__(self, say: Say) -> None:
        self.stopped = False
        self._say = say
        self._before: Any = None

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
            if self.stopped:
                raise KeyboardInterrupt
            self.stopped = trainer.should_stop = True
            self._say("stopping after this step; press Ctrl-C again to stop at once")

        try:
            self._before = signal.signal(signal.SIGINT, ask_to_stop)
        except ValueError:  # not in the main thread: nobody can press Ctrl-C here
            self._before = None

    def teardown(self, trainer: Trainer, pl_module: Any, stage: str) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None


class WatchForCollapse(Callback):
    """Looks every ten steps and says what it sees go wrong."""

    def __init__(self, say: Say) -> None:
        self._watchdog = Watchdog()
        self._say = say

    def on_train_batch_end(self, trainer: Trainer, module: Any, *_: Any) -> None:
        if trainer.global_step % 10:
            return
        active = module.objective.report.get("active_triplets")
        sentence = self._watchdog.look(module.spread, None if active is None else float(active))
        if sentence:
            self._say(f"step {trainer.global_step}: {sentence}")
