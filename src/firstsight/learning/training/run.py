"""A training from recipe and pictures to a model folder, resumable at any step."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from rich.console import Console
from torch.utils.data import DataLoader

from firstsight.data.packed import PackedPictures
from firstsight.data.splits import hold_out_classes, hold_out_groups, without_singletons
from firstsight.errors import CheckpointError, TrainingError, storing
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.training.averaging import MovingAverage
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_batches, build_preprocessing
from firstsight.learning.training.callbacks import (
    BEST,
    LAST,
    Checkpoints,
    ProgressLine,
    StopGently,
    WatchForCollapse,
)
from firstsight.learning.training.finish import load_weights, write_model
from firstsight.learning.training.module import BrokenLoss, TwinTraining
from firstsight.learning.training.stopping import BestSoFar
from firstsight.learning.training.validation import OneShotValidation

__all__ = ["Run", "export", "read_recipe", "resume", "train"]

_RECORD = "run.json"


@dataclass(frozen=True)
class Run:
    """What a training left behind.

    folder: recipe, checkpoints, logs; model: the model folder inside it.
    step: steps done in all; seconds: of this session's training, set-up left out.
    accuracy: best one-shot accuracy on held-out classes, None where nothing was held out.
    ended: why it ended.
    """

    folder: Path
    model: Path
    step: int
    seconds: float
    accuracy: float | None
    ended: Literal["finished", "stopped", "no improvement"]


def train(recipe: Recipe, pictures: PackedPictures, folder: Path, *, console: Console) -> Run:
    """Train from the start into a new `folder`.

    Raises TrainingError where `folder` already holds a run, or where the loss breaks (the best
    weights so far are in the model folder then); DataError where the pictures cannot serve.
    """
    if (folder / _RECORD).exists():
        raise TrainingError(
            f"{folder} already holds a training; resume it with --resume {folder}, "
            "or name another folder with --out"
        )
    record = {"recipe": recipe.model_dump(mode="json"), "data": pictures.fingerprint}
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    return _Session(recipe, pictures, folder, console).run(checkpoint=None)


def resume(
    folder: Path, pictures: PackedPictures, *, recipe: Recipe | None, console: Console
) -> Run:
    """Carry on from the last checkpoint, to the same weights as without the interruption.

    Raises CheckpointError where `folder` holds no training, one of another recipe than the one
    given, or one of other pictures.
    """
    started = read_recipe(folder)
    if recipe is not None and recipe != started:
        raise CheckpointError(
            f"{folder} holds a training of another recipe (they differ in "
            f"{', '.join(_differences(recipe, started))}); resume without naming a recipe, "
            "or train into another folder"
        )
    if _read_record(folder)["data"] != pictures.fingerprint:
        raise CheckpointError(
            f"{folder} was trained on other pictures than {pictures.name} holds now; "
            "restore them, or train anew into another folder"
        )
    return _Session(started, pictures, folder, console).resume()


def export(folder: Path, to: Path, *, which: Literal["best", "last"], with_tensors: bool) -> Path:
    """Write the model folder `to` from a checkpoint of the training in `folder`.

    `best` means `last` where nothing was held out to choose by. CheckpointError where there is
    no such checkpoint, or a damaged one.
    """
    record = _read_record(folder)
    names = (BEST, LAST) if which == "best" else (LAST,)
    checkpoint = next((path for name in names if (path := folder / name).exists()), None)
    if checkpoint is None:
        raise CheckpointError(f"{folder} has no checkpoint yet; train it further with --resume")
    recipe = parse_recipe(record["recipe"], origin=str(folder / _RECORD))
    return write_model(
        recipe, checkpoint, to, data_fingerprint=record["data"], with_tensors=with_tensors
    )


def read_recipe(folder: Path) -> Recipe:
    """The recipe that the training in `folder` was started with."""
    return parse_recipe(_read_record(folder)["recipe"], origin=str(folder / _RECORD))


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        return {"recipe": dict(record["recipe"]), "data": str(record["data"])}
    except (OSError, ValueError, TypeError, KeyError):
        raise CheckpointError(
            f"{folder} holds no training that could be resumed; "
            "give the folder that 'firstsight train' printed"
        ) from None


def _differences(a: Recipe, b: Recipe) -> list[str]:
    def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in tables.items():
            nested = flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {}
            found |= nested or {prefix + key: value}
        return found

    left, right = flat(a.model_dump()), flat(b.model_dump())
    return sorted(key for key in left | right if left.get(key) != right.get(key))


class _Session:
    """One process's share of a training."""

    def __init__(
        self, recipe: Recipe, pictures: PackedPictures, folder: Path, console: Console
    ) -> None:
        self._recipe, self._folder, self._console = recipe, folder, console
        self._data_fingerprint = pictures.fingerprint
        self._preprocessing = build_preprocessing(recipe)
        learned, held_out = self._split(pictures)
        bank = PictureBank(learned, self._preprocessing, recipe.augment.turns)
        self._module = TwinTraining(
            recipe, bank, build_batches(recipe, bank.classes), self._plan_validation(held_out)
        )
        settings = recipe.training
        self._best = BestSoFar(settings.patience, settings.min_delta)
        self._stop = StopGently(self._say)

    def resume(self) -> Run:
        checkpoint = self._folder / LAST
        if not checkpoint.exists():  # interrupted before the first one
            return self.run(checkpoint=None)
        load_weights(self._module, checkpoint)  # refuses a damaged one before anything starts
        return self.run(checkpoint)

    def run(self, checkpoint: Path | None) -> Run:
        started = time.perf_counter()
        broken: BrokenLoss | None = None
        try:
            with storing(self._folder), _quiet():
                trainer = self._trainer()
                trainer.fit(
                    self._module,
                    DataLoader(range(self._recipe.training.steps), batch_size=None),  # type: ignore[arg-type]
                    ckpt_path=checkpoint,
                    weights_only=True,
                )
        except BrokenLoss as trouble:
            broken = trouble
        seconds = time.perf_counter() - started
        model = self._write_model(broken)
        if broken is not None:
            raise TrainingError(
                f"{broken}; the best weights before it are in {model}. "
                "Lower optimiser.lr or set optimiser.clip_norm, and train anew"
            ) from broken
        return Run(
            folder=self._folder,
            model=model,
            step=trainer.global_step,
            seconds=seconds,
            accuracy=self._best.best if np.isfinite(self._best.best) else None,
            ended=self._why_ended(trainer),
        )

    def _say(self, sentence: str) -> None:
        self._console.print(sentence, highlight=False)

    def _split(self, pictures: PackedPictures) -> tuple[PackedPictures, PackedPictures | None]:
        kept, left_out = without_singletons(pictures)
        if left_out:
            names = ", ".join(left_out[:5]) + (" ..." if len(left_out) > 5 else "")
            self._say(f"left out {len(left_out)} classes with a single picture: {names}")
        data, rng = self._recipe.data, np.random.default_rng([self._recipe.training.seed, 7])
        if data.held_out_groups:
            return hold_out_groups(kept, data.held_out_groups, rng)
        if data.held_out_classes:
            return hold_out_classes(kept, data.held_out_classes, rng)
        return kept, None

    def _plan_validation(self, held_out: PackedPictures | None) -> OneShotValidation | None:
        if held_out is None:
            return None
        settings = self._recipe.training
        return OneShotValidation.plan(
            held_out, self._preprocessing, n_trials=settings.validation_trials, seed=settings.seed
        )

    def _trainer(self) -> Trainer:
        settings = self._recipe.training
        average = MovingAverage(settings.ema_decay) if settings.ema_decay else None
        callbacks: list[Callback] = [average] if average else []
        callbacks += [
            WatchForCollapse(self._say),
            self._stop,
            Checkpoints(
                self._folder, every=settings.validate_every, best=self._best, average=average
            ),
            ProgressLine(settings.steps, self._console, self._best),
        ]
        return Trainer(
            accelerator="auto",
            devices=1,
            precision="bf16-mixed" if self._bf16_pays() else "32-true",
            max_steps=settings.steps,
            callbacks=callbacks,
            logger=[
                CSVLogger(self._folder, name="logs", version="csv"),
                TensorBoardLogger(self._folder, name="logs", version="tensorboard"),
            ],
            log_every_n_steps=10,
            gradient_clip_val=self._recipe.optimiser.clip_norm,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
        )

    def _bf16_pays(self) -> bool:
        choice = self._recipe.training.precision
        if choice != "auto":
            return choice == "bf16"
        if torch.cuda.is_available():
            return bool(torch.cuda.is_bf16_supported())
        # Without tile units bf16 convolutions are no faster than f32 on a CPU.
        return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())

    def _why_ended(self, trainer: Trainer) -> Literal["finished", "stopped", "no improvement"]:
        if trainer.global_step >= self._recipe.training.steps:
            return "finished"
        return "stopped" if self._stop.stopped else "no improvement"

    def _write_model(self, broken: BrokenLoss | None) -> Path:
        checkpoint = next(
            (path for name in (BEST, LAST) if (path := self._folder / name).exists()), None
        )
        if checkpoint is None:
            raise TrainingError(
                f"{broken or 'the training ended'} before the first checkpoint; nothing was kept. "
                "Lower optimiser.lr or training.validate_every, and train anew"
            )
        return write_model(
            self._recipe,
            checkpoint,
            self._folder / "model",
            data_fingerprint=self._data_fingerprint,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Lightning speaks to engineers; what a user should know, we say ourselves."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"lightning\..*")
        warnings.filterwarnings("ignore", message=r".*(LeafSpec|treespec).*")
        try:
            yield
        finally:
            logger.setLevel(level)
