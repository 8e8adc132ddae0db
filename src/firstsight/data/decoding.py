"""Decoding all pictures of a set, on all cores.

Pillow decodes outside Python's lock, but what surrounds it runs inside: two threads decode small
pictures hardly faster than one. Many pictures are therefore shared out to processes, few to
threads, which start at once.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import current_process
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

from firstsight.data.manifest import Archives, Manifest, Source
from firstsight.errors import DataError, PictureError
from firstsight.images.preprocess import Preprocessing

__all__ = ["DIGEST_BYTES", "Decoded", "Failure", "Keep", "Progress", "decode_all"]

Progress = Callable[[int, int], None]
Keep = Callable[[int, NDArray[np.uint8]], None]

DIGEST_BYTES = 32
_BLOCK = 64
_MOST_WORKERS = 16
_WORTH_PROCESSES = 2000  # they take a third of a second to start


@dataclass(frozen=True)
class Failure:
    """Why a row of the manifest has no pixels; in_reading: not even its bytes could be had."""

    row: int
    reason: str
    in_reading: bool


_Outcome = tuple[NDArray[np.uint8], list[Failure]]  # digests (n, 32), zero for failures


@dataclass(frozen=True)
class Decoded:
    """rows: (n,) int64, the rows of the manifest that are pictures, rising.

    digests: (n, 32) uint8, sha256 of the encoded bytes of each. failures: the other rows.
    """

    rows: NDArray[np.int64]
    digests: NDArray[np.uint8]
    failures: list[Failure]


def decode_all(
    manifest: Manifest,
    preprocessing: Preprocessing,
    keep: Keep,
    progress: Progress,
    *,
    apart: bool = False,
) -> Decoded:
    """Hand every picture to `keep`, a block of rows at a time.

    keep: given the first of the rows and their pixels (n, H, W, C) uint8, which are zero for what
        is no picture; called by the workers that decode, in any order, each block once. What it
        raises leaves here.
    progress: told (pictures done, pictures in all), by the calling thread.
    apart: `keep` can be sent to other processes, where many pictures are decoded faster.
    """
    n_workers = min(_MOST_WORKERS, cpu_count() or 1)
    digests = np.zeros((len(manifest), DIGEST_BYTES), np.uint8)
    failures: list[Failure] = []
    starts = iter(range(0, len(manifest), _BLOCK))
    waiting: deque[Future[_Outcome]] = deque()
    many = len(manifest) >= _WORTH_PROCESSES
    with Archives() as archives:
        pool = apart and many and n_workers > 1 and _processes(n_workers)
        if pool:
            work = _Block(preprocessing, keep)
        else:
            pool = ThreadPoolExecutor(n_workers, thread_name_prefix="decode")
            work = _Block(preprocessing, keep, archives)

        def submit(start: int) -> None:
            sources = manifest.sources[start : start + _BLOCK]
            waiting.append(pool.submit(work.decode, start, sources))

        try:
            # A window, so that stopping half way does not wait for everything to be decoded.
            for start in islice(starts, 4 * n_workers):
                submit(start)
            for begin in range(0, len(manifest), _BLOCK):
                end = min(begin + _BLOCK, len(manifest))
                digests[begin:end], failed = waiting.popleft().result()
                failures += failed
                for start in islice(starts, 1):
                    submit(start)
                progress(end, len(manifest))
        except BrokenExecutor as fault:
            raise DataError(
                f"a process that decoded pictures of {manifest.name} ended unexpectedly, most "
                "likely for want of memory; free some, and start again"
            ) from fault
        finally:
            for future in waiting:
                future.cancel()
            pool.shutdown(wait=True)
    good = np.ones(len(manifest), np.bool_)
    good[[failure.row for failure in failures]] = False
    return Decoded(np.flatnonzero(good), digests[good], failures)


@dataclass(frozen=True)
class _Block:
    """How a worker decodes some neighbouring rows; archives: its own where there are none."""

    preprocessing: Preprocessing
    keep: Keep
    archives: Archives | None = None

    def decode(self, start: int, sources: Sequence[Source]) -> _Outcome:
        archives = self.archives or _own_archives()
        seen = self.preprocessing
        pixels = np.zeros((len(sources), seen.size, seen.size, seen.channels), np.uint8)
        digests = np.zeros((len(sources), DIGEST_BYTES), np.uint8)
        failures = []
        for place, source in enumerate(sources):
            encoded = b""
            try:
                encoded = archives.read(source)
                pixels[place] = seen.pixels(encoded, name=source.name)
            except PictureError as fault:
                failures.append(Failure(start + place, str(fault), in_reading=not encoded))
                continue
            digests[place] = np.frombuffer(hashlib.sha256(encoded).digest(), np.uint8)
        self.keep(start, pixels)
        return digests, failures


@cache
def _own_archives() -> Archives:
    """Those of this process, open until it ends."""
    return Archives()


def _processes(n_workers: int) -> Executor | None:
    """loky's, which does not run the user's script again; None where there are none to be had."""
    if current_process().daemon:  # which may have no children
        return None
    try:
        from loky import ProcessPoolExecutor, cpu_count

        # Of a container's share of the machine, where it has one.
        executor: Executor = ProcessPoolExecutor(min(n_workers, cpu_count()))
    except (ImportError, OSError, RuntimeError):  # no semaphores, or not enough
        return None
    return executor
