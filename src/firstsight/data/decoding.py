"""Decoding all pictures of a set, in order, on all cores."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from os import cpu_count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from firstsight.data.manifest import Archives, Manifest, Source
from firstsight.errors import PictureError
from firstsight.images.preprocess import Preprocessing

__all__ = ["Failure", "Progress", "decode_all"]

Progress = Callable[[int, int], None]

_BLOCK = 64
_MOST_THREADS = 16


@dataclass(frozen=True)
class Failure:
    """Why a row of the manifest has no pixels; in_reading: not even its bytes could be had."""

    row: int
    reason: str
    in_reading: bool


Row: TypeAlias = NDArray[np.uint8] | Failure


def decode_all(
    manifest: Manifest, preprocessing: Preprocessing, progress: Progress
) -> Iterator[Row]:
    """Every picture, (H, W, C) uint8, or why it is none, in the manifest's order.

    Threads decode ahead, for Pillow works outside Python's lock; progress is told from the
    thread that asks for the pictures.
    """
    n_threads = min(_MOST_THREADS, cpu_count() or 1)
    starts = iter(range(0, len(manifest), _BLOCK))
    waiting: deque[Future[list[Row]]] = deque()
    done = 0
    with Archives() as archives:
        pool = ThreadPoolExecutor(n_threads, thread_name_prefix="decode")

        def submit(start: int) -> None:
            block = manifest.sources[start : start + _BLOCK]
            waiting.append(pool.submit(_decoded, start, block, preprocessing, archives))

        try:
            # A window, so that pictures nobody has taken yet do not fill the memory.
            for start in islice(starts, 4 * n_threads):
                submit(start)
            while waiting:
                rows = waiting.popleft().result()
                for start in islice(starts, 1):
                    submit(start)
                yield from rows
                done += len(rows)
                progress(done, len(manifest))
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _decoded(
    start: int, sources: tuple[Source, ...], preprocessing: Preprocessing, archives: Archives
) -> list[Row]:
    rows: list[Row] = []
    for number, source in enumerate(sources, start):
        try:
            encoded = archives.read(source)
        except PictureError as fault:
            rows.append(Failure(number, str(fault), in_reading=True))
            continue
        try:
            rows.append(preprocessing.pixels(encoded, name=source.name))
        except PictureError as fault:
            rows.append(Failure(number, str(fault), in_reading=False))
    return rows
