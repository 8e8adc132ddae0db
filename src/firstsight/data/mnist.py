"""Handwritten digits of 28 x 28 in the idx format of MNIST (Y. LeCun, C. Cortes), gzip or not."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.data.manifest import running_numbers
from firstsight.data.packed import PackedPictures, Progress
from firstsight.errors import DataError
from firstsight.images.preprocess import Preprocessing

__all__ = ["is_idx", "read_idx_pictures"]

_UNSIGNED_BYTES = 8
_MOST_BYTES = 2**31


def is_idx(file: Path) -> bool:
    """Whether a file is called as the pictures of MNIST are."""
    return file.name.removesuffix(".gz").endswith("-images-idx3-ubyte")


def read_idx_pictures(
    file: Path, preprocessing: Preprocessing, *, name: str, progress: Progress | None = None
) -> PackedPictures:
    """The pictures of an images-idx3-ubyte file, with the labels-idx1-ubyte file beside it.

    MNIST has light ink on dark paper; here it is turned to dark ink on light paper. One group;
    nobody says who wrote which, so drawers count within each digit.
    progress: told (pictures done, pictures in all).
    Raises DataError where one of the two is missing, damaged, or does not fit the other.
    """
    ink = _read_idx(file, 3)
    labels = _read_idx(_labels_beside(file), 1).astype(np.int64)
    if len(ink) != len(labels) or not len(ink):
        raise DataError(
            f"{file} has {len(ink)} pictures and {len(labels)} labels; fetch both files again"
        )
    pixels = np.empty(
        (len(ink), preprocessing.size, preprocessing.size, preprocessing.channels), "u1"
    )
    for row, picture in enumerate(255 - ink):
        pixels[row] = preprocessing.pixels(picture)
        if progress and (row % 1000 == 999 or row + 1 == len(ink)):
            progress(row + 1, len(ink))
    classes, numbered = np.unique(labels, return_inverse=True)
    return PackedPictures.of(
        name=name,
        pixels=pixels,
        labels=numbered,
        drawers=running_numbers(numbered),
        class_names=tuple(map(str, classes.tolist())),
        class_groups=np.zeros(len(classes), np.int64),
        group_names=("mnist",),
    )


def _labels_beside(file: Path) -> Path:
    stem = file.name.removesuffix(".gz").replace("-images-idx3-ubyte", "-labels-idx1-ubyte")
    for name in (stem, f"{stem}.gz"):
        if (file.parent / name).is_file():
            return file.parent / name
    raise DataError(f"{file} has no labels beside it; put {stem}.gz into the same folder")


def _read_idx(file: Path, n_dimensions: int) -> NDArray[np.uint8]:
    """Four bytes (0, 0, type, dimensions), then each dimension as a big-endian number, then all."""
    try:
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
            head = stream.read(4)
            if head != bytes([0, 0, _UNSIGNED_BYTES, n_dimensions]):
                raise _damaged(file, f"it begins with {head.hex(' ') or 'nothing'}")
            shape = np.frombuffer(stream.read(4 * n_dimensions), ">u4").astype(int).tolist()
            if len(shape) != n_dimensions or prod(shape) > _MOST_BYTES:
                raise _damaged(file, f"it claims to be of shape {tuple(shape)}")
            content = stream.read(prod(shape) + 1)
    except (OSError, EOFError, zlib.error, ValueError) as fault:
        raise _damaged(file, str(fault)) from fault
    if len(content) != prod(shape):
        raise _damaged(file, f"its head says {prod(shape):,} bytes and others follow")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _damaged(file: Path, reason: str) -> DataError:
    return DataError(f"{file} is no idx file that can be read ({reason}); fetch it again")
