"""A folder of pictures as people keep them, with its classes told from its shape.

root/class/picture.jpg          one class a folder
root/group/class/picture.jpg    the same in groups, as Omniglot has alphabets
root/class.jpg                  one picture a class
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firstsight.data.manifest import Manifest, Source
from firstsight.errors import DataError
from firstsight.images.listing import name_from_steps, picture_steps

__all__ = ["read_folder"]


def read_folder(root: str | Path) -> Manifest:
    """The pictures below `root`, in natural order (2 before 10), hidden files left aside.

    A file counts as a picture by its extension; whether it is one shows when it is decoded.
    Raises DataError for a folder that is missing or unreadable, has no pictures, keeps them at
    different depths, or has one class only.
    """
    root = Path(root)
    found = picture_steps(root)
    classes = [_class_of(steps) for steps in found]
    _require_two_classes(root, classes)
    return _manifest(root, found, classes)


def _class_of(steps: tuple[str, ...]) -> tuple[str, str]:
    """(group, class), the group empty where there are none."""
    return (steps[0] if len(steps) == 3 else ""), name_from_steps(steps)


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
