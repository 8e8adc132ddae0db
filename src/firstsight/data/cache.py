"""One packed set on disk: pixels as .npy beside a small JSON record, whole or not there.

The record is written last and knows the pixels' file by its size and time of change, so that a
half-written or damaged entry counts as none.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["CacheDraft", "CacheEntry", "DraftRows"]

# Another number here makes all entries of before strangers: for when decoding itself changes.
_VERSION = 4
_UNSETTLED_BYTES = 2**26


@dataclass(frozen=True)
class CacheEntry:
    """The place in `folder` of the set with this key."""

    folder: Path
    key: str

    @property
    def pixels_path(self) -> Path:
        return self.folder / f"{self.key[:32]}.npy"

    @property
    def record_path(self) -> Path:
        return self.folder / f"{self.key[:32]}.json"

    def read(self) -> tuple[NDArray[np.uint8], dict[str, Any]] | None:
        """Mapped pixels (N, H, W, C) and the record kept with them; None for anything amiss.

        Pixels are known by their file's size and time of change, and not read: a set may be
        larger than memory.
        """
        try:
            record = json.loads(self.record_path.read_bytes())
            if record["key"] != self.key or record["version"] != _VERSION:
                return None
            if record["pixels"] != _stamp(self.pixels_path.stat()):
                return None
            return _mapped(self.pixels_path), record
        except (OSError, ValueError, TypeError, KeyError, EOFError):
            return None

    @contextmanager
    def writing(self, shape: tuple[int, int, int]) -> Iterator[CacheDraft]:
        """A draft for pictures (H, W, C) of this shape; gone at the end unless it was kept.

        Raises OSError where the disk refuses.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(".partial", self.key[:32], self.folder)
        draft_path = Path(name)
        try:
            with os.fdopen(handle, "w+b", buffering=0) as stream:
                yield CacheDraft(self, stream, draft_path, shape)
        finally:
            # Already renamed if it was kept; and Windows lets no mapped file go.
            with suppress(OSError):
                draft_path.unlink()


@dataclass(frozen=True)
class DraftRows:
    """Where pictures (H, W, C) of a draft are put; may be sent to other processes."""

    path: Path
    shape: tuple[int, int, int]

    def put(self, start: int, pictures: NDArray[np.uint8]) -> None:
        """Write pictures (n, H, W, C) into the rows from `start` on; from any thread or process."""
        # Plain writes: on a full disk they raise, where a memory map would kill the process.
        with self.path.open("r+b", buffering=0) as stream:
            _write(stream, self.place(start), np.ascontiguousarray(pictures).data.cast("B"))

    def place(self, row: int) -> int:
        return len(_header((0, *self.shape))) + row * self.row_bytes

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape)


class CacheDraft:
    """Pixels on their way to disk, put into `rows` in any order by any number of workers."""

    def __init__(
        self, entry: CacheEntry, stream: IO[bytes], path: Path, shape: tuple[int, int, int]
    ) -> None:
        self.rows = DraftRows(path, shape)
        self._entry, self._stream, self._path = entry, stream, path
        self._n_settled = 0

    def settle(self, n_rows: int) -> None:
        """Have the first rows written to disk, now and then, so that little is left at the end."""
        if (n_rows - self._n_settled) * self.rows.row_bytes > _UNSETTLED_BYTES:
            self._n_settled = n_rows
            os.fsync(self._stream.fileno())

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The pictures that were put into these rows (n,), rising, without gaps, mapped."""
        if len(rows) == 0:
            return np.empty((0, *self.rows.shape), np.uint8)
        for place, row in enumerate(rows.tolist()):
            if place != row:
                self._stream.seek(self.rows.place(row))
                content = self._stream.read(self.rows.row_bytes)
                _write(self._stream, self.rows.place(place), memoryview(content))
        _write(self._stream, 0, memoryview(_header((len(rows), *self.rows.shape))))
        self._stream.truncate(self.rows.place(len(rows)))
        os.fsync(self._stream.fileno())
        return _mapped(self._path)

    def keep(self, record: dict[str, Any]) -> None:
        """Make this the entry; to be called after `pixels`."""
        stamp = _stamp(os.fstat(self._stream.fileno()))
        record = {**record, "key": self._entry.key, "version": _VERSION, "pixels": stamp}
        handle, name = tempfile.mkstemp(".partial", self._entry.key[:32], self._entry.folder)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(record, stream)
                stream.flush()
                os.fsync(stream.fileno())
            # An old record must not stand beside new pixels, even for a moment.
            self._entry.record_path.unlink(missing_ok=True)
            self._path.replace(self._entry.pixels_path)
            Path(name).replace(self._entry.record_path)
        finally:
            Path(name).unlink(missing_ok=True)


def _write(stream: IO[bytes], place: int, content: memoryview) -> None:
    stream.seek(place)
    while content:
        content = content[stream.write(content) :]


def _mapped(path: Path) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    return pixels


def _stamp(status: os.stat_result) -> list[int]:
    return [status.st_size, status.st_mtime_ns]


def _header(shape: tuple[int, ...]) -> bytes:
    # numpy leaves room for the count to grow, so it is as long for any number of pictures.
    header = BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return header.getvalue()
