"""Which pictures a set has and what each shows: names and numbers, no pixels."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import DataError, PictureError
from firstsight.images.decode import DEFAULT_LIMITS

__all__ = [
    "Archives",
    "Manifest",
    "Source",
    "manifest_of",
    "require_consistent",
    "running_numbers",
]


@dataclass(frozen=True)
class Source:
    """Where one picture lies: a file, or a member of a zip."""

    path: Path
    member: str | None = None

    @property
    def name(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}/{self.member}"

    def read(self) -> bytes:
        """The file's bytes; raises PictureError. For many members of one zip, use Archives."""
        with Archives() as archives:
            return archives.read(self)


class Archives:
    """Reads many sources, from any number of threads, opening each zip once."""

    def __init__(self) -> None:
        self._zips: dict[Path, zipfile.ZipFile] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Archives:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for archive in self._zips.values():
            archive.close()

    def read(self, source: Source) -> bytes:
        """Raises PictureError for what is missing, damaged or larger than any picture."""
        most = DEFAULT_LIMITS.max_bytes
        try:
            if source.member is None:
                # One byte more than is allowed, so that the decoder sees that it is too much.
                with source.path.open("rb") as stream:
                    return stream.read(most + 1)
            with self._zip(source.path).open(source.member) as stream:
                return stream.read(most + 1)
        except Exception as fault:  # Damaged zips make zipfile raise nearly anything.
            raise PictureError(
                f"{source.name} could not be read ({fault}); check the file and its permissions"
            ) from fault

    def stamp(self, source: Source) -> tuple[str, int, int]:
        """Name, size and checksum (in a zip) or time of change: other bytes, other stamp."""
        try:
            if source.member is None:
                status = source.path.stat()
                return str(source.path.absolute()), status.st_size, status.st_mtime_ns
            info = self._zip(source.path).getinfo(source.member)
            return source.member, info.file_size, info.CRC
        except (OSError, KeyError, zipfile.BadZipFile):
            return source.name, -1, -1

    def _zip(self, path: Path) -> zipfile.ZipFile:
        with self._lock:
            if path not in self._zips:
                self._zips[path] = zipfile.ZipFile(path)
            return self._zips[path]


@dataclass(frozen=True, eq=False)
class Manifest:
    """N pictures of C classes in G groups; raises DataError where its parts do not fit together.

    labels: (N,) int64, the class of each picture, 0..C-1.
    class_groups: (C,) int64, the group of each class, 0..G-1 (an alphabet, a shelf, a supplier).
    drawers: (N,) int64, who drew or took each picture, from 0; where nobody knows, a running
        number within the class.
    """

    name: str
    sources: tuple[Source, ...]
    labels: NDArray[np.int64]
    class_names: tuple[str, ...]
    class_groups: NDArray[np.int64]
    group_names: tuple[str, ...]
    drawers: NDArray[np.int64]

    def __post_init__(self) -> None:
        require_consistent(self, len(self.sources))

    def __len__(self) -> int:
        return len(self.sources)

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    @property
    def full_names(self) -> list[tuple[str, str]]:
        """(group, class) of each class: in two groups there may be classes of one name."""
        groups = (self.group_names[number] for number in self.class_groups)
        return list(zip(groups, self.class_names, strict=True))

    def select(self, classes: NDArray[np.bool_]) -> Manifest:
        """The pictures of those classes (C,) that are True, in order; DataError for none."""
        rows = np.flatnonzero(classes[self.labels]).tolist()
        names = self.full_names
        kept = manifest_of(
            self.name,
            [self.sources[row] for row in rows],
            [names[self.labels[row]] for row in rows],
        )
        return replace(kept, drawers=self.drawers[rows])


def manifest_of(
    name: str, sources: Sequence[Source], classes: Sequence[tuple[str, str]]
) -> Manifest:
    """Of pictures that belong to `classes`, (group, class) each; the group is "" where none is.

    Classes and groups are numbered in the order in which they are first met.
    """
    # Dictionaries keep that order.
    numbers = {both: number for number, both in enumerate(dict.fromkeys(classes))}
    groups = {group: number for number, group in enumerate(dict.fromkeys(g for g, _ in numbers))}
    labels = np.array([numbers[both] for both in classes], np.int64)
    return Manifest(
        name=name,
        sources=tuple(sources),
        labels=labels,
        class_names=tuple(class_name for _, class_name in numbers),
        class_groups=np.array([groups[group] for group, _ in numbers], np.int64),
        group_names=tuple(group or name for group in groups),
        drawers=running_numbers(labels),
    )


def running_numbers(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) how many of the same label came before: a drawer's number where nobody knows it."""
    numbers = np.empty_like(labels)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        numbers[members] = np.arange(len(members))
    return numbers


def require_consistent(labelled: Any, n_pictures: int) -> None:
    """Check, and turn to int64, the numbers of a Manifest or of PackedPictures.

    Raises DataError for no pictures, other lengths, or numbers that point nowhere.
    """
    name = labelled.name
    if n_pictures == 0:
        raise DataError(f"{name} has no pictures; at least one is needed")
    lengths = {
        "labels": n_pictures,
        "drawers": n_pictures,
        "class_groups": len(labelled.class_names),
    }
    for field, length in lengths.items():
        numbers = np.asarray(getattr(labelled, field))
        if numbers.shape != (length,) or not np.issubdtype(numbers.dtype, np.integer):
            raise DataError(
                f"{field} of {name} is {numbers.dtype} of shape {numbers.shape}, but must hold "
                f"{length} whole numbers, one for each {_counted(field)}"
            )
        object.__setattr__(labelled, field, numbers.astype(np.int64, copy=False))
    _require_range(name, "labels", labelled.labels, len(labelled.class_names))
    _require_range(name, "class_groups", labelled.class_groups, len(labelled.group_names))
    _require_range(name, "drawers", labelled.drawers, None)
    for kind, names in (("class", labelled.class_names), ("group", labelled.group_names)):
        _require_unique(name, kind, names)


def _counted(field: str) -> str:
    return "class" if field == "class_groups" else "picture"


def _require_range(name: str, field: str, numbers: NDArray[np.int64], end: int | None) -> None:
    lowest, highest = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    if lowest < 0 or (end is not None and highest >= end):
        wanted = "from 0 on" if end is None else f"from 0 to {end - 1}"
        odd = lowest if lowest < 0 else highest
        raise DataError(f"{field} of {name} has the number {odd}, but must count {wanted}")


def _require_unique(name: str, kind: str, names: Sequence[str]) -> None:
    seen: set[str] = set()
    for each in names:
        if each in seen:
            raise DataError(f"{name} has two {kind} names {each!r}; give each {kind} its own name")
        seen.add(each)
