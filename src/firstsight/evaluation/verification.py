"""Same or different: how well a head tells genuine pairs from impostor pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError
from firstsight.metrics.roc import (
    Accuracy,
    accuracy_at,
    area_under_curve,
    equal_error_rate,
    true_accept_rate,
)
from firstsight.sampling.pairs import PairPopulation, require_even
from firstsight.similarity import Head

__all__ = ["Pairs", "VerificationResult", "draw_pairs", "judge", "pair_distances"]

Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

GATHER_CELLS = 2**22


@dataclass(frozen=True)
class Pairs:
    """P pairs of different pictures. first, second: (P,) indices. same: (P,) of one class?"""

    first: Indices
    second: Indices
    same: Bools

    def __len__(self) -> int:
        return len(self.same)

    def of(self, labels: Indices) -> Indices:
        """(2, P) the labels (n,) of both pictures of each pair."""
        return np.stack([labels[self.first], labels[self.second]])


@dataclass(frozen=True)
class VerificationResult:
    """Rates in 0..1, over all pairs but for `accuracy`.

    true_accept_1, true_accept_10: share of genuine pairs accepted where 1 % or 10 % of impostor
    pairs are. accuracy: at `threshold`, which must have been chosen on other data.
    """

    n_genuine: int
    n_impostor: int
    auc: float
    equal_error_rate: float
    true_accept_1: float
    true_accept_10: float
    threshold: float
    accuracy: Accuracy


def draw_pairs(
    labels: Indices, groups: Indices | None, n_pairs: int, rng: np.random.Generator
) -> Pairs:
    """`n_pairs` pairs, exactly half of them of one class; first all genuine, then all impostor.

    labels: (n,). groups: (n,), both pictures of a pair come from one group; None: from anywhere.
    Raises DataError where no pairs can be drawn or `n_pairs` is odd.
    """
    require_even(n_pairs)
    drawn = PairPopulation(labels, groups).draw(n_pairs, rng)
    drawn = np.concatenate([drawn[:, 0::2], drawn[:, 1::2]], axis=1)
    return Pairs(drawn[0], drawn[1], labels[drawn[0]] == labels[drawn[1]])


def pair_distances(
    pairs: Pairs, embeddings: npt.NDArray[Any], head: Head
) -> npt.NDArray[np.float32]:
    """(P,) distances; embeddings (n, D), one row a picture. Raises ShapeError where some lack."""
    last = max(int(pairs.first.max(initial=-1)), int(pairs.second.max(initial=-1)))
    if embeddings.ndim != 2 or len(embeddings) <= last:
        raise ShapeError(
            f"the pairs point at picture {last} but embeddings have shape {embeddings.shape}; "
            "give (n, D) embeddings of the pictures that the pairs were drawn from"
        )
    distances = np.empty(len(pairs), np.float32)
    step = max(1, GATHER_CELLS // max(1, embeddings.shape[1]))
    for start in range(0, len(pairs), step):
        part = slice(start, start + step)
        distances[part] = head.paired(embeddings[pairs.first[part]], embeddings[pairs.second[part]])
    return distances


def judge(
    genuine: npt.ArrayLike, impostor: npt.ArrayLike, *, threshold: float
) -> VerificationResult:
    """All figures from the distances of both sides and a threshold chosen on other data."""
    genuine, impostor = np.asarray(genuine), np.asarray(impostor)
    return VerificationResult(
        n_genuine=len(genuine),
        n_impostor=len(impostor),
        auc=area_under_curve(genuine, impostor),
        equal_error_rate=equal_error_rate(genuine, impostor),
        true_accept_1=true_accept_rate(genuine, impostor, false_accept_rate=0.01)[0],
        true_accept_10=true_accept_rate(genuine, impostor, false_accept_rate=0.10)[0],
        threshold=threshold,
        accuracy=accuracy_at(genuine, impostor, threshold),
    )
