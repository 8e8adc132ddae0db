"""A gallery as one file: to take along (export), to take in (import), to be safe (backup)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from firstsight.errors import GalleryError, UsageError, storing
from firstsight.gallery.checking import find_faults
from firstsight.gallery.connection import connect, speaking
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.making import placing, remove_database, sync_folder
from firstsight.gallery.names import proper_name
from firstsight.gallery.places import gallery_place
from firstsight.gallery.schema import migrate, require_gallery, require_structure, version_here

__all__ = ["backup", "export", "import_gallery"]

# What a person gives away is what the gallery shows: nothing removed, no traces of how it grew.
_LEFT_OUT = """
DELETE FROM step;
DELETE FROM verdict WHERE gone = 1;
DELETE FROM photo WHERE gone = 1;
DELETE FROM thing WHERE gone = 1;
DELETE FROM staged;
DELETE FROM model WHERE role = 'staged';
DELETE FROM remembered;
DELETE FROM keypoints;
DELETE FROM receipt;
"""


def export(gallery: Gallery, file: Path, *, replace: bool = False) -> None:
    """Write what the gallery holds now to one file; the steps to undo stay behind.

    Raises UsageError where the file is there and `replace` is not asked for.
    """
    with _fresh(file, replace, gallery) as draft, speaking(file):
        gallery.copy_to(draft)
        with closing(connect(draft, writes=True)) as copy:
            _as_single_file(copy)
            copy.execute("BEGIN IMMEDIATE")
            for statement in _LEFT_OUT.split(";"):
                copy.execute(statement)
            copy.execute("COMMIT")
            copy.execute("VACUUM")


def backup(gallery: Gallery, file: Path, *, replace: bool = False) -> None:
    """Write all of the gallery to one file, as of one moment, while others go on using it.

    Raises UsageError where the file is there and `replace` is not asked for.
    """
    with _fresh(file, replace, gallery) as draft, speaking(file):
        gallery.copy_to(draft)
        with closing(connect(draft, writes=True)) as copy:
            _as_single_file(copy)


def import_gallery(file: Path, place: str | Path, *, name: str | None = None) -> Path:
    """Make a gallery of an export or a backup; gives its folder.

    name: the gallery's new name, if it is to have one. Raises GalleryError, and makes nothing,
    where there is a gallery at `place` already or `file` is damaged or no gallery.
    """
    folder = gallery_place(place)
    if not file.is_file():
        raise GalleryError(f"there is no file {file}; name one that an export wrote")
    with placing(folder) as draft:
        with speaking(file), closing(connect(file, writes=False)) as source:
            require_gallery(source, file)
            _copy(source, draft, folder)
        with speaking(file), closing(connect(draft, writes=True)) as copy:
            _as_single_file(copy)
            _require_sound(copy, file)
            if name is not None:
                named = proper_name(name, "name of the gallery")
                copy.execute("UPDATE gallery SET name = ?", (named,))
            copy.execute("PRAGMA journal_mode = WAL")
    return folder


def _copy(source: sqlite3.Connection, draft: Path, folder: Path) -> None:
    with speaking(folder), closing(sqlite3.connect(draft)) as copy:
        source.backup(copy)


def _require_sound(copy: sqlite3.Connection, file: Path) -> None:
    version = require_gallery(copy, file)
    if version < version_here():
        copy.execute("BEGIN IMMEDIATE")
        migrate(copy, version)
        copy.execute("COMMIT")
    require_structure(copy, file)
    faults = find_faults(copy)
    if faults:
        raise GalleryError(
            f"{file} is damaged ({faults[0]}); nothing was imported: use another copy of it"
        )


def _as_single_file(copy: sqlite3.Connection) -> None:
    """Needing no log beside it, so that it can be read from a disk that is read-only."""
    copy.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _fresh(file: Path, replace: bool, gallery: Gallery) -> Iterator[Path]:
    """A path to write to, that becomes `file` when the block ends, and is gone when it raises."""
    if file.is_dir():
        raise UsageError(f"{file} is a folder; name the file to write")
    if replace and file.resolve().parent == gallery.place.resolve():
        raise UsageError(f"{file} is part of the gallery itself; choose another place")
    if file.exists() and not (replace and file.is_file()):
        raise UsageError(f"{file} is there already; choose another name, or replace it (--replace)")
    if not file.parent.is_dir():
        raise UsageError(f"there is no folder {file.parent}; make it, or choose another place")
    draft = file.with_name(f"{file.name}.{os.getpid()}.partial")
    with storing(file):
        remove_database(draft)
        try:
            draft.touch()
            yield draft
            draft.replace(file)
            sync_folder(file.parent)
        finally:
            remove_database(draft)
