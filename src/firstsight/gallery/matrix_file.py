"""A gallery's vectors as one mapped file beside the store: a cache that can never be wrong.

Whole or not there: written under a temporary name, flushed to the disk, renamed. It counts only
where the store itself remembers its token for this generation, so neither an older state nor a
restored backup can be mistaken for the present one; and a checksum of all of it is compared
before use. It is written under the writers' lock, so that forgetting a thing, which deletes the
caches under that lock, can never be followed by the file of a moment before.

    4 KiB   magic, a JSON header, spaces
    P x D   float32 vectors            padded to 8 bytes
    P       float64 squared lengths
    P       int64 photo ids
    T       int64 thing ids
    T       int64 first rows of things
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import GalleryError, StorageError
from firstsight.gallery.connection import LOCK_FILE
from firstsight.gallery.lock import WriterLock
from firstsight.gallery.records import PhotoVectors

if TYPE_CHECKING:
    from firstsight.gallery.gallery import Gallery

__all__ = ["MatrixFile"]

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]

_MAGIC = b"firstsight matrix 1\n"
_HEADER_BYTES = 4096
_KEY = "matrix"
_LOCK_PATIENCE_S = 1.0
_BLOCK_WORDS = 2**17  # of 8 bytes each


@dataclass(frozen=True, eq=False)
class MatrixFile:
    """The cache of `gallery` at `generation`, its vectors by the model of this fingerprint."""

    gallery: Gallery
    generation: int
    fingerprint: str

    @property
    def path(self) -> Path:
        return self.gallery.place / f"matrix-{self.generation}.f32"

    def read(self) -> tuple[PhotoVectors, Doubles] | None:
        """The mapped vectors and their squared lengths; None for anything amiss."""
        remembered = self.gallery.recall(_KEY)
        if not isinstance(remembered, dict) or remembered.get("generation") != self.generation:
            return None
        try:
            header = self._header()
            if header["token"] != remembered["token"] or header["model"] != self.fingerprint:
                return None
            arrays = _mapped(self.path, header["photos"], header["size"], header["things"])
            if _checksum(arrays) != header["checksum"]:
                return None
        except (OSError, ValueError, TypeError, KeyError):
            return None
        vectors, squared_lengths, photos, things, starts = arrays
        return PhotoVectors(photos, vectors, things, starts), squared_lengths

    def write(self, vectors: PhotoVectors, squared_lengths: Doubles) -> None:
        """Keep these as the cache, and only these; where that cannot be done, nothing changes.

        vectors: of the gallery at `generation`, or later: then they are not kept.
        """
        if self.gallery.read_only:
            return
        token = secrets.token_hex(16)
        lock = WriterLock(self.gallery.place / LOCK_FILE)
        # Busy, full or not ours to write: the answer is right all the same.
        with suppress(OSError, GalleryError, StorageError):
            try:
                with lock.held(_LOCK_PATIENCE_S):
                    if self.gallery.generation != self.generation:
                        return
                    self._delete_all()
                    self._write(vectors, squared_lengths, token)
            finally:
                lock.close()
            # A file whose token nobody remembers does not count.
            self.gallery.remember(_KEY, {"generation": self.generation, "token": token})

    def _delete_all(self) -> None:
        for path in self.gallery.place.glob("matrix-*"):
            with suppress(OSError):  # Windows lets no mapped file go.
                path.unlink()

    def _write(self, vectors: PhotoVectors, squared_lengths: Doubles, token: str) -> None:
        arrays = [
            np.ascontiguousarray(array, dtype)
            for array, dtype in (
                (vectors.vectors, np.float32),
                (squared_lengths, np.float64),
                (vectors.photos, np.int64),
                (vectors.things, np.int64),
                (vectors.starts, np.int64),
            )
        ]
        header = {
            "token": token,
            "model": self.fingerprint,
            "photos": len(vectors),
            "size": vectors.vectors.shape[1],
            "things": len(vectors.things),
            "checksum": _checksum(arrays),
        }
        draft = self.path.with_name(f"matrix-{token}.partial")
        try:
            with draft.open("xb") as stream:
                stream.write((_MAGIC + json.dumps(header).encode()).ljust(_HEADER_BYTES))
                for array in arrays:
                    # Plain writes: on a full disk they raise, where a mapping kills the process.
                    stream.write(array.reshape(-1).view(np.uint8).data)
                    stream.write(bytes(-array.nbytes % 8))
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(self.path)
        finally:
            draft.unlink(missing_ok=True)

    def _header(self) -> dict[str, Any]:
        with self.path.open("rb") as stream:
            start = stream.read(_HEADER_BYTES)
        if not start.startswith(_MAGIC):
            raise ValueError("another kind of file")
        header: dict[str, Any] = json.loads(start[len(_MAGIC) :])
        return header


def _mapped(path: Path, n_photos: int, size: int, n_things: int) -> list[Array]:
    """Vectors, squared lengths, photo ids, thing ids, first rows; ValueError for another length."""
    body = np.asarray(np.memmap(path, np.uint8, "r", _HEADER_BYTES))
    shapes: list[tuple[type, tuple[int, ...]]] = [
        (np.float32, (n_photos, size)),
        (np.float64, (n_photos,)),
        *((np.int64, (count,)) for count in (n_photos, n_things, n_things)),
    ]
    arrays: list[Array] = []
    for dtype, shape in shapes:
        n_bytes = math.prod(shape) * np.dtype(dtype).itemsize
        arrays.append(body[:n_bytes].view(dtype).reshape(shape))
        body = body[n_bytes + -n_bytes % 8 :]
    if len(body):
        raise ValueError("longer than its header says")
    return arrays


def _checksum(arrays: list[Array]) -> str:
    """Of sums over 1 MiB each: as fast as memory, and no changed word goes unseen."""
    digest = hashlib.sha256()
    for array in arrays:
        raw = array.reshape(-1).view(np.uint8)
        words = raw[: len(raw) // 8 * 8].view(np.uint64)
        whole = len(words) // _BLOCK_WORDS * _BLOCK_WORDS
        digest.update(words[:whole].reshape(-1, _BLOCK_WORDS).sum(axis=1).tobytes())
        digest.update(words[whole:].tobytes() + raw[len(words) * 8 :].tobytes())
    return digest.hexdigest()
