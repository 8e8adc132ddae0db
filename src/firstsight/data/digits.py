"""Real handwriting that comes with scikit-learn: 1,797 digits of 8 x 8, from 43 people.

E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits" (1998), UCI, CC BY 4.0.
The table is read where scikit-learn keeps it; scikit-learn itself is not imported.
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.data.manifest import running_numbers
from firstsight.data.packed import PackedPictures
from firstsight.data.sources import locate_digits
from firstsight.errors import DataError, DataUnavailable
from firstsight.images.preprocess import Preprocessing

__all__ = ["read_digits"]

SIDE_PX = 8
N_DIGITS = 1_797
FULL_INK = 16


def read_digits(preprocessing: Preprocessing, *, table: Path | None = None) -> PackedPictures:
    """The digits as dark ink on light paper, at the preprocessing's size.

    One group; nobody knows who drew which, so drawers count within each digit.
    table: the file to read, where it is not scikit-learn's own.
    Raises DataUnavailable where scikit-learn is missing, DataError where the table is damaged.
    """
    table = table or locate_digits()
    if table is None:
        raise DataUnavailable(
            "the handwritten digits come with scikit-learn, which is not installed here; "
            "install it with: pip install 'firstsight[train]'"
        )
    ink, labels = _read_table(table)
    paper = np.round(255 - ink * (255 / FULL_INK)).astype(np.uint8)  # (N, 8, 8)
    return PackedPictures.of(
        name="digits",
        pixels=np.stack([preprocessing.pixels(picture) for picture in paper]),
        labels=labels,
        drawers=running_numbers(labels),
        class_names=tuple("0123456789"),
        class_groups=np.zeros(10, dtype=np.int64),
        group_names=("digits",),
    )


def _read_table(table: Path) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Ink (N, 8, 8) in 0..16 and digits (N,), from rows of 64 values and the digit."""
    try:
        with gzip.open(table, "rt", encoding="ascii") as lines:
            rows = np.array([line.split(",") for line in lines], dtype=np.float64)
    except (OSError, ValueError, EOFError, zlib.error) as damage:
        raise _damaged(table, str(damage)) from damage
    if rows.shape != (N_DIGITS, SIDE_PX**2 + 1):
        wanted = f"({N_DIGITS}, {SIDE_PX**2 + 1})"
        raise _damaged(table, f"it has shape {rows.shape} where {wanted} was expected")
    ink, labels = rows[:, :-1].reshape(-1, SIDE_PX, SIDE_PX), rows[:, -1].astype(np.int64)
    if ink.min() < 0 or ink.max() > FULL_INK or set(labels.tolist()) != set(range(10)):
        raise _damaged(table, f"values beyond 0..{FULL_INK} or digits beyond 0..9")
    return ink, labels


def _damaged(table: Path, reason: str) -> DataError:
    return DataError(
        f"{table} is not the table of digits ({reason}); install scikit-learn again with: "
        "pip install --force-reinstall scikit-learn"
    )
