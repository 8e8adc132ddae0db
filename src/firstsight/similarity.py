"""How far apart two embeddings are, by the head that a model was trained with.

Polarity, here and everywhere: a distance is **lower where pictures are more alike**.

Every head takes (..., N, D) and (..., M, D) with equal leading dimensions (usually none) and gives
(..., N, M) float32. Arithmetic runs in tiles, so memory beyond the result stays near 100 MB
whatever N, M and D are. Where all embeddings are equal all distances are, so a collapsed model's
ties are true ties. A NaN in an embedding makes that embedding's distances NaN, and no other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any, ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from firstsight.errors import ModelFolderError, ShapeError

__all__ = ["Cosine", "CrowdedCosine", "Euclidean", "Head", "WeightedL1", "head_from_json"]

Array = npt.NDArray[Any]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

TILE_CELLS = 2**21  # cells of one temporary array: 16 MB of float64
TILE_SIDE = 512  # so the passes over a tile (2 MB) stay in the cache
L1_TILE_CELLS = 2**18  # 1 MB of float32: three passes over it stay in the cache


class Head(Protocol):
    """What compares two embeddings; lower is closer."""

    @property
    def kind(self) -> str: ...

    def distance(self, a: Array, b: Array) -> Float32:
        """Each of a (..., N, D) against each of b (..., M, D): (..., N, M)."""
        ...

    def paired(self, a: Array, b: Array) -> Float32:
        """Row i of a (N, D) against row i of b (N, D): (N,)."""
        ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Euclidean:
    """The length of the difference, >= 0; exactly 0 for equal embeddings."""

    kind: ClassVar[str] = "euclidean"

    def distance(self, a: Array, b: Array) -> Float32:
        return _tiled(a, b, lambda a, b: np.sqrt(_squared_distances(a, b)))

    def paired(self, a: Array, b: Array) -> Float32:
        return _paired(a, b, lambda a, b: np.sqrt(_squared_lengths(a - b)))

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}


@dataclass(frozen=True)
class Cosine:
    """1 - cosine similarity, in 0..2; 1 where either embedding is all zeros."""

    kind: ClassVar[str] = "cosine"

    def distance(self, a: Array, b: Array) -> Float32:
        def kernel(a: Float64, b: Float64) -> Float64:
            (a, a_is_zero), (b, b_is_zero) = _to_unit(a), _to_unit(b)
            undirected = a_is_zero[..., :, None] | b_is_zero[..., None, :]
            return _cosine_from_chord(_squared_distances(a, b), undirected)

        return _tiled(a, b, kernel)

    def paired(self, a: Array, b: Array) -> Float32:
        def kernel(a: Float64, b: Float64) -> Float64:
            (a, a_is_zero), (b, b_is_zero) = _to_unit(a), _to_unit(b)
            return _cosine_from_chord(_squared_lengths(a - b), a_is_zero | b_is_zero)

        return _paired(a, b, kernel)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}


@dataclass(frozen=True)
class CrowdedCosine:
    """Cosine distance and half of what either embedding says of its place: how crowded it is there.

    An embedding's last number is that crowding, the others are its direction. Where a model learned
    of many look-alikes, two pictures must lie nearer to each other to count as the same, so one
    threshold serves in crowded and in empty places. It is cross-domain similarity local scaling
    (Conneau et al. 2018, "Word translation without parallel data", section 2.3) with neighbours
    that are part of the model, weighed by the model.
    """

    kind: ClassVar[str] = "crowded_cosine"

    def distance(self, a: Array, b: Array) -> Float32:
        _require_matching(a, b)
        self._require_size(a)
        crowding = (a[..., :, None, -1] + b[..., None, :, -1]) / 2
        result: Float32 = Cosine().distance(a[..., :-1], b[..., :-1])
        result += crowding.astype(np.float32, copy=False)
        return result

    def paired(self, a: Array, b: Array) -> Float32:
        _require_paired(a, b)
        self._require_size(a)
        crowding = ((a[:, -1] + b[:, -1]) / 2).astype(np.float32, copy=False)
        return Cosine().paired(a[:, :-1], b[:, :-1]) + crowding

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def _require_size(self, a: Array) -> None:
        if a.shape[-1] < 2:
            raise ShapeError(
                "crowded_cosine got embeddings of 1 dimension; give a direction and its crowding"
            )


@dataclass(frozen=True, eq=False)
class WeightedL1:
    """Minus the logit of "same": -(sum_d w_d |a_d - b_d| + bias), any real number (Koch 2015, 3.1).

    weights: (D,) finite, of either sign, so this is no metric. bias: finite; the logit of equal
    embeddings. Raises ShapeError for anything else.
    """

    weights: Array
    bias: float

    kind: ClassVar[str] = "weighted_l1"

    def __post_init__(self) -> None:
        weights = np.array(self.weights, dtype=np.float32)  # a copy: the head is frozen
        if weights.ndim != 1 or not len(weights):
            raise ShapeError(
                f"weighted_l1 got weights of shape {weights.shape}; give one number a dimension"
            )
        if not (np.isfinite(weights).all() and np.isfinite(self.bias)):
            raise ShapeError(
                "weighted_l1 got a weight or bias that is not finite; retrain the head"
            )
        weights.flags.writeable = False
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "bias", float(self.bias))

    def distance(self, a: Array, b: Array) -> Float32:
        _require_matching(a, b)
        self._require_size(a)
        left, right = _as_batch(a, np.float32), _as_batch(b, np.float32)
        result = np.empty((len(left), left.shape[1], right.shape[1]), np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            for t, rows, columns in _tiles(result.shape, a.shape[-1], pairwise=True):
                gaps = left[t, rows, None, :] - right[t, None, columns, :]  # (t, N, M, D)
                result[t, rows, columns] = self._minus_logit(gaps)
        return result.reshape(*a.shape[:-1], b.shape[-2])

    def paired(self, a: Array, b: Array) -> Float32:
        _require_paired(a, b)
        self._require_size(a)
        result = np.empty(len(a), np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            for rows in _slices(len(a), max(1, L1_TILE_CELLS // a.shape[-1])):
                gaps = a[rows].astype(np.float32) - b[rows].astype(np.float32)
                result[rows] = self._minus_logit(gaps)
        return result

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "weights": self.weights.tolist(), "bias": self.bias}

    def _minus_logit(self, gaps: Float32) -> Float32:
        np.abs(gaps, out=gaps)
        # Not a matrix product: BLAS may sum equal rows in different orders, which breaks true ties.
        logits: Float32 = np.einsum("...d,d->...", gaps, self.weights)
        return -(logits + np.float32(self.bias))

    def _require_size(self, a: Array) -> None:
        if a.shape[-1] != len(self.weights):
            raise ShapeError(
                f"weighted_l1 has {len(self.weights)} weights but the embeddings have "
                f"{a.shape[-1]} dimensions; use the head of the model that embedded them"
            )


def head_from_json(record: object) -> Head:
    """The head that `to_json` described; ModelFolderError where the description is no head's."""
    allowed = {
        "euclidean": {"kind"},
        "cosine": {"kind"},
        "crowded_cosine": {"kind"},
        "weighted_l1": {"kind", "weights", "bias"},
    }
    kind = record.get("kind") if isinstance(record, Mapping) else None
    if not isinstance(kind, str) or kind not in allowed:
        raise ModelFolderError(
            f"the comparison head is {kind!r}; this version knows {', '.join(allowed)}: "
            "upgrade firstsight or export the model again"
        )
    assert isinstance(record, Mapping)
    if set(record) != allowed[kind]:
        raise ModelFolderError(
            f"the comparison head {kind} has the keys {sorted(record)}; wanted exactly "
            f"{sorted(allowed[kind])}: export the model again"
        )
    if kind == "weighted_l1":
        try:
            return WeightedL1(np.asarray(record["weights"], np.float32), float(record["bias"]))
        except (TypeError, ValueError, ShapeError) as unfit:
            raise ModelFolderError(
                f"the comparison head weighted_l1 is damaged ({unfit}); export the model again"
            ) from unfit
    plain: dict[str, Head] = {each.kind: each for each in (Euclidean(), Cosine(), CrowdedCosine())}
    return plain[kind]


def _tiled(a: Array, b: Array, kernel: Callable[[Float64, Float64], Float64]) -> Float32:
    """Fill (..., N, M) from a kernel on (t, n, D) and (t, m, D) float64 pieces."""
    _require_matching(a, b)
    left, right = _as_batch(a), _as_batch(b)
    result = np.empty((len(left), left.shape[1], right.shape[1]), np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        for t, rows, columns in _tiles(result.shape, a.shape[-1], pairwise=False):
            result[t, rows, columns] = kernel(
                left[t, rows].astype(np.float64), right[t, columns].astype(np.float64)
            )
    return result.reshape(*a.shape[:-1], b.shape[-2])


def _paired(a: Array, b: Array, kernel: Callable[[Float64, Float64], Float64]) -> Float32:
    _require_paired(a, b)
    result = np.empty(len(a), np.float32)
    with np.errstate(invalid="ignore", over="ignore"):
        for rows in _slices(len(a), max(1, TILE_CELLS // a.shape[-1])):
            result[rows] = kernel(a[rows].astype(np.float64), b[rows].astype(np.float64))
    return result


def _squared_distances(a: Float64, b: Float64) -> Float64:
    """|a|^2 + |b|^2 - 2ab for (t, n, D) and (t, m, D), done again by difference where it cancels.

    Float64 loses about 1e-13 of the norms; where the distance is below 1e-7 of them, the
    subtraction itself is computed. So every entry is good to 1e-6, and equal rows give exactly 0.
    """
    # A collapsed model puts everything near one far point; moving the origin there keeps the
    # fast path accurate. With all rows equal the centre is exact, and so are the zeros.
    centre = b[:, :1] + (b - b[:, :1]).mean(axis=1, keepdims=True)
    centre[~np.isfinite(centre)] = 0  # one bad row must not spoil the others
    near_a, near_b = a - centre, b - centre
    norms_a, norms_b = _squared_lengths(near_a), _squared_lengths(near_b)
    squared: Float64 = (-2 * near_a) @ near_b.swapaxes(1, 2)
    squared += norms_a[:, :, None]
    squared += norms_b[:, None, :]
    largest_b = np.where(np.isfinite(norms_b), norms_b, 0).max(axis=1, keepdims=True)
    t, i, j = np.nonzero(squared < 1e-7 * (norms_a + largest_b)[:, :, None])
    for part in _slices(len(t), max(1, TILE_CELLS // a.shape[-1])):
        apart = a[t[part], i[part]] - b[t[part], j[part]]
        squared[t[part], i[part], j[part]] = _squared_lengths(apart)
    return squared


def _squared_lengths(vectors: Float64) -> Float64:
    lengths: Float64 = np.einsum("...d,...d->...", vectors, vectors)
    return lengths


def _to_unit(vectors: Float64) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """Vectors scaled to length 1, and which of them had no direction (those stay zero)."""
    lengths = np.sqrt(_squared_lengths(vectors))
    is_zero = lengths == 0
    return vectors / np.where(is_zero, 1, lengths)[..., None], is_zero


def _cosine_from_chord(squared: Float64, undirected: npt.NDArray[np.bool_]) -> Float64:
    """1 - cos = |u - v|^2 / 2 for unit u, v: without the cancellation of 1 - uv."""
    # Float32 embeddings cannot tell such directions apart: rounding must not break their tie.
    squared[squared < 1e-13] = 0
    squared[undirected] = 2
    squared /= 2
    return squared


def _tiles(
    shape: tuple[int, ...], size: int, *, pairwise: bool
) -> Iterator[tuple[slice, slice, slice]]:
    """Cut (batch, N, M) so that the temporaries of a tile (t, n, m) stay small.

    pairwise: whether those are (t, n, m, size) rather than (t, n, size) and (t, m, size).
    """
    batch, n, m = shape
    if pairwise:
        pairs = max(1, L1_TILE_CELLS // size)
        columns_a_tile = max(1, min(m, isqrt(pairs)))
        rows_a_tile = max(1, min(n, pairs // columns_a_tile))
        batches_a_tile = max(1, pairs // (rows_a_tile * columns_a_tile))
    else:
        side = min(TILE_SIDE, max(1, TILE_CELLS // size))
        rows_a_tile, columns_a_tile = max(1, min(n, side)), max(1, min(m, side))
        batches_a_tile = max(1, TILE_CELLS // ((rows_a_tile + columns_a_tile) * size))
    for t in _slices(batch, batches_a_tile):
        for rows in _slices(n, rows_a_tile):
            for columns in _slices(m, columns_a_tile):
                yield t, rows, columns


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, start + step) for start in range(0, length, step))


def _as_batch(vectors: Array, dtype: Any = None) -> Array:
    batch = vectors.reshape(int(np.prod(vectors.shape[:-2])), *vectors.shape[-2:])
    return batch if dtype is None else batch.astype(dtype, copy=False)


def _require_matching(a: Array, b: Array) -> None:
    fits = a.ndim == b.ndim >= 2 and a.shape[:-2] == b.shape[:-2] and a.shape[-1] == b.shape[-1] > 0
    if not fits:
        raise ShapeError(
            f"cannot compare embeddings of shapes {a.shape} and {b.shape}; "
            "give (N, D) and (M, D) with one D of at least 1"
        )


def _require_paired(a: Array, b: Array) -> None:
    if a.shape != b.shape or a.ndim != 2 or not a.shape[-1]:
        raise ShapeError(
            f"cannot pair embeddings of shapes {a.shape} and {b.shape}; "
            "give two arrays of one shape (N, D), D at least 1"
        )
