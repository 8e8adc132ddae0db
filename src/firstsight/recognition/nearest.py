"""Which things are nearest to each of many queries: all compared at once, each answered alone.

One product tells how far everything is, nearly; the head then measures whatever may be among the
nearest. So distances are the head's own, and no answer depends on what else was asked with it,
however a product of many rows may round.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from firstsight.deciding.combining import combine, photos_each
from firstsight.gallery.matrix import PhotoMatrix

__all__ = ["Near", "nearest_things"]

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

ROUNDING = 1e-5  # share of a distance that float32 may be off by, however it is summed
CELLS_AT_ONCE = 2**22  # distances held at a time: 16 MB of float32
ROWS_AT_ONCE = 2**14  # vectors gathered at a time: 32 MB for 512 numbers each


class Near(NamedTuple):
    """thing, photo: ids, of one of the nearest things and of its nearest photo."""

    thing: int
    distance: float
    photo: int


def nearest_things(
    photos: PhotoMatrix,
    queries: Floats,
    k: int,
    *,
    rule: Literal["best", "mean"],
    means: PhotoMatrix | None = None,
) -> list[list[Near]]:
    """The k nearest things of each query (Q, D), or all where there are fewer.

    Ascending by distance, then by thing id; a NaN is infinitely far. rule: how the photos of a
    thing combine. means: of each thing one vector, compared in place of its photos.
    """
    step = max(1, CELLS_AT_ONCE // len(photos))
    found: list[list[Near]] = []
    for part in _slices(len(queries), step):
        found += _nearest(photos, queries[part], k, rule, photos if means is None else means)
    return found


def _nearest(
    photos: PhotoMatrix,
    queries: Floats,
    k: int,
    rule: Literal["best", "mean"],
    compared: PhotoMatrix,
) -> list[list[Near]]:
    to_all, off = compared.distances(queries)
    rough = combine(to_all, compared.photos.starts, rule)
    asked, things = np.nonzero(~(rough > _reach(rough, off, k)[:, None]))
    measured = _measured(compared, queries, asked, things)
    distances = combine(measured.distances, measured.starts, rule)
    kept = _first_of_each(asked, distances, k)
    asked, things, distances = asked[kept], things[kept], distances[kept]
    if compared is photos:
        rows = measured.nearest_rows()[kept]
    else:
        rows = _measured(photos, queries, asked, things).nearest_rows()
    found: list[list[Near]] = [[] for _ in queries]
    ids, numbers = photos.photos.things[things], photos.photos.photos[rows]
    for query, *near in zip(
        *(each.tolist() for each in (asked, ids, distances, numbers)), strict=True
    ):
        found[query].append(Near(*near))
    return found


def _reach(rough: Floats, off: Floats, k: int) -> npt.NDArray[np.floating[Any]]:
    """(Q,) of each row (T,) the distance within which its k smallest certainly lie.

    The k-th may seem `off` too near, and another that is as near `off` too far.
    """
    if rough.shape[1] <= k:
        return np.full(len(rough), np.inf, np.float32)
    last = np.partition(rough, k - 1, axis=1)[:, k - 1]
    return last + 2 * off + np.float32(ROUNDING) * np.abs(last)


class _Measured(NamedTuple):
    """Of pairs of a query and a thing, one after another: the thing's rows, and their distances by
    the head; starts: (N,) where each pair's begin."""

    rows: Indices
    distances: Floats
    starts: Indices

    def nearest_rows(self) -> Indices:
        """(N,) the nearest row of each pair, the lower one where two are as near."""
        least = np.minimum.reduceat(self.distances, self.starts)
        sizes = photos_each(self.starts, len(self.rows))
        is_least = np.flatnonzero(self.distances == np.repeat(least, sizes))
        return self.rows[is_least[np.searchsorted(is_least, self.starts)]]


def _measured(compared: PhotoMatrix, queries: Floats, asked: Indices, things: Indices) -> _Measured:
    """asked, things: (N,) positions of each pair's query and thing."""
    photos = compared.photos
    sizes = photos_each(photos.starts, len(photos))[things]
    starts = np.cumsum(sizes) - sizes
    rows = np.arange(sizes.sum()) + np.repeat(photos.starts[things] - starts, sizes)
    whose = np.repeat(asked, sizes)
    distances = np.empty(len(rows), np.float32)
    for part in _slices(len(rows), ROWS_AT_ONCE):
        vectors = photos.vectors[rows[part]]
        distances[part] = compared.head.paired(queries[whose[part]], vectors)
    return _Measured(rows, np.where(np.isnan(distances), np.inf, distances), starts)


def _first_of_each(asked: Indices, distances: Floats, k: int) -> Indices:
    """Where the k smallest distances of each query stand, in their order.

    asked: (N,) ascending. Of equal distances those that stand first.
    """
    order = np.lexsort((distances, asked))
    place = np.arange(len(order)) - np.searchsorted(asked, asked)
    return order[place < k]


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, length, step))
