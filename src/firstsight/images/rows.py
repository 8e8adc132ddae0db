"""Pixels of many pictures at once: an array, or rows of a file that are read when asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["ChosenRows", "PixelRows", "choose"]


class PixelRows(Protocol):
    """N pictures, (N, H, W, C) uint8: whatever gives some of them, as an array, for an index.

    An array is one, and so is a memory map. Whoever may meet a set larger than memory asks for a
    batch at a time, and never for all.
    """

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def dtype(self) -> np.dtype[np.uint8]: ...
    @property
    def nbytes(self) -> int: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __array__(self) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, eq=False)
class ChosenRows:
    """The rows (N,) of `whole`, in that order, copied only when they are asked for."""

    whole: NDArray[np.uint8]
    rows: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self.rows), *self.whole.shape[1:])

    @property
    def ndim(self) -> int:
        return self.whole.ndim

    @property
    def dtype(self) -> np.dtype[np.uint8]:
        return self.whole.dtype

    @property
    def nbytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        return (self.whole[row] for row in self.rows)

    def __getitem__(self, key: Any, /) -> Any:
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) else (key, ())
        if first is Ellipsis or first is None:
            return np.asarray(self)[key]
        chosen = self.rows[first]
        some = self.whole[chosen]
        return some[(slice(None),) * np.ndim(chosen) + rest] if rest else some

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[np.uint8]:
        # Always a copy: there is no array of these rows to hand out.
        return np.asarray(self.whole[self.rows], dtype)


def choose(pixels: PixelRows, mask: NDArray[np.bool_]) -> PixelRows:
    """The rows where mask (N,) is True; of a file only their numbers are taken, not the pixels."""
    if mask.all():
        return pixels
    if isinstance(pixels, ChosenRows):
        return ChosenRows(pixels.whole, pixels.rows[mask])
    if isinstance(pixels, np.memmap):
        return ChosenRows(pixels, np.flatnonzero(mask))
    chosen: NDArray[np.uint8] = pixels[mask]
    return chosen
