"""The picture files below a folder, in natural order, and the names that their folders give them.

root/mug/photo.jpg          one folder a class or thing: "mug"
root/cups/mug/photo.jpg     the same in groups: "cups/mug"
root/mug.jpg                one file a class or thing: "mug"
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path

from firstsight.errors import DataError

__all__ = [
    "PICTURE_EXTENSIONS",
    "list_pictures",
    "name_from_steps",
    "picture_steps",
    "pictures_in",
    "ready_made_parts",
]

_ENDINGS = (
    *("jpg", "jpeg", "jpe", "jfif", "mpo", "png", "apng", "webp", "gif", "bmp", "dib", "tif"),
    *("tiff", "ppm", "pgm", "pbm", "pnm", "avif", "heic", "heif"),
)
PICTURE_EXTENSIONS = frozenset(f".{ending}" for ending in _ENDINGS)
_MOST_LEVELS = 3
_READY_MADE_PARTS = ("train", "training", "val", "valid", "validation", "test")

Steps = tuple[str, ...]  # from the root to the file, that is the last one


def list_pictures(root: str | Path) -> list[tuple[Path, str]]:
    """Each picture below `root` with the name of its thing; raises as `picture_steps` does."""
    root = Path(root)
    return [(root.joinpath(*steps), name_from_steps(steps)) for steps in picture_steps(root)]


def pictures_in(folder: str | Path) -> list[Path]:
    """The pictures below `folder`, however deep; DataError where it cannot be read."""
    folder = Path(folder)
    _require_folder(folder)
    return [folder.joinpath(*steps) for steps in _pictures_below(folder, (), math.inf)]


def picture_steps(root: Path) -> list[Steps]:
    """The pictures below `root`, all at one depth, in natural order (2 before 10).

    A file counts as a picture by its extension; whether it is one shows when it is decoded. Hidden
    files are left aside. Raises DataError for a folder that is missing or unreadable, has no
    pictures, or keeps them at different depths.
    """
    _require_folder(root)
    found = list(_pictures_below(root, (), _MOST_LEVELS + 1))
    if not found:
        raise DataError(
            f"{root} has no pictures; put them into one folder for each class, as in "
            f"{root / 'mug' / 'photo1.jpg'}"
        )
    _require_one_depth(root, found)
    return found


def ready_made_parts(root: Path) -> list[str]:
    """The folders of `root` where all of them are parts of a data set, such as train and test.

    Training comes first. Raises DataError where `root` cannot be read.
    """
    _require_folder(root)
    try:
        with os.scandir(root) as listing:
            names = [each.name for each in listing if each.is_dir() and not _is_hidden(each.name)]
    except OSError as refusal:
        raise DataError(
            f"{root} could not be read ({refusal.strerror}); check its permissions"
        ) from refusal
    if not {name.lower() for name in names} <= set(_READY_MADE_PARTS):
        return []
    return sorted(names, key=lambda name: _READY_MADE_PARTS.index(name.lower()))


def name_from_steps(steps: Steps) -> str:
    """Of the folder that holds the picture, its group before it; of the file where none does."""
    return "/".join(steps[:-1]) or Path(steps[0]).stem


def _require_folder(root: Path) -> None:
    if not root.exists():
        raise DataError(f"there is no folder {root}; check the path")
    if not root.is_dir():
        raise DataError(f"{root} is not a folder; name the folder that holds the class folders")


def _pictures_below(folder: Path, above: Steps, levels: float) -> Iterator[Steps]:
    """Each picture as the steps that lead to it, at most `levels` of them."""
    try:
        with os.scandir(folder) as listing:
            # Directory order differs between filesystems; seeded draws must not.
            entries = sorted(listing, key=lambda entry: _natural(entry.name))
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            if entry.is_dir():
                if len(above) + 1 < levels and not _leads_back(folder, entry):
                    yield from _pictures_below(folder / entry.name, (*above, entry.name), levels)
            elif Path(entry.name).suffix.lower() in PICTURE_EXTENSIONS:
                yield (*above, entry.name)
    except OSError as refusal:
        raise DataError(
            f"{folder} could not be read ({refusal.strerror}); check its permissions"
        ) from refusal


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX"))


def _leads_back(folder: Path, entry: os.DirEntry[str]) -> bool:
    """Whether a folder is a link to one that holds it: going down would never end."""
    if not entry.is_symlink():
        return False
    holder = folder.resolve()
    return Path(entry).resolve() in (holder, *holder.parents)


def _natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Sorts numbers by value and letters regardless of case; the name itself settles ties."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(int(p), "") if p[0] in "0123456789" else (-1, p.casefold()) for p in parts], name


def _require_one_depth(root: Path, found: list[Steps]) -> None:
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
    if max(by_depth) == _MOST_LEVELS and {name.lower() for name in groups} <= set(
        _READY_MADE_PARTS
    ):
        raise DataError(
            f"{root} holds ready-made parts of a data set ({', '.join(sorted(groups))}), which "
            f"share their classes; name one of them, such as {root}:{min(groups)}"
        )
