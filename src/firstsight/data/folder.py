"""A folder of pictures as people keep them, with its classes told from its shape.

root/class/picture.jpg          one class a folder
root/group/class/picture.jpg    the same in groups, as Omniglot has alphabets
root/class.jpg                  one picture a class
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from firstsight.data.manifest import Manifest, Source
from firstsight.errors import DataError

__all__ = ["PICTURE_EXTENSIONS", "read_folder"]

_ENDINGS = (
    *("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "gif", "bmp", "dib", "tif"),
    *("tiff", "ppm", "pgm", "pbm", "pnm", "avif", "heic", "heif"),
)
PICTURE_EXTENSIONS = frozenset(f".{ending}" for ending in _ENDINGS)
_MOST_LEVELS = 3
_READY_MADE_SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test"})


def read_folder(root: str | Path) -> Manifest:
    """The pictures below `root`, in natural order (2 before 10), hidden files left aside.

    A file counts as a picture by its extension; whether it is one shows when it is decoded.
    Raises DataError for a folder that is missing or unreadable, has no pictures, keeps them at
    different depths, or has one class only.
    """
    root = Path(root)
    if not root.exists():
        raise DataError(f"there is no folder {root}; check the path")
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; name the folder that holds the class folders")
    found = list(_pictures_below(root, ()))
    if not found:
        raise DataError(
            f"{root} has no pictures; put them into one folder for each class, as in "
            f"{root / 'mug' / 'photo1.jpg'}"
        )
    _require_one_depth(root, found)
    classes = [_class_of(steps) for steps in found]
    _require_two_classes(root, classes)
    return _manifest(root, found, classes)


def _pictures_below(folder: Path, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Each picture as the steps that lead to it, down to one level deeper than is allowed."""
    try:
        with os.scandir(folder) as listing:
            # Directory order differs between filesystems; seeded draws must not.
            entries = sorted(listing, key=lambda entry: _natural(entry.name))
        for entry in entries:
            if entry.name.startswith((".", "__MACOSX")):
                continue
            if entry.is_dir():
                if len(above) < _MOST_LEVELS:
                    yield from _pictures_below(folder / entry.name, (*above, entry.name))
            elif Path(entry.name).suffix.lower() in PICTURE_EXTENSIONS:
                yield (*above, entry.name)
    except OSError as refusal:
        raise DataError(
            f"{folder} could not be read ({refusal.strerror}); check its permissions"
        ) from refusal


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorts numbers by value and letters regardless of case; the name itself settles ties."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(p), "") if p[0] in "0123456789" else (-1, p.casefold()) for p in parts], name


def _require_one_depth(root: Path, found: list[tuple[str, ...]]) -> None:
    by_depth = {len(steps): steps for steps in reversed(found)}
    if len(by_depth) > 1:
        shallow, deep = (Path(*by_depth[pick(by_depth)]) for pick in (min, max))
        raise DataError(
            f"{root} keeps pictures at different depths, such as {shallow} and {deep}; put every "
            "picture into the folder of its class"
        )
    if max(by_depth) > _MOST_LEVELS:
        raise DataError(
            f"{root} keeps pictures too deep, such as {Path(*found[0])}; name the folder that "
            "holds the class folders, or groups of them"
        )
    groups = {steps[0] for steps in found}
    if max(by_depth) == _MOST_LEVELS and {name.lower() for name in groups} <= _READY_MADE_SPLITS:
        raise DataError(
            f"{root} holds ready-made parts of a data set ({', '.join(sorted(groups))}), which "
            f"share their classes; name one of them, such as {root / min(groups)}"
        )


def _class_of(steps: tuple[str, ...]) -> tuple[str, str]:
    """(group, class), the group empty where there are none."""
    if len(steps) == 1:
        return "", Path(steps[0]).stem
    return ("", steps[0]) if len(steps) == 2 else (steps[0], f"{steps[0]}/{steps[1]}")


def _require_two_classes(root: Path, classes: list[tuple[str, str]]) -> None:
    if len(set(classes)) == 1:
        raise DataError(
            f"{root} has one class only, {classes[0][1]!r}, and at least two are needed; "
            "add a folder for another class"
        )


def _manifest(root: Path, found: list[tuple[str, ...]], classes: list[tuple[str, str]]) -> Manifest:
    # Dictionaries keep the order in which names were first met.
    numbers = {both: number for number, both in enumerate(dict.fromkeys(classes))}
    groups = {name: number for number, name in enumerate(dict.fromkeys(g for g, _ in numbers))}
    labels = np.array([numbers[both] for both in classes], np.int64)
    drawn = np.zeros(len(numbers), np.int64)
    drawers = np.empty_like(labels)
    for row, label in enumerate(labels):
        drawers[row] = drawn[label]
        drawn[label] += 1
    name = root.absolute().name or str(root)
    return Manifest(
        name=name,
        sources=tuple(Source(root.joinpath(*steps)) for steps in found),
        labels=labels,
        class_names=tuple(class_name for _, class_name in numbers),
        class_groups=np.array([groups[group] for group, _ in numbers], np.int64),
        group_names=tuple(group or name for group in groups),
        drawers=drawers,
    )
