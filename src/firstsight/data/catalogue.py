"""Every data set by its name, or any folder of pictures by its path, packed and ready."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from firstsight.data.folder import read_folder
from firstsight.data.known import cache_folder
from firstsight.data.manifest import Manifest
from firstsight.data.omniglot_parts import OMNIGLOT_PARTS
from firstsight.data.packed import PackedPictures, Progress, pack
from firstsight.errors import DataError
from firstsight.images.preprocess import Preprocessing

__all__ = ["KNOWN_NAMES", "open_pictures"]

KNOWN_NAMES = (
    "omniglot:background",
    "omniglot:evaluation",
    "omniglot:minimal1",
    "omniglot:minimal2",
    *(part.name for part in OMNIGLOT_PARTS),
    "glyphs",
    "digits",
)


def open_pictures(
    name: str, preprocessing: Preprocessing, *, progress: Progress | None = None
) -> PackedPictures:
    """The set called `name` (one of KNOWN_NAMES) or the folder at that path, from the cache if it
    was packed before; a folder called like a set is meant by ./name.

    progress: told (pictures done, pictures in all).
    Raises DataError for what is neither or cannot serve, DataUnavailable where a known set is
    nowhere to be had.
    """
    if name == "digits":
        from firstsight.data.digits import read_digits

        return read_digits(preprocessing)
    if name == "glyphs":
        from firstsight.data.glyphs import draw_alphabets

        return draw_alphabets(preprocessing, progress=progress)
    manifest = _omniglot(name)() if name in KNOWN_NAMES else _folder(name)
    return pack(manifest, preprocessing, cache=cache_folder() / "packed", progress=progress)


def _omniglot(name: str) -> Callable[[], Manifest]:
    from firstsight.data import omniglot

    readers: dict[str, Callable[[], Manifest]] = {
        "omniglot:background": omniglot.read_background,
        "omniglot:evaluation": omniglot.read_evaluation,
        "omniglot:minimal1": lambda: omniglot.read_minimal(1),
        "omniglot:minimal2": lambda: omniglot.read_minimal(2),
        **{part.name: partial(omniglot.read_cut, part) for part in OMNIGLOT_PARTS},
    }
    return readers[name]


def _folder(name: str) -> Manifest:
    if not Path(name).expanduser().exists():
        raise DataError(
            f"{name!r} is neither a folder nor a known data set; give the path of a folder or one "
            f"of {', '.join(KNOWN_NAMES)}"
        )
    return read_folder(Path(name).expanduser())
