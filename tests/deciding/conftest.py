"""Worlds of known truth that several files of this room share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.fitting import HeldOut, fit_calibrated
from firstsight.similarity import Euclidean

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Photos:
    """A gallery's vectors as the store gives them, with nothing of the store."""

    vectors: Floats
    starts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, vectors: npt.ArrayLike, sizes: list[int]) -> Photos:
        starts = np.cumsum([0, *sizes[:-1]])
        return cls(np.asarray(vectors, np.float32), starts.astype(np.int64))


@dataclass(frozen=True)
class World:
    """Things are points drawn from a normal distribution; a photo is its thing, blurred."""

    n_dimensions: int = 8
    blur: float = 0.25

    def photos(self, rng: np.random.Generator, n_things: int, n_each: int) -> Floats:
        things = np.repeat(rng.normal(size=(n_things, self.n_dimensions)), n_each, axis=0)
        return (things + self.blur * rng.normal(size=things.shape)).astype(np.float32)

    def gallery(self, rng: np.random.Generator, n_things: int, n_each: int) -> Photos:
        return Photos.of(self.photos(rng, n_things, n_each), [n_each] * n_things)


@pytest.fixture(scope="session")
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def calibrated(world: World) -> Calibrated:
    """Fitted on 330 classes of the world that no gallery of a test holds."""
    embeddings = world.photos(np.random.default_rng(99), 330, 3)
    labels = np.repeat(np.arange(330), 3)
    part = HeldOut(embeddings, labels)
    return fit_calibrated(Euclidean(), [part], fitted_on={"data": "a world"}, seed=3)
