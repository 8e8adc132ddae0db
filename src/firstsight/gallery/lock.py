"""One writer at a time: a lock on a file, which ends with the process that holds it."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firstsight.errors import GalleryBusy, GalleryError, storing

__all__ = ["WriterLock"]

POLL_S = 0.002


class WriterLock:
    """A lock file, opened once, of a gallery or what else; excludes other processes and instances.

    SQLite has a lock of its own, but old builds (before 3.51.3) may corrupt a write-ahead log
    that two connections write and checkpoint at the same moment; under this lock none can.
    """

    def __init__(self, path: Path, what: str | None = None) -> None:
        """what: is written under this lock; unless told, the gallery in the lock's folder."""
        self._path = path
        self._what = what or f"the gallery at {path.parent}"
        self._file: int | None = None

    @contextmanager
    def held(self, patience_s: float) -> Iterator[None]:
        """Hold the lock; raises GalleryError after `patience_s` seconds of waiting in vain."""
        deadline = time.monotonic() + patience_s
        while (file := self._taken()) is None:
            if time.monotonic() > deadline:
                raise GalleryBusy(
                    f"{self._what} is busy: another process has been "
                    f"writing to it for {patience_s:g} s; wait for it or end it, then try again"
                )
            # Two writers in a loop must not poll in step, or one of them would starve.
            time.sleep(POLL_S * random.random())
        try:
            yield
        finally:
            _unlock(file)

    def _taken(self) -> int | None:
        """The file, locked by us; None where it is not."""
        if self._file is None:
            self._file = self._opened()
        if not _try_lock(self._file):
            return None
        if _is_at(self._path, self._file):
            return self._file
        self.close()  # deleted with its gallery, it excludes nobody: take the one of today
        return None

    def _opened(self) -> int:
        try:
            with storing(self._path):
                return os.open(self._path, os.O_RDWR | os.O_CREAT | _NO_INHERIT, 0o666)
        except FileNotFoundError:
            raise GalleryError(
                f"the folder {self._path.parent} is no longer there; open the gallery where it is "
                "now, or make a new one"
            ) from None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


_NO_INHERIT = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOINHERIT", 0)

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: int) -> bool:
        os.lseek(file, 0, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(file: int) -> None:
        os.lseek(file, 0, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)

    def _is_at(path: Path, file: int) -> bool:
        return True  # Windows deletes no file that is open

else:
    import fcntl

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)

    def _is_at(path: Path, file: int) -> bool:
        try:
            return os.path.samestat(path.stat(), os.fstat(file))
        except FileNotFoundError:
            return False
