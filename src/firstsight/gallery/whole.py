"""A gallery as a whole, renamed or deleted: only while no program has it open.

Under the writers' lock the log is put back into the file, which SQLite refuses while any other
connection is open, also one that only reads.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from firstsight.errors import GalleryError, StorageError, storing
from firstsight.gallery.connection import FILE, LOCK_FILE, connect, speaking
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.lock import WriterLock
from firstsight.gallery.making import remove_database, sync_folder
from firstsight.gallery.places import is_among_ours, named_place

__all__ = ["delete", "delete_unused", "rename"]

PATIENCE_S = 2.0  # for one who only passes by; a server stays


def rename(folder: Path, name: str) -> Path:
    """Call the gallery in `folder` otherwise; gives the folder where it lies now.

    One among firstsight's own moves to the folder of the new name. Any other goes by its path, and
    is moved by nobody but its owner: there the name that is written in it changes, and no more.
    Raises UsageError for a bad name, GalleryError where something lies at the new place,
    GalleryBusy where another program has it open; then nothing has changed.
    """
    place = named_place(name)
    with Gallery.open(folder, read_only=True) as gallery:
        old = gallery.info.name
    moves = is_among_ours(folder)
    if moves and place.exists():
        raise GalleryError(f"there is something at {place} already; choose another name")
    with _had_by_nobody(folder), storing(folder):
        _write_name(folder, name)
        if not moves:
            return folder
        try:
            folder.absolute().rename(place)
        except OSError:
            _write_name(folder, old)
            raise
        sync_folder(place.parent)
    return place


def delete(folder: Path) -> None:
    """Delete the files that firstsight made in `folder`, and the folder where none is left.

    Raises GalleryError where there is no gallery, GalleryBusy where another program has it open.
    """
    Gallery.open(folder, read_only=True).close()  # which refuses what is no gallery
    with _had_by_nobody(folder), storing(folder):
        _delete_files(folder)
    with suppress(OSError):  # other files lie in it
        folder.rmdir()


def delete_unused(folder: Path, *, and_folder: bool) -> None:
    """Delete a gallery that is as it was made; one that is not, or that is open, stays.

    and_folder: the folder too, where nothing else lies in it.
    """
    if not (folder / FILE).is_file():
        return
    with suppress(GalleryError, StorageError):
        with _had_by_nobody(folder, patience_s=0), storing(folder):
            with _opened(folder) as connection:
                (generation,) = connection.execute("SELECT generation FROM gallery").fetchone()
            if generation > 0:
                return
            _delete_files(folder)
        if and_folder:
            with suppress(OSError):
                folder.rmdir()


def _delete_files(folder: Path) -> None:
    # The gallery itself goes last: what a crash leaves can be deleted again.
    for pattern in ("matrix-*.f32", "matrix-*.partial"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)
    remove_database(folder / f"{FILE}.partial")
    remove_database(folder / FILE)
    with suppress(PermissionError):  # on Windows it stays, being open
        (folder / LOCK_FILE).unlink()
    sync_folder(folder)


@contextmanager
def _had_by_nobody(folder: Path, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """No program has the gallery open, nor can any write to it meanwhile."""
    with closing(WriterLock(folder / LOCK_FILE)) as lock, lock.held(patience_s):
        with _opened(folder) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        yield


def _write_name(folder: Path, name: str) -> None:
    with _opened(folder) as connection:
        connection.execute("UPDATE gallery SET name = ?", (name,))


@contextmanager
def _opened(folder: Path) -> Iterator[sqlite3.Connection]:
    path = folder / FILE
    with speaking(folder), closing(connect(path, writes=True, timeout_s=PATIENCE_S)) as connection:
        yield connection
