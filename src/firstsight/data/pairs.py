"""Pairs of pictures that somebody chose, and whether they show the same: a CSV file.

path_a,path_b,label
mugs/1.jpg,mugs/7.jpg,1
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from firstsight.data.manifest import Manifest, Source, manifest_of
from firstsight.data.rows_of_csv import Row, read_rows
from firstsight.errors import DataError

__all__ = ["ListedPairs", "read_pairs"]


@dataclass(frozen=True, eq=False)
class ListedPairs:
    """P pairs of the pictures of a manifest, each picture once and in a class of its own.

    first, second: (P,) int64, rows of the manifest. same: (P,) bool.
    """

    pictures: Manifest
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]

    def among(self, readable: tuple[str, ...]) -> ListedPairs:
        """The pairs both of whose pictures are called so, pointing at rows in this order.

        Raises DataError where fewer than two pairs of a kind are left.
        """
        places = {name: row for row, name in enumerate(readable)}
        moved = np.array([places.get(name, -1) for name in self.pictures.class_names], np.int64)
        first, second = moved[self.first], moved[self.second]
        kept = (first >= 0) & (second >= 0)
        _require_both_kinds(self.pictures.name, self.same[kept])
        return ListedPairs(self.pictures, first[kept], second[kept], self.same[kept])

    def __len__(self) -> int:
        return len(self.same)


def read_pairs(file: str | Path) -> ListedPairs:
    """The pairs that a CSV file lists: path_a, path_b and label, 1 for the same and 0 for not.

    Paths are relative to the CSV file's folder, or absolute; ./a.png is a.png.
    Raises DataError for a file that cannot be read or lists none, another label, a picture paired
    with itself, a pair that is said to be both, or fewer than two pairs of a kind.
    """
    file = Path(file)
    rows = read_rows(file, ("path_a", "path_b", "label"))
    if not rows:
        raise DataError(f"{file} has no pairs; write path_a,path_b,label in a line for each")
    written = [[row.cells[side] for row in rows] for side in ("path_a", "path_b")]
    sides = [[_place(file, path) for path in side] for side in written]
    _require_sensible(file, rows, list(zip(*sides, strict=True)))
    names: dict[Path, str] = {}  # as each is first written
    for place, path in zip(itertools.chain(*sides), itertools.chain(*written), strict=True):
        names.setdefault(place, path)
    numbers = {place: row for row, place in enumerate(names)}
    first, second = (np.array([numbers[place] for place in side], np.int64) for side in sides)
    same = np.array([row.cells["label"] == "1" for row in rows])
    _require_both_kinds(file.name, same)
    sources = [Source(file.parent / path) for path in names.values()]
    pictures = manifest_of(file.name, sources, [("", path) for path in names.values()])
    return ListedPairs(pictures, first, second, same)


def _place(file: Path, path: str) -> Path:
    """What tells a picture from others, however its path is written."""
    return Path(os.path.normpath(file.parent.absolute() / path))


def _require_sensible(file: Path, rows: list[Row], pairs: list[tuple[Path, Path]]) -> None:
    known: dict[frozenset[Path], Row] = {}
    for row, pair in zip(rows, pairs, strict=True):
        if row.cells["label"] not in ("0", "1"):
            raise DataError(
                f"{file}, line {row.line}: the label is {row.cells['label']!r}; write 1 where the "
                "two pictures show the same, 0 where they do not"
            )
        if pair[0] == pair[1]:
            raise DataError(
                f"{file}, line {row.line}: {row.cells['path_a']} is paired with itself; pair two "
                "different pictures"
            )
        before = known.setdefault(frozenset(pair), row)
        if before.cells["label"] != row.cells["label"]:
            raise DataError(
                f"{file}, lines {before.line} and {row.line}: {row.cells['path_a']} and "
                f"{row.cells['path_b']} are once the same and once not; keep the line that is right"
            )


def _require_both_kinds(name: str, same: NDArray[np.bool_]) -> None:
    n_same, n_other = int(same.sum()), int((~same).sum())
    if min(n_same, n_other) < 2:
        raise DataError(
            f"{name} has {n_same} readable pairs of the same and {n_other} of different things; "
            "at least two of each are needed, for one half is judged by the other"
        )
