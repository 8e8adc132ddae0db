"""A step of training a head on frozen features: pictures through the network, and features kept.

SqueezeNet 1.1 at 224 pixels, a projection to 128 numbers, margin softmax, batches of 32. Weights
are random: they change nothing about the time. Blocks of steps alternate.

    python benchmarks/frozen_features.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import torch

from firstsight.data.glyphs import draw_alphabets
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.recipes.schema import parse_recipe
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_batches, build_preprocessing
from firstsight.learning.training.frozen import FrozenFeatures
from firstsight.learning.training.module import TwinTraining

BLOCKS, STEPS = 5, 4
RECIPE = {
    "name": "heads",
    "data": {"train": "glyphs"},
    "picture": {"size": 224, "mode": "rgb"},
    "network": {
        "kind": "squeezenet", "weights": "random", "n_frozen": "all", "projection": 128
    },
    "loss": {"kind": "cosface"},
    "batches": {"kind": "uniform", "size": 32},
    "training": {"precision": "f32"},
}  # fmt: skip


class Steps:
    """Steps of one training, one after the other."""

    def __init__(self, training: TwinTraining) -> None:
        self.training, self.step = training, 0
        self.optimiser = training.configure_optimizers()["optimizer"]

    def run(self, n: int) -> float:
        """Seconds a step."""
        started = time.perf_counter()
        for _ in range(n):
            loss, _ = self.training(self.step)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.step += 1
        return (time.perf_counter() - started) / n


def main() -> None:
    recipe = parse_recipe(RECIPE, origin="this benchmark")
    preprocessing = build_preprocessing(recipe)
    pictures = draw_alphabets(preprocessing, n_alphabets=2, n_characters=10, n_drawers=10)
    bank = PictureBank(pictures, preprocessing, 1)
    anew = TwinTraining(recipe, bank, build_batches(recipe, bank.classes), None)
    kept = TwinTraining(recipe, bank, build_batches(recipe, bank.classes), None)
    assert isinstance(kept.tower, PooledTower)
    with tempfile.TemporaryDirectory() as cache:
        started = time.perf_counter()
        kept.features = FrozenFeatures(bank, kept.tower, Path(cache))
        once_s = (time.perf_counter() - started) / len(pictures)
        through, from_file = Steps(anew), Steps(kept)
        through.run(1), from_file.run(1)
        times = [(through.run(STEPS), from_file.run(10 * STEPS)) for _ in range(BLOCKS)]
    print(f"commit {find_commit()}, {find_hardware()}, torch {torch.__version__}, seed 0")
    slow, quick = (statistics.median(side) for side in zip(*times, strict=True))
    print(f"pictures through the network  {1e3 * slow:9.2f} ms a step")
    print(f"features kept                 {1e3 * quick:9.2f} ms a step")
    print(f"ratio                         {statistics.median(a / b for a, b in times):9.0f}")
    print(f"working them out, once        {1e3 * once_s:9.2f} ms a picture")


if __name__ == "__main__":
    main()
