"""The one SQLite file of a gallery: opened, locked, read and written, refusing in sentences.

Write-ahead log, an fsync at every commit (`synchronous=FULL`), one writer at a time under our
own lock, checkpoints under the same lock; readers need no lock and see whole transactions only.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from firstsight.errors import FirstsightError, GalleryBusy, GalleryError, StorageError
from firstsight.gallery.lock import WriterLock
from firstsight.gallery.schema import migrate, require_gallery, version_here

__all__ = ["FILE", "PATIENCE_S", "Store", "connect", "speaking"]

FILE = "gallery.sqlite"
LOCK_FILE = "gallery.lock"
PATIENCE_S = 20.0
CLOSING_PATIENCE_S = 1.0
LOG_LIMIT_BYTES = 8 * 2**20


class Store:
    """One connection to the file; any number of threads may take turns with it."""

    def __init__(self, folder: Path, *, read_only: bool = False, patience_s: float = PATIENCE_S):
        self.folder, self.path = folder, folder / FILE
        self._patience_s = patience_s
        self._turn = threading.RLock()
        self._is_together = False
        self._lock = WriterLock(folder / LOCK_FILE)
        if not self.path.is_file():
            raise GalleryError(
                f"there is no gallery at {folder}; enroll something there first, or check the name"
            )
        self._may_write = os.access(folder, os.W_OK) and os.access(self.path, os.W_OK)
        self.read_only = read_only or not self._may_write
        self._connection: sqlite3.Connection | None = None
        with speaking(folder):
            self._connect()

    def _connect(self) -> None:
        self._seen = self._stamp()
        self._opened = self.path.stat()
        connection = connect(self.path, writes=self._may_write, timeout_s=self._patience_s)
        try:
            version = require_gallery(connection, self.path)
            if version < version_here():
                self._bring_up_to_date(connection, version)
            if self._may_write and connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                with self._lock.held(self._patience_s):  # a backup that was put here by hand
                    connection.execute("PRAGMA journal_mode = WAL")
            if self.read_only:
                connection.execute("PRAGMA query_only = ON")
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def _bring_up_to_date(self, connection: sqlite3.Connection, version: int) -> None:
        if not self._may_write:
            raise GalleryError(
                f"the gallery at {self.folder} has the older version {version}; "
                "open it once where it may be written, and it becomes a new one"
            )
        with self._lock.held(self._patience_s), _transaction(connection, "IMMEDIATE"):
            # Another process may have been first.
            migrate(connection, require_gallery(connection, self.path))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """All that is read inside is of one moment. Inside another of these, of that moment."""
        with self._turn, speaking(self.folder):
            connection = self._current()
            if connection.in_transaction:
                yield connection
                return
            with _transaction(connection, "DEFERRED"):
                yield connection

    @contextmanager
    def writing(self, *, patience_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """One transaction: kept whole when the block ends, nothing of it when it raises.

        patience_s: how long to wait for another writer, if not as long as the store does.
        Inside `together` it is a part of that transaction, and may fail on its own.
        """
        with self._turn:
            if self._is_together:
                with speaking(self.folder), _savepoint(self._current()) as connection:
                    yield connection
                return
        with self.alone(patience_s) as connection, _transaction(connection, "IMMEDIATE"):
            yield connection

    @contextmanager
    def together(self) -> Iterator[sqlite3.Connection]:
        """All that is written inside is one transaction."""
        with self.writing() as connection:
            self._is_together = True
            try:
                yield connection
            finally:
                self._is_together = False

    @property
    def is_together(self) -> bool:
        """Whether this thread, which has its turn, is inside `together`."""
        return self._is_together

    @contextmanager
    def alone(self, patience_s: float | None = None) -> Iterator[sqlite3.Connection]:
        """No other writer, and no transaction yet."""
        with self._turn, speaking(self.folder):
            connection = self._current()
            if self.read_only:
                raise GalleryError(
                    f"the gallery at {self.folder} is open for reading only, so nothing was "
                    "changed; open it where its folder may be written"
                )
            if connection.in_transaction:
                raise GalleryError(
                    "a gallery cannot be changed inside a snapshot of it; end the snapshot first"
                )
            with self._lock.held(self._patience_s if patience_s is None else patience_s):
                self._require_there()
                yield connection

    def close(self) -> None:
        with self._turn, ExitStack() as stack:
            connection, self._connection = self._connection, None
            if connection is None:
                return
            stack.callback(self._lock.close)
            if self._may_write:
                # The last connection to close checkpoints the log. Where another process keeps
                # the lock for long, ours is not the last one.
                with suppress(FirstsightError):
                    stack.enter_context(self._lock.held(CLOSING_PATIENCE_S))
            connection.close()

    def _current(self) -> sqlite3.Connection:
        if self._connection is None:
            raise GalleryError(f"the gallery at {self.folder} was closed; open it again")
        if not self._may_write and self._stamp() != self._seen:
            self._connection.close()  # it was opened as a file that never changes
            self._connect()
        return self._connection

    def _require_there(self) -> None:
        """GalleryError where what would be written now goes with the file that it is written to."""
        with suppress(FileNotFoundError):
            if os.path.samestat(self.path.stat(), self._opened):
                return
        raise GalleryError(
            f"the gallery at {self.folder} was deleted, moved or replaced since it was opened, so "
            "nothing was changed; open it again"
        )

    def _stamp(self) -> tuple[object, ...]:
        """Changes when somebody else writes to a file that we may only read."""
        if self._may_write:
            return ()
        status, log = self.path.stat(), _log_of(self.path)
        return status.st_mtime_ns, status.st_size, status.st_ino, log.exists()


def connect(path: Path, *, writes: bool, timeout_s: float = PATIENCE_S) -> sqlite3.Connection:
    """A connection in which transactions begin only where we say so.

    A file that may not be written is opened `immutable`, as SQLite could not make the files
    beside it that it needs for locking; unless a log lies there, which must be read as well.
    """
    how = "mode=rw" if writes else "mode=ro" if _log_of(path).exists() else "mode=ro&immutable=1"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}",
        uri=True,
        isolation_level=None,
        timeout=timeout_s,
        check_same_thread=False,  # Store lets the threads take turns
    )
    for setting in (
        "foreign_keys = ON",
        "synchronous = FULL",
        "secure_delete = ON",
        "trusted_schema = OFF",
        "cell_size_check = ON",
        f"journal_size_limit = {LOG_LIMIT_BYTES}",
    ):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


@contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it already
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    connection.execute("SAVEPOINT part")
    try:
        yield connection
    except BaseException:
        if connection.in_transaction:  # a full disk may have ended it already
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")


@contextmanager
def speaking(path: Path) -> Iterator[None]:
    """Turn what SQLite says about the gallery at `path` into one clear sentence."""
    try:
        yield
    except sqlite3.Error as fault:
        code = getattr(fault, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        raise _refusal(code, path, fault) from fault


def _refusal(code: int, path: Path, fault: sqlite3.Error) -> FirstsightError:
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return GalleryBusy(
            f"the gallery at {path} is busy: another program holds it; "
            "wait for it or end it, then try again"
        )
    if code == sqlite3.SQLITE_FULL:
        return StorageError(
            f"{path} was left as it was, because the disk is full; free some room and try again"
        )
    if code == sqlite3.SQLITE_IOERR:
        return StorageError(
            f"{path} was left as it was, because the disk or a limit on file sizes (ulimit -f) "
            f"refused ({fault}); free some room or check the disk, and try again"
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StorageError(
            f"the gallery at {path} could not be opened or written ({fault}); check the "
            "permissions of its folder"
        )
    return GalleryError(
        f"the gallery at {path} is damaged or no gallery ({fault}); put a backup or an export "
        "in its place"
    )
