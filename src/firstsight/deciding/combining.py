"""Many photos of a thing, one distance to it.

best: the distance to its nearest photo. mean: the mean of the distances to its photos.
prototype: the distance to the mean of its photos' vectors (Snell et al. 2017, eq. 1).
"""

from __future__ import annotations

from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError
from firstsight.similarity import Head

__all__ = [
    "RULES",
    "GalleryVectors",
    "Rule",
    "combine",
    "photos_each",
    "prototypes",
    "thing_distances",
]

Rule = Literal["best", "mean", "prototype"]
RULES: tuple[Rule, ...] = get_args(Rule)

Float32 = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

CHUNK_CELLS = 2**23  # distances held at a time: 32 MB of float32


class GalleryVectors(Protocol):
    """Every photo's vector, the photos of one thing side by side.

    vectors: (P, D). starts: (T,) the first row of each thing, rising strictly from 0.
    """

    @property
    def vectors(self) -> Float32: ...

    @property
    def starts(self) -> Indices: ...


def combine(
    distances: npt.NDArray[Any], starts: npt.NDArray[Any], rule: Literal["best", "mean"]
) -> Float32:
    """Distances to photos (..., P) into distances to things (..., T), float32.

    A NaN distance counts as infinitely far. Prototypes need vectors: see `thing_distances`.
    Raises ShapeError where `starts` does not cut P photos into things.
    """
    sizes = photos_each(starts, distances.shape[-1])
    distances = np.where(np.isnan(distances), np.inf, distances).astype(np.float32, copy=False)
    if len(sizes) == distances.shape[-1]:  # one photo each: both rules leave it as it is
        return distances
    if rule == "best":
        nearest: Float32 = np.minimum.reduceat(distances, starts, axis=-1)
        return nearest
    sums = np.add.reduceat(distances, starts, axis=-1, dtype=np.float64)
    return (sums / sizes).astype(np.float32)


def prototypes(vectors: npt.NDArray[Any], starts: npt.NDArray[Any]) -> Float32:
    """The mean vector of each thing's photos: (P, D) into (T, D) float32."""
    sizes = photos_each(starts, len(vectors))
    sums = np.add.reduceat(vectors, starts, axis=0, dtype=np.float64)
    return (sums / sizes[:, None]).astype(np.float32)


def thing_distances(
    head: Head, query: npt.NDArray[Any], vectors: GalleryVectors, rule: Rule
) -> Float32:
    """Each query (Q, D) against each thing: (Q, T) float32, exact by the head.

    Memory beyond the result stays bounded whatever Q and P are.
    """
    if rule == "prototype":
        means = prototypes(vectors.vectors, vectors.starts)
        return combine(head.distance(query, means), np.arange(len(means)), "best")
    step = max(1, CHUNK_CELLS // len(vectors.vectors))
    blocks = [
        combine(head.distance(query[start : start + step], vectors.vectors), vectors.starts, rule)
        for start in range(0, len(query), step)
    ]
    return np.concatenate([np.zeros((0, len(vectors.starts)), np.float32), *blocks])


def photos_each(starts: npt.NDArray[Any], n_photos: int) -> Indices:
    """How many photos each thing has: (T,), all at least 1; ShapeError where `starts` is amiss."""
    sizes = np.diff(np.append(starts, n_photos)).astype(np.int64)
    if np.ndim(starts) != 1 or not len(starts) or starts[0] != 0 or sizes.min() < 1:
        raise ShapeError(
            f"{n_photos} photos cannot be cut into things at {np.asarray(starts)[:5]}...; "
            "give each thing's first row, rising from 0, with a photo for every thing"
        )
    return sizes
