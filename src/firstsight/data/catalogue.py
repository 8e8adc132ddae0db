"""Every data set by its name, or a user's own by its path: read, or packed and ready."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from firstsight.data.folder import read_folder
from firstsight.data.known import cache_folder, find_folder, known_folders
from firstsight.data.manifest import Manifest
from firstsight.data.mnist import is_idx, read_idx_pictures
from firstsight.data.omniglot_parts import OMNIGLOT_PARTS
from firstsight.data.packed import PackedPictures, Progress, pack
from firstsight.data.table import parts_of_table, read_table
from firstsight.errors import DataError, DataUnavailable, UsageError
from firstsight.images.listing import ready_made_parts
from firstsight.images.preprocess import Preprocessing

__all__ = [
    "KNOWN_NAMES",
    "is_of_files",
    "is_parted_by_recipes",
    "open_pictures",
    "read_manifest",
    "read_parts",
]

_OMNIGLOT = (
    "omniglot:background",
    "omniglot:evaluation",
    "omniglot:minimal1",
    "omniglot:minimal2",
    *(part.name for part in OMNIGLOT_PARTS),
)
_PARTS = {
    "omniglot": ("omniglot:background", "omniglot:evaluation"),
    "snacks": ("snacks:train", "snacks:val", "snacks:test"),
}
KNOWN_NAMES = (*_OMNIGLOT, *known_folders(), "digits", "glyphs")


def open_pictures(
    name: str, preprocessing: Preprocessing, *, progress: Progress | None = None
) -> PackedPictures:
    """The set called `name`, packed; from the cache if it was packed before.

    name: one of KNOWN_NAMES, or the path of a folder, of a CSV file, or of MNIST's pictures; a
        part of it by a colon, as in things.csv:train. A folder called like a set is ./name.
    progress: told (pictures done, pictures in all).
    Raises DataError for what is none of these or cannot serve, DataUnavailable where a known set
    is nowhere to be had.
    """
    if name == "digits":
        from firstsight.data.digits import read_digits

        return read_digits(preprocessing)
    if name == "glyphs":
        from firstsight.data.glyphs import draw_alphabets

        return draw_alphabets(preprocessing, progress=progress)
    file = _place_of("mnist") if name == "mnist" else Path(name).expanduser()
    if is_idx(file):
        return read_idx_pictures(file, preprocessing, name=name, progress=progress)
    return pack(
        read_manifest(name), preprocessing, cache=cache_folder() / "packed", progress=progress
    )


def is_of_files(name: str) -> bool:
    """Whether each picture of the set is a file of its own, so that there is a manifest of them."""
    return name not in ("digits", "glyphs", "mnist") and not is_idx(Path(name))


def is_parted_by_recipes(name: str) -> bool:
    """Whether recipes were written for this set, and say themselves what is held out of it."""
    return name in (*_OMNIGLOT, "digits", "glyphs")


def read_manifest(name: str) -> Manifest:
    """Which pictures the set called `name` has; raises as `open_pictures` does.

    UsageError for a set that is no collection of picture files.
    """
    if name in _OMNIGLOT:
        return _omniglot(name)()
    if not is_of_files(name):
        raise UsageError(
            f"{name} does not consist of picture files; name a set or folder that does"
        )
    if name in known_folders():
        manifest = replace(read_folder(_place_of(name)), name=name)
        wanted = known_folders()[name].n_pictures
        if len(manifest) != wanted:
            raise DataError(
                f"{name} is not whole: {len(manifest):,} pictures in {_place_of(name)} where "
                f"{wanted:,} were expected; fetch it again"
            )
        return manifest
    return _of_user(*_path_and_part(name))


def read_parts(name: str) -> dict[str, Manifest]:
    """The whole of a set by its parts, such as train and test; a set without any is one, "".

    Raises as `read_manifest` does.
    """
    if name in _PARTS:
        return {part.rpartition(":")[2]: read_manifest(part) for part in _PARTS[name]}
    if name in KNOWN_NAMES:
        return {"": read_manifest(name)}
    path, part = _path_and_part(name)
    parts = [] if part else (parts_of_table if _is_table(path) else ready_made_parts)(path)
    if not parts:
        return {"": read_manifest(name)}
    return {each: _of_user(path, each) for each in parts}


def _of_user(path: Path, part: str | None) -> Manifest:
    if _is_table(path):
        return read_table(path, part=part)
    if path.is_file():
        raise DataError(
            f"{path} is no data set; name a folder of pictures, a CSV file (.csv) or MNIST's "
            "pictures (...-images-idx3-ubyte)"
        )
    if part is None:
        return read_folder(path)
    if not (path / part).is_dir():
        raise DataError(f"{path} has no part {part!r}; name one of its folders")
    return replace(read_folder(path / part), name=f"{path.absolute().name}:{part}")


def _path_and_part(name: str) -> tuple[Path, str | None]:
    """things.csv:train is a part of things.csv, unless there is a file of that very name."""
    whole = Path(name).expanduser()
    if whole.exists():
        return whole, None
    head, _, part = name.rpartition(":")
    if head and part and Path(head).expanduser().exists():
        return Path(head).expanduser(), part
    raise DataError(
        f"{name!r} is neither a folder, a CSV file nor a known data set; give the path of one, or "
        f"one of {', '.join(KNOWN_NAMES)}"
    )


def _is_table(path: Path) -> bool:
    return path.suffix.lower() == ".csv" and path.is_file()


def _place_of(name: str) -> Path:
    known = known_folders()[name]
    place = find_folder(known)
    if place is None:
        raise DataUnavailable(
            f"{name} was not found; set FIRSTSIGHT_DATA to a folder with "
            f"{Path(known.folder, known.part).as_posix()} in it, or put that into "
            f"{cache_folder() / 'data'} ({known.credit})"
        )
    return place


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
