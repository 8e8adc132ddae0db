"""The network, asked by many at once: what waits is embedded together, and answered together.

Handing something from one thread to another costs about as much as reading a small picture, so
that is done as rarely as can be: a picture goes from the event loop to a reader, from there to
the network, and answers come back a batch at a time. Two threads take turns at the network: while
one makes answers of what it has embedded, the other embeds what came meanwhile.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

import numpy as np
import numpy.typing as npt

from firstsight.model.embedder import Embedder

__all__ = ["Batcher", "Question"]

MOST = 32  # pictures in a batch; more gain nothing on a few cores, and delay the first

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Seen = TypeVar("Seen")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Question(Generic[Seen, Result]):
    """What is to be done about a picture, by threads other than the event loop's.

    read: gives whatever is known of the picture, and its pixels (H, W, C), as the model's
    preprocessing makes them. answer: makes the results of all questions of a batch that have the
    same `answer`, in order, of what was read and the vector (D,) of each; in the network's thread,
    so it must be quick. A result may not depend on the others.
    """

    read: Callable[[], tuple[Seen, Pixels]]
    answer: Callable[[Sequence[tuple[Seen, Floats]]], Sequence[Result]]


@dataclass(eq=False)
class _Asked:
    """result: of the question, or the exception that it ended with."""

    question: Question[Any, Any]
    loop: asyncio.AbstractEventLoop
    reply: asyncio.Future[Any]
    seen: Any = None
    pixels: Pixels = field(default_factory=lambda: np.zeros((0, 0, 0), np.uint8))
    result: Any = None


class Batcher:
    """Answers questions from one event loop or several; close it when done."""

    def __init__(self, embedder: Embedder, readers: ThreadPoolExecutor, *, most: int = MOST):
        self.embedder = embedder
        self._readers, self._most = readers, most
        self._waiting: SimpleQueue[_Asked | None] = SimpleQueue()
        self._turn = threading.Lock()  # to gather a batch, and to embed it
        self._threads = [
            threading.Thread(target=self._work, name=f"network_{number}", daemon=True)
            for number in range(2)
        ]
        for thread in self._threads:
            thread.start()

    async def ask(self, question: Question[Seen, Result]) -> Result:
        """Raises what reading, the network or answering raises."""
        loop = asyncio.get_running_loop()
        asked = _Asked(question, loop, loop.create_future())
        self._readers.submit(self._read, asked)
        return cast(Result, await asked.reply)

    def close(self) -> None:
        """End when what waits is done; the readers must have been shut down before."""
        self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _read(self, asked: _Asked) -> None:
        if asked.reply.cancelled():
            return
        try:
            asked.seen, asked.pixels = asked.question.read()
        except Exception as trouble:
            asked.result = trouble
            _deliver([asked])
        else:
            self._waiting.put(asked)

    def _work(self) -> None:
        is_last = False
        while not is_last:
            with self._turn:
                batch, is_last = self._gathered()
                embedded = self._embedded(batch)
            _answer(embedded)
            _deliver(batch)
        self._waiting.put(None)  # for the other thread

    def _gathered(self) -> tuple[list[_Asked], bool]:
        """All that waits at this moment, one at least; and whether nothing more will come."""
        batch: list[_Asked] = []
        other = self._waiting.get()
        while other is not None:
            if not other.reply.cancelled():
                batch.append(other)
            if len(batch) == self._most:
                break
            try:
                other = self._waiting.get_nowait()
            except Empty:
                break
        return batch, other is None

    def _embedded(self, batch: list[_Asked]) -> list[tuple[_Asked, Floats]]:
        """With the vector of each; nothing where the network fails, which is then their result."""
        if not batch:
            return []
        try:
            vectors = self.embedder.embed_pixels(np.stack([each.pixels for each in batch]))
        except Exception as trouble:
            for each in batch:
                each.result = trouble
            return []
        return list(zip(batch, vectors, strict=True))


def _answer(embedded: list[tuple[_Asked, Floats]]) -> None:
    alike: dict[Any, list[tuple[_Asked, Floats]]] = {}
    for each, vector in embedded:
        alike.setdefault(each.question.answer, []).append((each, vector))
    for group in alike.values():
        _answer_together(group)


def _answer_together(group: list[tuple[_Asked, Floats]]) -> None:
    """Questions with one `answer`; where that raises, each by itself, for one may have spoiled it
    for all."""
    try:
        results = group[0][0].question.answer([(each.seen, vector) for each, vector in group])
        for (each, _), result in zip(group, results, strict=True):
            each.result = result
    except Exception as trouble:
        if len(group) == 1:
            group[0][0].result = trouble
            return
        for alone in group:
            _answer_together([alone])


def _deliver(batch: list[_Asked]) -> None:
    for loop in {each.loop for each in batch}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_reply, [each for each in batch if each.loop is loop])


def _reply(batch: list[_Asked]) -> None:
    for each in batch:
        if each.reply.done():
            continue
        if isinstance(each.result, Exception):
            each.reply.set_exception(each.result)
        else:
            each.reply.set_result(each.result)
