"""One training step through the engine against a bare PyTorch loop of the same network.

Both sides fetch, turn, distort, embed, compare, step the optimiser and average the weights; the
engine adds Lightning, logging, the watchdog and the progress bar. Blocks of steps alternate in
one process, so that a machine whose speed drifts slows both. Reach: at most 1.10.

    python benchmarks/engine_step.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Callback
from rich.console import Console

from firstsight.data.glyphs import draw_alphabets
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_batches, build_preprocessing
from firstsight.learning.training.module import TwinTraining
from firstsight.learning.training.session import Session

BLOCKS, STEPS = 8, {"compact": 25, "koch": 2}


class BareLoop:
    """What one would write by hand for the same recipe."""

    def __init__(self, recipe: Recipe, module: TwinTraining, bf16: bool) -> None:
        self.module, self.bf16, self.step = module, bf16, 0
        self.batches, self.bank = module.batches, module.bank
        configured = module.configure_optimizers()
        self.optimiser = configured["optimizer"]
        self.schedule = configured["lr_scheduler"]["scheduler"]
        decay = recipe.training.ema_decay
        self.share = None if decay is None else 1 - decay
        weights = [*module.parameters(), *module.buffers()]
        self.weights = [w for w in weights if w.is_floating_point()]
        self.average = [w.detach().clone() for w in self.weights]

    def run(self, n: int) -> float:
        """Seconds a step."""
        started = time.perf_counter()
        for _ in range(n):
            self._one()
        return (time.perf_counter() - started) / n

    def _one(self) -> None:
        module = self.module
        pictures, labels = self.bank.fetch(self.batches.at(self.step))
        for vary in module.variations:
            pictures = vary(pictures)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bf16):
            embeddings = module.tower(pictures.contiguous(memory_format=torch.channels_last))
        loss = module.objective(embeddings.float(), labels)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        self.schedule.step()
        if self.share is not None:
            with torch.no_grad():
                torch._foreach_lerp_(self.average, [w.detach() for w in self.weights], self.share)
        self.step += 1


class Alternate(Callback):
    """After each block of engine steps, a block of bare ones, off the engine's clock."""

    def __init__(self, bare: BareLoop, steps: int) -> None:
        self.bare, self.steps = bare, steps
        self.engine_s: list[float] = []
        self.bare_s: list[float] = []
        self._started = 0.0

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        if trainer.global_step % self.steps:
            return
        if self._started:
            self.engine_s.append((time.perf_counter() - self._started) / self.steps)
            self.bare_s.append(self.bare.run(self.steps))
        else:
            self.bare.run(self.steps)  # both sides warm up for a block
        self._started = time.perf_counter()


def measure(name: str) -> tuple[float, float, float]:
    """(engine, bare) median milliseconds a step, and the median ratio of neighbouring blocks."""
    steps = STEPS[name]
    n_steps = steps * (BLOCKS + 1)
    recipe = load_recipe(
        name,
        [
            f"training.steps={n_steps}",
            f"training.validate_every={10 * n_steps}",
            "data.train=glyphs",
            "data.held_out_groups=0",
            'data.watch=""',
        ],
    )
    preprocessing = build_preprocessing(recipe)
    pictures = draw_alphabets(preprocessing, n_alphabets=8, n_characters=20, n_drawers=20)
    bank = PictureBank(pictures, preprocessing, recipe.augment.turns)
    module = TwinTraining(recipe, bank, build_batches(recipe, bank.classes), None)
    with tempfile.TemporaryDirectory() as folder:
        session = Session(recipe, pictures, Path(folder), Console(quiet=True))
        alternate = Alternate(BareLoop(recipe, module, session.bf16_pays()), steps)
        session.fit(session.trainer(alternate), None)
    ratios = [e / b for e, b in zip(alternate.engine_s, alternate.bare_s, strict=True)]
    return (
        1e3 * statistics.median(alternate.engine_s),
        1e3 * statistics.median(alternate.bare_s),
        statistics.median(ratios),
    )


def main() -> None:
    print(f"commit {find_commit()}, {find_hardware()}, torch {torch.__version__}")
    print(f"{'recipe':10s} {'engine ms':>10s} {'bare ms':>10s} {'ratio':>7s}")
    for name in STEPS:
        engine_ms, bare_ms, ratio = measure(name)
        print(f"{name:10s} {engine_ms:10.1f} {bare_ms:10.1f} {ratio:7.3f}")


if __name__ == "__main__":
    main()
