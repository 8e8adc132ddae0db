"""Exact search over every photo's vector: one matrix product, then the head has the last word.

The product runs in float32 and is off in its last digits. How far at most is known (Higham 2002,
Accuracy and Stability of Numerical Algorithms, section 3.1), so every photo that could be among the
nearest is compared again by the head itself, in float64. Nothing is approximate about the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError, UsageError
from firstsight.gallery.matrix_file import MatrixFile
from firstsight.gallery.records import PhotoVectors
from firstsight.similarity import Head

if TYPE_CHECKING:
    from firstsight.gallery.gallery import Gallery

__all__ = ["MAPPED_FROM", "PhotoMatrix", "read_matrix"]

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

MAPPED_FROM = 50_000  # photos; fewer are read from the store faster than anybody notices

_ULP = 2.0**-24  # half the gap between 1 and the next float32
_ROWS_AT_ONCE = 2**16
_CELLS_AT_ONCE = 2**24  # float32 distances held at a time: 64 MB
_GROUP = 64
# Lengths whose squares or products float32 cannot hold; the head alone compares such rows.
_SHORTEST, _LONGEST = 1e-15, 1e15
_TINY = 1e-35  # what products below float32's smallest number can add up to
# Where rounding may be a hundredth of the distance, the head computes it again.
_CANCELLED = np.float32(100)


class PhotoMatrix:
    """The photos of a gallery, ready to be compared with queries by one head.

    May be used by several threads at once. Memory beyond the vectors: 16 bytes a photo, and less
    than 200 MB while searching.
    """

    def __init__(
        self, vectors: PhotoVectors, head: Head, *, squared_lengths: Doubles | None = None
    ) -> None:
        """squared_lengths: (P,) of the vectors where they are known; computed otherwise."""
        self.photos = vectors
        self.head = head
        self._vectors = vectors.vectors
        if squared_lengths is None:
            squared_lengths = squared_lengths_of(self._vectors)
        self._squared_lengths = squared_lengths

    def __len__(self) -> int:
        return len(self.photos)

    def distances(self, queries: Floats) -> tuple[Floats, Floats]:
        """From each query (Q, D) to every photo: (Q, P); and how far off they are at most: (Q,).

        Fast: usually good to five digits. Small distances, which matter, are the head's own.
        """
        self._require_fitting(queries)
        if self._is_exact:
            return self._exact_block(queries), np.zeros(len(queries), np.float32)
        result, slack = self._rough(queries)
        with np.errstate(invalid="ignore", over="ignore"):
            least = _CANCELLED * slack[:, None]
            if self._by_direction:
                result += np.float32(1)
                angles = result - self._crowding_of(queries) if self._is_crowded else result
                is_cancelled = ~(angles > least)
                off = slack
            else:
                lengths = np.square(queries, dtype=np.float64).sum(axis=1)
                result += lengths.astype(np.float32)[:, None]
                is_cancelled = ~(result > least)
                np.sqrt(result.clip(min=0), out=result)
                # More than sqrt(s) - sqrt(s - slack) for an s of _CANCELLED slacks.
                off = np.sqrt(slack / _CANCELLED)
        for number in np.flatnonzero(is_cancelled.any(axis=1)):
            again = np.flatnonzero(is_cancelled[number])
            result[number, again] = self._by_head(queries[number], again)
        return result, off

    def nearest(self, queries: Floats, k: int) -> tuple[Floats, Rows]:
        """The k nearest photos of each query (Q, D), or all where there are fewer.

        Returns distances (Q, k') by the head, ascending, and their rows (Q, k'); the lower row
        comes first where distances are equal. Raises ShapeError, UsageError.
        """
        self._require_fitting(queries)
        if k < 1:
            raise UsageError(f"k is {k}; ask for 1 photo or more")
        k = min(k, len(self))
        distances = np.empty((len(queries), k), np.float32)
        rows = np.empty((len(queries), k), np.int64)
        if not k:
            return distances, rows
        for part in _slices(len(queries), max(1, _CELLS_AT_ONCE // len(self))):
            for number, found in zip(
                range(part.start, part.stop), self._candidates(queries[part], k), strict=True
            ):
                candidates, apart = found
                order = np.argsort(apart, kind="stable")[:k]
                distances[number], rows[number] = apart[order], candidates[order]
        return distances, rows

    def _candidates(self, queries: Floats, k: int) -> Iterator[tuple[Rows, Floats]]:
        """For each query the rows that may be among its k nearest, and their distances."""
        if self._is_exact:
            for exact in self._exact_block(queries):
                rows = np.flatnonzero(~(exact > _reach(exact, k)))
                yield rows, exact[rows]
            return
        rough, slack = self._rough(queries)
        for query, row, off in zip(queries, rough, slack, strict=True):
            # The k-th nearest may seem `off` too far, and another as near `off` farther still.
            with np.errstate(over="ignore"):
                reach = _reach(row, k) + np.float32(2) * off
            rows = np.flatnonzero(~(row > reach))
            yield rows, self._by_head(query, rows)

    @property
    def _is_exact(self) -> bool:
        """A head that no matrix product stands for."""
        return self.head.kind not in ("euclidean", "cosine", "crowded_cosine")

    @property
    def _by_direction(self) -> bool:
        return self.head.kind in ("cosine", "crowded_cosine")

    def _exact_block(self, queries: Floats) -> Floats:
        # The head cuts its work by the first argument's rows before the second's.
        return np.ascontiguousarray(self.head.distance(self._vectors, queries).T)

    def _rough(self, queries: Floats) -> tuple[Floats, Floats]:
        """(Q, P) squared distances less |query|^2, or cosine distances less 1; how far off, (Q,).

        NaN where only the head can tell.
        """
        # Products of n numbers are off by n ulp of the lengths, the rest by a few dozen; a tie of
        # distances rounded to float32 and the head's own 1e-6 are in it too.
        relative = (self._vectors.shape[1] + 96) * _ULP
        with np.errstate(invalid="ignore", over="ignore"):
            directions = queries[:, : self._n_directions]
            lengths = np.sqrt(np.square(directions, dtype=np.float64).sum(axis=1))
            if self._by_direction:
                units = directions / np.where(lengths == 0, 1, lengths)[:, None]
                rough = (-units).astype(np.float32) @ self._vectors[:, : self._n_directions].T
                rough *= self._inverse_lengths
                largest = np.ones(len(queries))
                if self._is_crowded:
                    rough += self._crowding_of(queries)
                    largest += np.abs(queries[:, -1]) + self._largest_crowding
                return rough, (relative * largest + _TINY).astype(np.float32)
            rough = (-2 * queries) @ self._vectors.T
            rough += self._squares
            slack = relative * (lengths**2 + self._largest_square) + _TINY
            return rough, slack.astype(np.float32)

    @property
    def _is_crowded(self) -> bool:
        return self.head.kind == "crowded_cosine"

    @property
    def _n_directions(self) -> int:
        size: int = self._vectors.shape[1]
        return size - 1 if self._is_crowded else size

    def _crowding_of(self, queries: Floats) -> Floats:
        """(Q, P): what `CrowdedCosine` adds to the cosine distances."""
        return (queries[:, None, -1] + self._vectors[:, -1]) / np.float32(2)

    @cached_property
    def _largest_crowding(self) -> float:
        return float(np.fmax.reduce(np.abs(self._vectors[:, -1]), initial=0))

    @cached_property
    def _squares(self) -> Floats:
        return self._tame(self._squared_lengths).astype(np.float32)

    @cached_property
    def _largest_square(self) -> float:
        return float(np.fmax.reduce(self._squares, initial=0))

    @cached_property
    def _inverse_lengths(self) -> Floats:
        squares = self._tame(self._squared_lengths)
        if self._is_crowded:
            whole = squares
            squares = whole - np.square(self._vectors[:, -1], dtype=np.float64)
            # A direction lost beside its crowding has no length that could be told so.
            squares[(squares < 1e-3 * whole) & (squares != 0)] = np.nan
        lengths = np.sqrt(squares)
        # Without direction, a vector is at the distance 1 from everything.
        inverse = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths != 0)
        return inverse.astype(np.float32)

    def _tame(self, squares: Doubles) -> Doubles:
        wild = (squares > _LONGEST**2) | ((squares < _SHORTEST**2) & (squares > 0))
        return np.where(wild, np.nan, squares)

    def _by_head(self, query: Floats, rows: Rows) -> Floats:
        """(R,) the head's own distances; rows are gathered in parts, for there may be many."""
        result = np.empty(len(rows), np.float32)
        for part in _slices(len(rows), _ROWS_AT_ONCE):
            result[part] = self.head.distance(query[None], self._vectors[rows[part]])[0]
        return result

    def _require_fitting(self, queries: Floats) -> None:
        size = self._vectors.shape[1]
        if queries.ndim != 2 or queries.shape[1] != size:
            raise ShapeError(
                f"queries of shape {queries.shape} came where (Q, {size}) was wanted; "
                "embed them with the gallery's own model"
            )


def read_matrix(gallery: Gallery, head: Head) -> PhotoMatrix:
    """The gallery's photos as they are now; from `MAPPED_FROM` on by way of a mapped file.

    The file is a cache: where it is stale, damaged or cannot be written, the store is read.
    """
    fingerprint = gallery.info.model.fingerprint
    generation = gallery.generation
    file = MatrixFile(gallery, generation, fingerprint)
    kept = file.read()
    if kept is None:
        vectors = gallery.vectors()
        if len(vectors) < MAPPED_FROM:
            return PhotoMatrix(vectors, head)
        squared_lengths = squared_lengths_of(vectors.vectors)
        file.write(vectors, squared_lengths)
        kept = file.read() or (vectors, squared_lengths)
    return PhotoMatrix(kept[0], head, squared_lengths=kept[1])


def squared_lengths_of(vectors: Floats) -> Doubles:
    """(P,) in float64, where no float32's square is too large or too small."""
    result = np.empty(len(vectors), np.float64)
    for part in _slices(len(vectors), _ROWS_AT_ONCE):
        wide = vectors[part].astype(np.float64)
        result[part] = np.einsum("pd,pd->p", wide, wide)
    return result


def _reach(values: Floats, k: int) -> np.float32:
    """At least the k-th smallest of the values, and hardly ever more; NaN where few are numbers.

    The minima of k groups lie no lower than the k smallest values.
    """
    whole = len(values) // _GROUP * _GROUP
    if whole < 4 * _GROUP * k:
        return np.float32(np.partition(values, k - 1)[k - 1])
    minima = np.concatenate([values[:whole].reshape(_GROUP, -1).min(axis=0), values[whole:]])
    return np.float32(np.partition(minima, k - 1)[k - 1])


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))
