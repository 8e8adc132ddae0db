"""One packed set on disk: pixels as .npy beside a small JSON record, whole or not there.

The record is written last and its checks are made by whoever reads it, so that a half-written or
damaged entry counts as none.
"""

from __future__ import annotations

import json
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

__all__ = ["CacheDraft", "CacheEntry"]

# Another number here makes all entries of before strangers: for when decoding itself changes.
_VERSION = 2


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
        """Mapped pixels (N, H, W, C) and the record kept with them; None for anything amiss."""
        try:
            record = json.loads(self.record_path.read_bytes())
            if record["key"] != self.key or record["version"] != _VERSION:
                return None
            return self._mapped(), record
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
            with os.fdopen(handle, "w+b") as stream:
                yield CacheDraft(self, stream, draft_path, shape)
        finally:
            # Already renamed if it was kept; and Windows lets no mapped file go.
            with suppress(OSError):
                draft_path.unlink()

    def _mapped(self) -> NDArray[np.uint8]:
        pixels: NDArray[np.uint8] = np.load(self.pixels_path, mmap_mode="r", allow_pickle=False)
        return pixels


class CacheDraft:
    """Pixels on their way to disk, one picture after the other."""

    def __init__(
        self, entry: CacheEntry, stream: IO[bytes], path: Path, shape: tuple[int, int, int]
    ) -> None:
        self._entry, self._stream, self._path, self._shape = entry, stream, path, shape
        self._n_written = 0
        stream.write(_header((0, *shape)))

    def append(self, picture: NDArray[np.uint8]) -> None:
        # Plain writes: on a full disk they raise, where a memory map would kill the process.
        self._stream.write(np.ascontiguousarray(picture).tobytes())
        self._n_written += 1

    def pixels(self) -> NDArray[np.uint8]:
        """What was written so far, mapped."""
        if self._n_written == 0:
            return np.empty((0, *self._shape), np.uint8)
        # numpy leaves room in the header for the count to grow, so it fits over the first one.
        self._stream.seek(0)
        self._stream.write(_header((self._n_written, *self._shape)))
        self._stream.seek(0, os.SEEK_END)
        self._stream.flush()
        os.fsync(self._stream.fileno())
        mapped: NDArray[np.uint8] = np.load(self._path, mmap_mode="r", allow_pickle=False)
        return mapped

    def keep(self, record: dict[str, Any]) -> None:
        """Make this the entry; to be called after `pixels`."""
        record = {**record, "key": self._entry.key, "version": _VERSION}
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


def _header(shape: tuple[int, ...]) -> bytes:
    header = BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return header.getvalue()
