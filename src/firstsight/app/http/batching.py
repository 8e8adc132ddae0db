"""The network, asked by many at once: what waits is embedded together, in one thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
import numpy.typing as npt

from firstsight.errors import FirstsightError
from firstsight.model.embedder import Embedder

__all__ = ["Batcher"]

MOST = 32  # pictures in a batch; more gain nothing on a few cores, and delay the first
LINGER_S = 0.001  # how long the first of a batch waits for company

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class _Waiting:
    pixels: Pixels
    loop: asyncio.AbstractEventLoop
    vector: asyncio.Future[Floats]


class Batcher:
    """Embeds pictures for one event loop or several; close it when done."""

    def __init__(self, embedder: Embedder, *, most: int = MOST, linger_s: float = LINGER_S) -> None:
        self.embedder = embedder
        self._most, self._linger_s = most, linger_s
        self._waiting: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="network", daemon=True)
        self._thread.start()

    async def embed(self, pixels: Pixels) -> Floats:
        """(D,) of one picture's pixels (H, W, C), as the model's preprocessing makes them."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(pixels, loop, loop.create_future())
        self._waiting.put(waiting)
        return await waiting.vector

    def close(self) -> None:
        """End when what waits is done."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            first = self._waiting.get()
            if first is None:
                return
            batch, is_last = self._with_company(first)
            self._embed(batch)
            if is_last:
                return

    def _with_company(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        batch = [first]
        deadline = time.monotonic() + self._linger_s
        while len(batch) < self._most:
            try:
                other = self._waiting.get(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                break
            if other is None:
                return batch, True
            batch.append(other)
        return batch, False

    def _embed(self, batch: list[_Waiting]) -> None:
        wanted = [each for each in batch if not each.vector.cancelled()]
        if not wanted:
            return
        try:
            made: Floats | FirstsightError = self.embedder.embed_pixels(
                np.stack([each.pixels for each in wanted])
            )
        except FirstsightError as trouble:
            made = trouble
        for loop in {each.loop for each in wanted}:
            if not loop.is_closed():
                loop.call_soon_threadsafe(_deliver, wanted, made, loop)


def _deliver(
    batch: list[_Waiting], made: Floats | FirstsightError, loop: asyncio.AbstractEventLoop
) -> None:
    for row, each in enumerate(batch):
        if each.loop is not loop or each.vector.done():
            continue
        if isinstance(made, FirstsightError):
            each.vector.set_exception(made)
        else:
            each.vector.set_result(made[row])
