"""What each picture finds among all others: the arithmetic of retrieval, exact under ties.

Pictures that are equally near have no order among them, so every figure of a query is its
expectation over their orders. A model that maps everything to one point scores exactly chance, and
none profits from the order in which the pictures lie. With no ties these are the usual figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import DataError, ShapeError, UsageError
from firstsight.similarity import Head

__all__ = ["KS", "Ranking", "rank"]

KS = (1, 2, 5, 10)
CELLS = 2**22  # distances ranked at a time; some 100 MB with what ranking them takes

Indices = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

BROKEN = np.finfo(np.float32).max  # the distance of what cannot be compared: never a hit


@dataclass(frozen=True, eq=False)
class Ranking:
    """Q queries, each asked of all other pictures. R: how many of those share its class.

    query: (Q,) rows. neighbours, distances: (Q, K) rows and distances of the nearest K = max(ks)
    (fewer where there are no more), nearest first; equally near ones by their rows.
    relevant: (Q,) R, at least 1.
    found: (Q, len(ks)) in 0..1, is one of its class among the nearest k?
    average_precision: (Q,) in 0..1, the mean over the first R places of the precision up to there
    where a place holds a picture of its class, else of 0: MAP@R (Musgrave, Belongie, Lim 2020).
    r_precision: (Q,) share of its class among the nearest R.
    """

    ks: tuple[int, ...]
    query: Indices
    neighbours: Indices
    distances: Float32
    relevant: Indices
    found: Float64
    average_precision: Float64
    r_precision: Float64

    @property
    def precision_at_1(self) -> Float64:
        """(Q,) is the nearest picture of its class? The same as `found` for k = 1."""
        return self.found[:, 0]


def rank(
    embeddings: npt.NDArray[Any],
    labels: Indices,
    head: Head,
    *,
    ks: Sequence[int] = KS,
    query: Indices | None = None,
) -> Ranking:
    """Rank all other pictures for each query; a picture is never among its own neighbours.

    embeddings: (N, D). labels: (N,). ks: rising from 1. query: (Q,) rows; None for all.
    Pictures that are alone in their class ask nothing, but may be found. A distance that is not
    finite is farther than any other and never a hit. Memory beyond the result stays near 100 MB.
    Raises ShapeError, UsageError, and DataError where no query has another of its class.
    """
    _require_fitting(embeddings, labels, ks)
    counts = np.bincount(labels)
    query = np.arange(len(labels)) if query is None else query
    query = query[counts[labels[query]] > 1]
    if not len(query):
        raise DataError(
            f"none of the {len(labels)} pictures has another of its class to find; "
            "add pictures to the classes"
        )
    relevant = counts[labels[query]] - 1
    deepest = min(len(labels) - 1, max(int(relevant.max()), ks[-1]))
    parts = [
        _Places.of(embeddings, labels, head, rows, deepest).judged(ks, counts[labels[rows]] - 1)
        for rows in _chunks(query, len(labels))
    ]
    joined = [np.concatenate(each) for each in zip(*parts, strict=True)]
    return Ranking(tuple(ks), query, joined[0], joined[1], relevant, *joined[2:])


@dataclass(frozen=True, eq=False)
class _Places:
    """The nearest K places of C queries, and the group of equally near ones that each is in.

    neighbours, distances: (C, K). start: (C, K) the group's first place. size, hits: (C, K) of the
    whole group, also where it goes on beyond K: pictures in it, and those of the query's class.
    before: (C, K) those of its class in nearer groups.
    """

    neighbours: Indices
    distances: Float32
    start: Indices
    size: Indices
    hits: Indices
    before: Indices

    @classmethod
    def of(
        cls, embeddings: npt.NDArray[Any], labels: Indices, head: Head, rows: Indices, deepest: int
    ) -> _Places:
        every = head.distance(embeddings[rows], embeddings)
        every[~np.isfinite(every)] = BROKEN
        every[np.arange(len(rows)), rows] = np.inf  # itself, behind everything
        neighbours = np.sort(np.argpartition(every, deepest - 1, axis=1)[:, :deepest], axis=1)
        distances = np.take_along_axis(every, neighbours, axis=1)
        order = np.argsort(distances, axis=1, kind="stable")
        neighbours = np.take_along_axis(neighbours, order, axis=1)
        distances = np.take_along_axis(distances, order, axis=1)
        hit = (labels[neighbours] == labels[rows][:, None]) & (distances < BROKEN)
        start, end = _group_bounds(distances)
        so_far = np.pad(np.cumsum(hit, axis=1), ((0, 0), (1, 0)))
        before = np.take_along_axis(so_far, start, axis=1)
        hits = np.take_along_axis(so_far, end, axis=1) - before
        size = end - start
        # The last group may go on beyond the places looked at.
        last = distances[:, -1:]
        equal = every == last
        equal_hits = (equal & (labels == labels[rows][:, None])).sum(axis=1, keepdims=True)
        open_ended = end == deepest
        size = np.where(open_ended, equal.sum(axis=1, keepdims=True), size)
        hits = np.where(open_ended, np.where(last < BROKEN, equal_hits, 0), hits)
        return cls(neighbours, distances, start, size, hits, before)

    def judged(
        self, ks: Sequence[int], relevant: Indices
    ) -> tuple[Indices, Float32, Float64, Float64, Float64]:
        """neighbours, distances, found, average_precision and r_precision, as in Ranking."""
        place = np.arange(self.start.shape[1])
        share = self.hits / self.size  # the chance that a place holds one of the class
        # Given that it does, how many of the group's others of the class come before it.
        earlier = (place - self.start) * (self.hits - 1) / np.maximum(self.size - 1, 1)
        precision = share * (self.before + 1 + earlier) / (place + 1)
        counted = place < relevant[:, None]
        found = np.stack([self._found(min(k, len(place))) for k in ks], axis=1)
        kept = min(ks[-1], len(place))
        return (
            self.neighbours[:, :kept],
            self.distances[:, :kept],
            found,
            np.where(counted, precision, 0).sum(axis=1) / relevant,
            np.where(counted, share, 0).sum(axis=1) / relevant,
        )

    def _found(self, k: int) -> Float64:
        """(C,) the chance that the first k places hold one of the class."""
        start, size, hits, before = (
            each[:, k - 1] for each in (self.start, self.size, self.hits, self.before)
        )
        missed = np.where(before > 0, 0.0, 1.0)
        for drawn in range(k):  # one after the other from the group, none twice
            others = np.maximum(size - hits - drawn, 0) / np.maximum(size - drawn, 1)
            missed *= np.where(drawn < k - start, others, 1)
        result: Float64 = 1 - missed
        return result


def _group_bounds(distances: Float32) -> tuple[Indices, Indices]:
    """For each place (C, K), in order of distance, the first of its group and the one after it."""
    n_places = distances.shape[1]
    begins = np.ones(distances.shape, np.bool_)
    begins[:, 1:] = distances[:, 1:] != distances[:, :-1]
    place = np.arange(n_places)
    start = np.maximum.accumulate(np.where(begins, place, 0), axis=1)
    ends = np.ones(distances.shape, np.bool_)
    ends[:, :-1] = begins[:, 1:]
    after = np.where(ends, place + 1, n_places)
    end = np.minimum.accumulate(after[:, ::-1], axis=1)[:, ::-1]
    return start, end


def _chunks(query: Indices, n_pictures: int) -> Iterator[Indices]:
    step = max(1, CELLS // n_pictures)
    return (query[start : start + step] for start in range(0, len(query), step))


def _require_fitting(embeddings: npt.NDArray[Any], labels: Indices, ks: Sequence[int]) -> None:
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        raise ShapeError(
            f"embeddings have shape {embeddings.shape} and labels {labels.shape}; "
            "give (N, D) embeddings and one label a row"
        )
    if not ks or ks[0] != 1 or list(ks) != sorted(set(ks)):
        raise UsageError(f"ks are {tuple(ks)}; give rising numbers from 1 on, such as 1, 5, 10")
