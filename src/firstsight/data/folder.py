"""A folder of pictures as people keep them, with its classes told from its shape.

root/class/picture.jpg          one class a folder
root/group/class/picture.jpg    the same in groups, as Omniglot has alphabets
root/class.jpg                  one picture a class
root/train/class/picture.jpg    ready-made parts, each a folder to be read by itself
"""

from __future__ import annotations

from pathlib import Path

from firstsight.data.manifest import Manifest, Source, manifest_of
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
    sources = [Source(root.joinpath(*steps)) for steps in found]
    return manifest_of(root.absolute().name or str(root), sources, classes)


def _class_of(steps: tuple[str, ...]) -> tuple[str, str]:
    """(group, class), the group empty where there are none."""
    return (steps[0] if len(steps) == 3 else ""), name_from_steps(steps)


def _require_two_classes(root: Path, classes: list[tuple[str, str]]) -> None:
    if len(set(classes)) == 1:
        raise DataError(
            f"{root} has one class only, {classes[0][1]!r}, and at least two are needed; "
            "add a folder for another class"
        )
