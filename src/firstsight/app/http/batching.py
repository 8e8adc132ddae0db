"""The network, asked by many at once: what waits is embedded together, in one thread of its own.

Handing something from one thread to another costs about as much as reading a small picture, so
that is done as rarely as can be: a picture goes from the event loop to a reader, from there to
the network, and answers come back a batch at a time.
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
        self._thread = threading.Thread(target=self._work, name="network", daemon=True)
        self._thread.start()

    async def ask(self, question: Question[Seen, Result]) -> Result:
        """Raises what reading, the network or answering raises."""
        loop = asyncio.get_running_loop()
        asked = _Asked(question, loop, loop.create_future())
        self._readers.submit(self._read, asked)
        return cast(Result, await asked.reply)

    def close(self) -> None:
        """End when what waits is done; the readers must have been shut down before."""
        self._waiting.put(None)
        self._thread.join()

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
        while (first := self._waiting.get()) is not None:
            batch, is_last = self._with_company(first)
            wanted = [each for each in batch if not each.reply.cancelled()]
            if wanted:
                self._answer(wanted)
                _deliver(wanted)
            if is_last:
                return

    def _with_company(self, first: _Asked) -> tuple[list[_Asked], bool]:
        """All that waits at this moment; while they are embedded, the next ones gather."""
        batch = [first]
        while len(batch) < self._most:
            try:
                other = self._waiting.get_nowait()
            except Empty:
                break
            if other is None:
                return batch, True
            batch.append(other)
        return batch, False

    def _answer(self, batch: list[_Asked]) -> None:
        try:
            vectors = self.embedder.embed_pixels(np.stack([each.pixels for each in batch]))
        except Exception as trouble:
            for each in batch:
                each.result = trouble
            return
        alike: dict[Any, list[tuple[_Asked, Floats]]] = {}
        for each, vector in zip(batch, vectors, strict=True):
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
