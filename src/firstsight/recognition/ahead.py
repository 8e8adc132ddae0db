"""Pictures read, and embedded, by several threads at once, each failing on its own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from firstsight.errors import PictureError
from firstsight.model.embedder import Embedder

__all__ = ["embed_ahead", "read_ahead"]

Item = TypeVar("Item")
Made = TypeVar("Made")
Pixels = npt.NDArray[np.uint8]
Vector = npt.NDArray[np.float32]


def embed_ahead(
    items: Iterable[Item],
    read: Callable[[Item], tuple[Made, Pixels]],
    embedder: Embedder,
    *,
    batch_size: int,
) -> Iterator[list[tuple[Item, tuple[Made, Vector] | PictureError]]]:
    """As `read_ahead`, with the vector of each picture in the place of its pixels.

    A thread takes one picture from the file to its vector, on one core. So no core ever waits:
    neither decoders for the network, nor a layer's threads for each other.
    """
    source = iter(items)
    first = list(islice(source, 2))
    network = embedder.on_one_core if len(first) > 1 else embedder

    def embed(item: Item) -> tuple[Made, Vector]:
        made, pixels = read(item)
        return made, network.embed_pixels(pixels[None])[0]

    return read_ahead(chain(first, source), embed, batch_size=batch_size)


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Made], *, batch_size: int
) -> Iterator[list[tuple[Item, Made | PictureError]]]:
    """Batches of (item, read(item)), order kept; a PictureError stands in its item's place.

    Two batches are under way while the caller works on a third, so that decoding never waits for
    the network. `read` runs in other threads, unless there is one item only.
    """
    source = iter(items)
    first = list(islice(source, 2))
    if len(first) < 2:
        for item in first:
            yield [(item, _attempt(read, item))]
        return
    threads = os.cpu_count() or 1
    with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:
        running: deque[tuple[Item, Future[Made | PictureError]]] = deque()

        def begin(upcoming: Iterable[Item]) -> None:
            for item in upcoming:
                running.append((item, pool.submit(_attempt, read, item)))

        begin(first)
        try:
            begin(islice(source, 3 * batch_size - len(first)))
            while running:
                batch = [running.popleft() for _ in range(min(batch_size, len(running)))]
                ready = [(item, job.result()) for item, job in batch]
                begin(islice(source, len(batch)))
                yield ready
        finally:
            for _, job in running:
                job.cancel()


def _attempt(read: Callable[[Item], Made], item: Item) -> Made | PictureError:
    try:
        return read(item)
    except PictureError as trouble:
        return trouble
