"""Embeddings laid out on a plane: the two directions in which they differ most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError

__all__ = ["Atlas", "chart", "project"]

MOST_CLASSES = 8  # as many as colours that colour-blind people tell apart
MOST_PICTURES = 20  # of a class

Indices = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Atlas:
    """P pictures of some classes on a plane.

    rows: (P,) which pictures. positions: (P, 2). classes: their numbers, in drawing order.
    explained: share of these pictures' spread that the plane shows, in 0..1. n_classes: of all.
    """

    rows: Indices
    positions: Float64
    classes: tuple[int, ...]
    explained: float
    n_classes: int


def project(embeddings: npt.NDArray[Any]) -> tuple[Float64, float]:
    """(N, D) to positions (N, 2) on their first two principal axes, and the share of spread there.

    Centred, by singular values (Pearson 1901). Of each axis the largest position is positive, so
    that the picture is the same everywhere. All zeros where all embeddings are equal.
    """
    if embeddings.ndim != 2 or not embeddings.size:
        raise ShapeError(
            f"cannot lay out embeddings of shape {embeddings.shape}; give (N, D), N at least 1"
        )
    centred = np.nan_to_num(np.asarray(embeddings, np.float64))
    centred = centred - centred.mean(axis=0)
    left, singular, _ = np.linalg.svd(centred, full_matrices=False)
    positions = np.zeros((len(centred), 2))
    positions[:, : min(2, len(singular))] = (left * singular)[:, :2]
    farthest = np.abs(positions).argmax(axis=0)
    positions *= np.where(positions[farthest, [0, 1]] < 0, -1, 1)
    spread = float((singular**2).sum())
    return positions, float((singular[:2] ** 2).sum()) / spread if spread > 0 else 0.0


def chart(
    embeddings: npt.NDArray[Any], labels: Indices, rng: np.random.Generator, *, unit: bool
) -> Atlas:
    """A plane of up to MOST_CLASSES classes drawn at random, up to MOST_PICTURES pictures of each.

    The plane is laid through these pictures alone. unit: only the embeddings' directions count,
    as for a cosine head.
    """
    counts = np.bincount(labels)
    able = np.flatnonzero(counts > 1)
    able = able if len(able) > 1 else np.flatnonzero(counts)
    classes = rng.choice(able, min(MOST_CLASSES, len(able)), replace=False)
    rows = np.concatenate(
        [rng.permutation(np.flatnonzero(labels == each))[:MOST_PICTURES] for each in classes]
    )
    vectors = np.asarray(embeddings[rows], np.float64)
    if unit:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors / np.where(lengths > 0, lengths, 1)
    positions, explained = project(vectors)
    return Atlas(rows, positions, tuple(map(int, classes)), explained, int((counts > 0).sum()))
