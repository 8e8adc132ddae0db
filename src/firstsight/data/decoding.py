"""Decoding all pictures of a set, on all cores."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

from firstsight.data.manifest import Archives, Manifest
from firstsight.errors import PictureError
from firstsight.images.preprocess import Preprocessing

__all__ = ["DIGEST_BYTES", "Decoded", "Failure", "Keep", "Progress", "decode_all"]

Progress = Callable[[int, int], None]
Keep = Callable[[int, NDArray[np.uint8]], None]

DIGEST_BYTES = 32
_BLOCK = 64
_MOST_THREADS = 16


@dataclass(frozen=True)
class Failure:
    """Why a row of the manifest has no pixels; in_reading: not even its bytes could be had."""

    row: int
    reason: str
    in_reading: bool


@dataclass(frozen=True)
class Decoded:
    """rows: (n,) int64, the rows of the manifest that are pictures, rising.

    digests: (n, 32) uint8, sha256 of the encoded bytes of each. failures: the other rows.
    """

    rows: NDArray[np.int64]
    digests: NDArray[np.uint8]
    failures: list[Failure]


def decode_all(
    manifest: Manifest, preprocessing: Preprocessing, keep: Keep, progress: Progress
) -> Decoded:
    """Hand every picture to `keep`: its row in the manifest and its pixels (H, W, C) uint8.

    keep: called by the threads that decode (Pillow works outside Python's lock), in any order,
        each row once; what it raises leaves here.
    progress: told (pictures done, pictures in all), by the calling thread.
    """
    n_threads = min(_MOST_THREADS, cpu_count() or 1)
    digests = np.zeros((len(manifest), DIGEST_BYTES), np.uint8)
    failures: list[Failure] = []
    starts = iter(range(0, len(manifest), _BLOCK))
    waiting: deque[Future[list[Failure]]] = deque()
    with Archives() as archives:
        block = _Block(manifest, preprocessing, keep, archives, digests)
        pool = ThreadPoolExecutor(n_threads, thread_name_prefix="decode")
        try:
            # A window, so that stopping half way does not wait for everything to be decoded.
            for start in islice(starts, 4 * n_threads):
                waiting.append(pool.submit(block.decode, start))
            for done in range(_BLOCK, len(manifest) + _BLOCK, _BLOCK):
                failures += waiting.popleft().result()
                for start in islice(starts, 1):
                    waiting.append(pool.submit(block.decode, start))
                progress(min(done, len(manifest)), len(manifest))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
    good = np.ones(len(manifest), np.bool_)
    good[[failure.row for failure in failures]] = False
    return Decoded(np.flatnonzero(good), digests[good], failures)


@dataclass(frozen=True)
class _Block:
    """What a thread needs to decode some neighbouring rows."""

    manifest: Manifest
    preprocessing: Preprocessing
    keep: Keep
    archives: Archives
    digests: NDArray[np.uint8]

    def decode(self, start: int) -> list[Failure]:
        failures = []
        for row, source in enumerate(self.manifest.sources[start : start + _BLOCK], start):
            encoded = b""
            try:
                encoded = self.archives.read(source)
                pixels = self.preprocessing.pixels(encoded, name=source.name)
            except PictureError as fault:
                failures.append(Failure(row, str(fault), in_reading=not encoded))
                continue
            self.digests[row] = np.frombuffer(hashlib.sha256(encoded).digest(), np.uint8)
            self.keep(row, pixels)
        return failures
