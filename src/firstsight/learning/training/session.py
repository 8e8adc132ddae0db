"""One process's share of a training: split, callbacks, Lightning's Trainer, model folder."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from rich.console import Console
from rich.text import Text
from torch.utils.data import DataLoader

from firstsight.data.catalogue import open_pictures
from firstsight.data.known import cache_folder
from firstsight.data.learned import LearnedPictures
from firstsight.data.packed import PackedPictures
from firstsight.data.splits import (
    hold_out,
    join,
    require_no_shared_classes,
    without_singletons,
)
from firstsight.errors import TrainingError, storing
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.tuning import batches_within
from firstsight.learning.training.averaging import MovingAverage
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import (
    build_batches,
    build_head,
    build_preprocessing,
    build_tower,
)
from firstsight.learning.training.callbacks import (
    BEST,
    LAST,
    Checkpoints,
    ProgressLine,
    StopGently,
    WatchForCollapse,
    keep_as_begun,
)
from firstsight.learning.training.finish import load_weights, steps_done, write_model
from firstsight.learning.training.frozen import FrozenFeatures, can_freeze
from firstsight.learning.training.loggers import build_loggers, keep_rows
from firstsight.learning.training.memory import keep_freed_memory
from firstsight.learning.training.module import BrokenLoss, TwinTraining
from firstsight.learning.training.objectives import OwnPictureObjective
from firstsight.learning.training.processes import processes_here
from firstsight.learning.training.starting import Start
from firstsight.learning.training.stopping import BestSoFar
from firstsight.learning.training.validation import (
    OneShotValidation,
    PairValidation,
    Validation,
    ViewValidation,
)
from firstsight.learning.training.whitening import whiten
from firstsight.sampling.batches import BatchSource, Indices
from firstsight.sampling.coverage import coverage

__all__ = ["Run", "Session"]

_VALIDATIONS: dict[str, type[OneShotValidation | PairValidation | ViewValidation]] = {
    "one_shot": OneShotValidation,
    "pairs": PairValidation,
    "views": ViewValidation,
}
Ended = Literal["finished", "stopped", "no improvement"]
_AT_ONCE = 1024
_MOST_STEPS_COUNTED = 1000  # a second or so of drawing, whatever the size of the data


@dataclass(frozen=True)
class Run:
    """What a training left behind.

    folder: recipe, checkpoints, logs; model: the model folder inside it.
    step: steps done in all; seconds: of this session's training, set-up left out.
    accuracy: best figure on held-out classes, None where nothing was held out; watched: what it
        is called, one-shot accuracy unless the recipe watches something else.
    ended: why it ended.
    """

    folder: Path
    model: Path
    step: int
    seconds: float
    accuracy: float | None
    ended: Ended
    watched: str = OneShotValidation.told


class Session:
    """One process's share of a training.

    best: the looks at the held-out classes so far. learned: which pictures it, and the model that
    it began with, learned from, see data/learned.py.
    """

    def __init__(
        self,
        recipe: Recipe,
        pictures: PackedPictures,
        folder: Path,
        console: Console,
        start: Start | None = None,
    ) -> None:
        keep_freed_memory()
        self._recipe, self._folder, self._start = recipe, folder, start
        self._processes = processes_here()
        self._console = console if self._processes.is_first else Console(quiet=True)
        self._loggers = build_loggers(recipe.logs, folder)
        self._data_fingerprint = pictures.fingerprint
        self._preprocessing = build_preprocessing(recipe)
        self._learned, held_out = self._split(pictures)
        self.beside_fingerprint = ""
        if recipe.data.beside:
            self._learn_beside(recipe.data.beside, held_out)
        learned = LearnedPictures.of(self._learned.digests)
        if start is not None:
            learned |= LearnedPictures.from_text(start.learned)
        self.learned = learned.to_text()
        bank = PictureBank(self._learned, self._preprocessing, recipe.augment.turns)
        drawn_from = recipe
        if not recipe.training.steps or recipe.loss.kind == "own_picture":
            # None will be drawn, whatever their size; or few pictures make small batches.
            n, n_classes = len(self._learned), self._learned.n_classes
            drawn_from = batches_within(recipe, n_pictures=n, n_classes=n_classes)
        batches = build_batches(drawn_from, bank.classes)
        if recipe.training.steps:
            self._tell_coverage(batches, bank.classes.turned_labels)
        self._module = TwinTraining(recipe, bank, batches, self._plan_validation(held_out), start)
        if recipe.training.steps and can_freeze(recipe, self._module.tower):
            self._say(
                "no feature learns and no picture is varied: features of "
                f"{bank.classes.n_pictures:,} pictures are worked out once, and kept"
            )
        settings = recipe.training
        self.best = BestSoFar(settings.patience, settings.min_delta, settings.min_delta_percent)
        self._stop = StopGently(self._say)

    def resume(self) -> Run:
        checkpoint = self._folder / LAST
        if not checkpoint.exists():  # interrupted before the first one
            return self.run(checkpoint=None)
        self.require_sound(checkpoint)
        return self.run(checkpoint)

    def require_sound(self, checkpoint: Path) -> None:
        """CheckpointError for a damaged one, or of another network, before anything starts."""
        load_weights(self._module, checkpoint)

    def run(self, checkpoint: Path | None) -> Run:
        started = time.perf_counter()
        broken: BrokenLoss | None = None
        if checkpoint is None:
            self._whiten()
        self._settle_places()
        trainer = self.trainer()
        try:
            self.fit(trainer, checkpoint)
        except BrokenLoss as trouble:
            broken = trouble
        seconds = time.perf_counter() - started
        model = self._folder / "model"
        if self._processes.is_first:
            self._write_model(broken, model)
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
            accuracy=self.best.best if np.isfinite(self.best.best) else None,
            ended=self.why_ended(trainer),
            watched=_VALIDATIONS[self._recipe.training.watch].told,
        )

    def fit(self, trainer: Trainer, checkpoint: Path | None) -> None:
        # The loader only counts: which pictures a step takes follows from its number.
        numbers = range(self._recipe.training.steps)
        steps: DataLoader[int] = DataLoader(numbers, batch_size=None)  # type: ignore[arg-type]
        with storing(self._folder), _quiet():
            if numbers:
                if checkpoint is not None and self._processes.is_first:
                    keep_rows(self._loggers, steps_done(checkpoint))
                trainer.fit(self._module, steps, ckpt_path=checkpoint, weights_only=True)
            elif self._processes.is_first:  # Lightning does nothing at all without a step
                keep_as_begun(self._module, self._folder, self.best)

    def _whiten(self) -> None:
        """Let the projection begin with what the pictures themselves tell, where it is so wished;
        a model to start from brings its own."""
        tower = self._module.tower
        if self._start is None and isinstance(tower, PooledTower) and tower.whitened:
            seed = self._recipe.training.seed
            whiten(tower, self._learned, self._preprocessing, seed=seed, console=self._console)

    def _settle_places(self) -> None:
        """Where the network that the training began with has each picture, for a loss that leads
        views there; worked out once, and kept in the cache."""
        objective, tower = self._module.objective, self._module.tower
        if not isinstance(objective, OwnPictureObjective) or not self._recipe.training.steps:
            return
        assert isinstance(tower, PooledTower)
        with torch.random.fork_rng(devices=()):
            torch.manual_seed(self._recipe.training.seed)  # as TwinTraining begins
            began = build_tower(self._recipe, as_started=self._start is None)
        assert isinstance(began, PooledTower)
        if self._start is not None:
            self._start.put_into(began, build_head(self._recipe))
        alone = self._processes.count == 1 and torch.cuda.is_available()
        here, bank = torch.device("cuda" if alone else "cpu"), self._module.bank
        bank.to(here)
        cache = cache_folder() / "features"
        features = FrozenFeatures(bank, began.eval().to(here), cache, self._console)
        places = torch.empty(len(features), self._recipe.embedding_size)
        with torch.no_grad():  # the centre and the projection do not learn
            for block in np.array_split(np.arange(len(places)), -(-len(places) // _AT_ONCE)):
                places[block] = tower.embed_features(features.fetch(block))
        objective.loss.settle(places)

    def _say(self, sentence: str) -> None:
        # Neither markup nor folding: class names may hold brackets, and paths are copied.
        self._console.print(Text(sentence), soft_wrap=True)

    def _split(self, pictures: PackedPictures) -> tuple[PackedPictures, PackedPictures | None]:
        kept = self._teaching(pictures)
        data, seed = self._recipe.data, self._recipe.training.seed
        if data.watch:
            watched = open_pictures(data.watch, self._preprocessing)
            require_no_shared_classes(kept, watched)
            self._say(
                f"learning from {len(kept):,} pictures of {kept.n_classes:,} classes, watched by "
                f"{len(watched):,} of {data.watch}"
            )
            return kept, watched
        learned, held_out = hold_out(
            kept,
            n_groups=data.held_out_groups,
            class_share=data.held_out_classes,
            part=data.held_out_part,
            seed=seed,
        )
        held = "none held out" if held_out is None else f"{held_out.n_classes} others held out"
        self._say(
            f"learning from {len(learned):,} pictures of {learned.n_classes:,} classes, {held}"
        )
        return learned, held_out

    def _learn_beside(self, name: str, held_out: PackedPictures | None) -> None:
        """Learn from the whole of another set too."""
        beside = open_pictures(name, self._preprocessing)
        self.beside_fingerprint = beside.fingerprint
        if beside.skipped:
            self._say(f"left out {len(beside.skipped)} unreadable pictures of {name}")
        if held_out is not None:
            require_no_shared_classes(beside, held_out)
        beside = self._teaching(beside)
        self._learned = join(self._learned, beside)
        self._say(f"and from {len(beside):,} pictures of {beside.n_classes:,} classes of {name}")

    def _teaching(self, pictures: PackedPictures) -> PackedPictures:
        """Without the classes that teach nothing; says which."""
        if self._recipe.loss.kind == "own_picture":  # which tells a picture from all others
            return pictures
        kept, left_out = without_singletons(pictures)
        if left_out:
            names = ", ".join(left_out[:5]) + (" ..." if len(left_out) > 5 else "")
            self._say(f"left out {len(left_out)} classes with a single picture: {names}")
        return kept

    def _tell_coverage(self, batches: BatchSource, labels: Indices) -> None:
        steps = min(batches.epoch_steps, self._recipe.training.steps, _MOST_STEPS_COUNTED)
        told = coverage(batches, labels, steps=steps).told(batches.epoch_steps)
        turns = self._recipe.augment.turns
        each = f" ({turns} turns of each count as others)" if turns > 1 else ""
        self._say(f"batches of {self._recipe.batches.kind}: {told}{each}")

    def _plan_validation(self, held_out: PackedPictures | None) -> Validation | None:
        if held_out is None:
            return None
        settings = self._recipe.training
        if settings.watch == "pairs":
            return PairValidation.plan(held_out, self._preprocessing)
        if settings.watch == "views":
            return ViewValidation.plan(held_out, self._preprocessing, seed=settings.seed)
        return OneShotValidation.plan(
            held_out, self._preprocessing, n_trials=settings.validation_trials, seed=settings.seed
        )

    def trainer(self, *more: Callback) -> Trainer:
        settings = self._recipe.training
        average = MovingAverage(settings.ema_decay) if settings.ema_decay else None
        callbacks: list[Callback] = [average] if average else []
        callbacks += [
            WatchForCollapse(self._say),
            self._stop,
            Checkpoints(
                self._folder, every=settings.validate_every, best=self.best, average=average
            ),
            ProgressLine(
                settings.steps, self._console, self.best, told=_VALIDATIONS[settings.watch].told
            ),
            *more,
        ]
        with _quiet():
            return Trainer(
                accelerator="auto",
                precision="bf16-mixed" if self.bf16_pays() else "32-true",
                max_steps=settings.steps,
                callbacks=callbacks,
                logger=self._loggers,
                log_every_n_steps=10,
                gradient_clip_val=self._recipe.optimiser.clip_norm,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                use_distributed_sampler=False,
                **self._processes.for_trainer(),
            )

    def bf16_pays(self) -> bool:
        choice = self._recipe.training.precision
        if choice != "auto":
            return choice == "bf16"
        if torch.cuda.is_available():
            return bool(torch.cuda.is_bf16_supported())
        # Without tile units bf16 convolutions are no faster than f32 on a CPU.
        return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C asked for the end, be it in the last step."""
        return self._stop.stopped

    def why_ended(self, trainer: Trainer) -> Ended:
        if trainer.global_step >= self._recipe.training.steps:
            return "finished"
        return "stopped" if self.interrupted else "no improvement"

    def _write_model(self, broken: BrokenLoss | None, to: Path) -> None:
        checkpoint = next(
            (path for name in (BEST, LAST) if (path := self._folder / name).exists()), None
        )
        if checkpoint is None:
            raise TrainingError(
                f"{broken or 'the training ended'} before the first checkpoint; nothing was kept. "
                "Lower optimiser.lr or training.validate_every, and train anew"
            )
        self._say(f"writing the model to {to}, and checking that it computes the same there")
        write_model(
            self._recipe,
            checkpoint,
            to,
            data_fingerprint=self._data_fingerprint,
            beside_fingerprint=self.beside_fingerprint,
            learned=self.learned,
            start=self._start,
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
