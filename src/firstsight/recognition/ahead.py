"""Pictures read and decoded by several threads, ahead of the network, each failing on its own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

from firstsight.errors import PictureError

__all__ = ["read_ahead"]

Item = TypeVar("Item")
Made = TypeVar("Made")


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
