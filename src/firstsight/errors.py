"""Everything firstsight raises on purpose.

FirstsightError
├── DataError              a folder, file or data set that cannot serve
│   ├── PictureError       one picture that cannot be read
│   └── DataUnavailable    a known data set that is nowhere to be had
├── EpisodeError           trials that cannot be drawn from these pictures
├── ShapeError             arrays whose shapes do not fit together
├── ModelFolderError       a model folder that is missing, damaged or foreign
├── GalleryError           a gallery that is missing, damaged, busy or of another model
│   ├── GalleryBusy        another program keeps writing to it; asking again may help
│   └── NotInGallery       a thing, photo or step that this gallery does not hold
├── TrainingError          a training that cannot go on
│   └── CheckpointError    a checkpoint that does not belong to this run
├── ServingError           an address at which no server can listen
├── StorageError           a disk that is full or may not be written
├── MissingExtraError      an optional part that is not installed
└── UsageError             a request that makes no sense as written
    └── RecipeError        a recipe with an unknown key or an impossible value

Each message is one sentence or two: what came, what was wanted, what to do.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = [
    "CheckpointError",
    "DataError",
    "DataUnavailable",
    "EpisodeError",
    "FirstsightError",
    "GalleryBusy",
    "GalleryError",
    "MissingExtraError",
    "ModelFolderError",
    "NotInGallery",
    "PictureError",
    "RecipeError",
    "ServingError",
    "ShapeError",
    "StorageError",
    "TrainingError",
    "UsageError",
    "storing",
]


class FirstsightError(Exception):
    """The one class to catch; `exit_code` is what the command line ends with."""

    exit_code = 1


class DataError(FirstsightError):
    pass


class PictureError(DataError):
    pass


class DataUnavailable(DataError):
    pass


class EpisodeError(FirstsightError):
    pass


class ShapeError(FirstsightError):
    pass


class ModelFolderError(FirstsightError):
    pass


class GalleryError(FirstsightError):
    pass


class GalleryBusy(GalleryError):
    pass


class NotInGallery(GalleryError):
    pass


class TrainingError(FirstsightError):
    pass


class CheckpointError(TrainingError):
    pass


class ServingError(FirstsightError):
    pass


class StorageError(FirstsightError):
    pass


class MissingExtraError(FirstsightError):
    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the extra '{extra}'; "
            f"install it with: pip install 'firstsight[{extra}]'"
        )
        self.extra = extra


class UsageError(FirstsightError):
    exit_code = 2


class RecipeError(UsageError):
    pass


@contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing below `path` into one clear sentence."""
    try:
        yield
    except OSError as refusal:
        reasons = {
            errno.ENOSPC: "the disk is full; free some room and run the command again",
            errno.EFBIG: "files may not grow that large here; raise the limit (ulimit -f)",
            errno.EDQUOT: "the disk quota is used up; free some room and run the command again",
            errno.EROFS: "the file system is read-only; choose another place",
            errno.EACCES: "permission was denied; choose another place",
        }
        if refusal.errno not in reasons:
            raise
        raise StorageError(f"could not write {path}: {reasons[refusal.errno]}") from refusal
