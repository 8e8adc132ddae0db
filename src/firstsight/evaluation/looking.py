"""What a model takes each picture for: its nearest other picture, mistakes and confusions.

Every query is asked of all other pictures of the set, so classes compete with all others. A query
is taken for the class of its nearest picture; among equally near ones, one of another class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import DataError, ShapeError
from firstsight.similarity import Head

__all__ = ["Confusion", "Lookalikes", "Mistake", "Neighbourhood", "look_around"]

MOST_QUERIES = 2000  # drawn by the seed where there are more: bounds time for large sets
NEAREST = 5

Indices = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Mistake:
    """A query, the picture it was taken for, and the nearest that would have been right: rows."""

    query: int
    taken_for: int
    right: int
    distance: float
    right_distance: float

    @property
    def excess(self) -> float:
        """How much farther the right picture is than the wrong one; 0 or more."""
        return self.right_distance - self.distance


@dataclass(frozen=True)
class Confusion:
    """Two classes and how often a query of either was taken for the other; the worst first."""

    classes: tuple[int, int]
    count: int
    n_queries: int
    mistakes: tuple[Mistake, ...]

    @property
    def share(self) -> float:
        """Of the queries of both classes, in 0..1."""
        return self.count / self.n_queries


@dataclass(frozen=True)
class Lookalikes:
    """A query and its nearest pictures, nearest first: rows, distances, and are they right?"""

    query: int
    rows: tuple[int, ...]
    distances: tuple[float, ...]
    right: tuple[bool, ...]


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Q queries among N pictures; labels (N,).

    query: (Q,) rows. nearest, distances: (Q, K), nearest first. right, right_distance: (Q,) the
    nearest picture of the query's own class. wrong, wrong_distance: (Q,) that of any other.
    """

    labels: Indices
    query: Indices
    nearest: Indices
    distances: Float32
    right: Indices
    right_distance: Float32
    wrong: Indices
    wrong_distance: Float32

    @property
    def is_mistake(self) -> npt.NDArray[np.bool_]:
        """(Q,) a tie counts: nothing there says that the answer would have been right."""
        mistaken: npt.NDArray[np.bool_] = ~(self.right_distance < self.wrong_distance)
        return mistaken

    @property
    def n_mistakes(self) -> int:
        return int(self.is_mistake.sum())

    def mistakes(self) -> list[Mistake]:
        """The worst first: those whose right picture is the most farther than the wrong one."""
        found = [
            Mistake(
                int(self.query[q]),
                int(self.wrong[q]),
                int(self.right[q]),
                float(self.wrong_distance[q]),
                float(self.right_distance[q]),
            )
            for q in np.flatnonzero(self.is_mistake)
        ]
        return sorted(found, key=lambda mistake: (-mistake.excess, mistake.query))

    def confusions(self) -> list[Confusion]:
        """Pairs of classes by how often either was taken for the other, most often first."""
        asked = Counter(self.labels[self.query].tolist())
        pairs: dict[tuple[int, int], list[Mistake]] = {}
        for mistake in self.mistakes():
            both = sorted((int(self.labels[mistake.query]), int(self.labels[mistake.taken_for])))
            pairs.setdefault((both[0], both[1]), []).append(mistake)
        found = [
            Confusion(pair, len(mistakes), asked[pair[0]] + asked[pair[1]], tuple(mistakes))
            for pair, mistakes in pairs.items()
        ]
        return sorted(found, key=lambda each: (-each.count, -each.share, each.classes))

    def lookalikes(self, n_queries: int, rng: np.random.Generator) -> list[Lookalikes]:
        """Queries drawn at random, each of another class as far as there are as many."""
        order = rng.permutation(len(self.query))
        _, first = np.unique(self.labels[self.query[order]], return_index=True)
        others = np.setdiff1d(np.arange(len(order)), first)
        places = order[np.concatenate([np.sort(first), others])][:n_queries]
        return [
            Lookalikes(
                int(self.query[q]),
                tuple(map(int, self.nearest[q])),
                tuple(map(float, self.distances[q])),
                tuple(map(bool, self.labels[self.nearest[q]] == self.labels[self.query[q]])),
            )
            for q in places
        ]


def look_around(
    embeddings: npt.NDArray[Any],
    labels: Indices,
    head: Head,
    rng: np.random.Generator,
    *,
    most_queries: int = MOST_QUERIES,
) -> Neighbourhood:
    """Ask up to `most_queries` pictures, drawn at random, of all others.

    embeddings: (N, D), labels: (N,). Only pictures with another of their class are asked. A
    distance that is NaN is farther than any other. Raises ShapeError, and DataError where nobody
    can be asked or all are of one class.
    """
    if embeddings.ndim != 2 or labels.shape != embeddings.shape[:1]:
        raise ShapeError(
            f"embeddings have shape {embeddings.shape} and labels {labels.shape}; "
            "give (N, D) embeddings and one label a row"
        )
    able = np.flatnonzero(np.bincount(labels)[labels] > 1)
    if not len(able) or len(np.unique(labels)) < 2:
        raise DataError(
            f"{len(labels)} pictures of {len(np.unique(labels))} classes cannot be looked up among "
            "each other; give at least two classes, one of them with two pictures"
        )
    query = (
        np.sort(rng.choice(able, most_queries, replace=False))
        if (len(able) > most_queries)
        else able
    )
    parts = [_nearest(embeddings, labels, head, rows) for rows in _chunks(query, len(labels))]
    columns = [np.concatenate(each) for each in zip(*parts, strict=True)]
    return Neighbourhood(labels, query, *columns)


def _nearest(
    embeddings: npt.NDArray[Any], labels: Indices, head: Head, rows: Indices
) -> tuple[Indices, Float32, Indices, Float32, Indices, Float32]:
    """What Neighbourhood holds from `nearest` on, for some queries."""
    every = head.distance(embeddings[rows], embeddings)
    every[np.isnan(every)] = np.inf
    every[np.arange(len(rows)), rows] = np.inf
    n_nearest = min(NEAREST, len(labels) - 1)
    nearest = np.argsort(every, axis=1, kind="stable")[:, :n_nearest]
    own = labels[rows][:, None] == labels[None, :]
    own[np.arange(len(rows)), rows] = False
    columns: list[Any] = [nearest, np.take_along_axis(every, nearest, axis=1)]
    for side in (own, labels[rows][:, None] != labels[None, :]):
        # Not argmin of the masked distances: where all of a side are infinite it would leave it.
        limited = np.where(side, np.minimum(every, np.finfo(np.float32).max), np.inf)
        place = limited.argmin(axis=1)
        columns += [place, np.take_along_axis(limited, place[:, None], axis=1)[:, 0]]
    return tuple(columns)


def _chunks(query: Indices, n_pictures: int) -> Iterator[Indices]:
    step = max(1, 2**22 // n_pictures)
    return (query[start : start + step] for start in range(0, len(query), step))
