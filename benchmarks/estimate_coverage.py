"""How long an estimate takes, and how often its interval holds what new strangers then show.

python benchmarks/estimate_coverage.py [REPEATS]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.deciding.estimate import estimate
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.similarity import Euclidean

REPEATS = 100
STRANGERS = 4000


@dataclass(frozen=True, eq=False)
class Photos:
    vectors: npt.NDArray[np.float32]
    starts: npt.NDArray[Any]


@dataclass(frozen=True)
class World:
    """Things are normally distributed points, and a photo is its thing, blurred."""

    n_things: int
    n_each: int
    n_dimensions: int
    blur: float
    target: float = 0.01

    def photos(
        self, rng: np.random.Generator, n_things: int, n_each: int
    ) -> npt.NDArray[np.float32]:
        things = np.repeat(rng.normal(size=(n_things, self.n_dimensions)), n_each, axis=0)
        return (things + self.blur * rng.normal(size=things.shape)).astype(np.float32)

    def gallery(self, rng: np.random.Generator) -> Photos:
        starts = np.arange(0, self.n_things * self.n_each, self.n_each)
        return Photos(self.photos(rng, self.n_things, self.n_each), starts)


TIMED = (World(1000, 1, 128, 0.8), World(500, 2, 128, 0.8), World(200, 5, 128, 0.8))
TRIED = (
    World(300, 1, 4, 0.0),
    World(300, 1, 4, 0.0, target=0.05),
    World(600, 1, 16, 0.0),
    World(300, 3, 8, 1.0),
    World(300, 4, 8, 0.4, target=0.05),
)


def seconds(world: World) -> float:
    photos, took = world.gallery(np.random.default_rng(0)), []
    for _ in range(5):
        started = time.process_time()
        estimate(Euclidean(), photos, calibrated=None)
        took.append(time.process_time() - started)
    return min(took)


def measured(world: World, seed: int) -> tuple[float, float, float]:
    """The rate on new strangers, and the interval stated before."""
    rng = np.random.default_rng(seed)
    photos = world.gallery(rng)
    found = estimate(
        Euclidean(), photos, calibrated=None, target=world.target, rule="best", seed=seed
    )
    assert found.threshold is not None and found.false_accepts is not None
    new = world.photos(rng, STRANGERS, 1)
    squared = np.concatenate(
        [
            (-2 * part @ photos.vectors.T + (photos.vectors**2).sum(axis=1)).min(axis=1)
            for part in np.split(new, 8)
        ]
    ) + (new**2).sum(axis=1)
    return float((squared <= found.threshold**2).mean()), *found.false_accepts.interval


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    print(f"commit {find_commit()}, {find_hardware()}")
    for world in TIMED:
        print(f"{seconds(world):6.3f} s of processor for an estimate: {world}")
    for world in TRIED:
        rows = np.array([measured(world, seed) for seed in range(repeats)])
        rate, low, high = rows.T
        print(
            f"{np.mean((low <= rate) & (rate <= high)):6.3f} of {repeats} intervals hold the rate "
            f"(mean {rate.mean():.4f}, interval {low.mean():.4f} to {high.mean():.4f}): {world}"
        )


if __name__ == "__main__":
    main()
