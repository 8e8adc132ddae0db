"""A gallery's file comes into being whole: under a temporary name, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from firstsight.errors import GalleryError, storing
from firstsight.gallery.connection import FILE, LOCK_FILE, PATIENCE_S, connect, speaking
from firstsight.gallery.history import now
from firstsight.gallery.lock import WriterLock
from firstsight.gallery.records import ModelBinding
from firstsight.gallery.schema import migrate

__all__ = ["make", "placing", "remove_database", "sync_folder"]


def make(folder: Path, name: str, model: ModelBinding, keeps_pictures: bool) -> None:
    """An empty gallery in `folder`; GalleryError where there is one already."""
    with placing(folder) as draft, speaking(folder):
        draft.touch()
        with closing(connect(draft, writes=True)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            migrate(connection, 0)
            connection.execute(
                "INSERT INTO gallery (id, name, keeps_pictures, created, generation, unswept) "
                "VALUES (1, ?, ?, ?, 0, 0)",
                (name, int(keeps_pictures), now()),
            )
            connection.execute(
                "INSERT INTO model (role, name, fingerprint, place, embedding_size) "
                "VALUES ('current', ?, ?, ?, ?)",
                (model.name, model.fingerprint, model.place, model.embedding_size),
            )
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode = WAL")


@contextmanager
def placing(folder: Path) -> Iterator[Path]:
    """A path to write a gallery's file to; it becomes the gallery in `folder` at the block's end.

    Nothing of it stays where the block raises. Raises GalleryError where there is a gallery
    already, also one that another process made meanwhile.
    """
    if folder.exists() and not folder.is_dir():
        raise GalleryError(f"{folder} is a file, and a gallery is a folder; give another place")
    final, draft = folder / FILE, folder / f"{FILE}.partial"
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with closing(WriterLock(folder / LOCK_FILE)) as lock, lock.held(PATIENCE_S):
        if final.exists():
            raise GalleryError(
                f"there is a gallery at {folder} already; open it, or choose another name"
            )
        with storing(folder):
            # Somebody may have deleted the file alone: its log must not be taken for ours.
            remove_database(final)
            remove_database(draft)
            try:
                yield draft
                draft.replace(final)
                sync_folder(folder)
            finally:
                remove_database(draft)


def remove_database(path: Path) -> None:
    """Delete a SQLite file and the files that SQLite puts beside it."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last; a system that cannot sync a folder does so by itself."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
