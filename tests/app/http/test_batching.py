from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.app.http.batching import Batcher, Question
from firstsight.errors import PictureError
from firstsight.model.embedder import Embedder
from tests.drawings import drawing

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def batcher(characters: Embedder) -> Iterator[Batcher]:
    readers = ThreadPoolExecutor(2)
    opened = Batcher(characters, readers)
    yield opened
    readers.shutdown()
    opened.close()


def reading(embedder: Embedder, thing: int, gate: threading.Event) -> tuple[int, Pixels]:
    """Not before the gate is open, so that what is asked meanwhile gathers."""
    gate.wait()
    return thing, embedder.info.preprocessing.pixels(drawing(thing))


def asked_together(
    batcher: Batcher, questions: Sequence[Question[int, str]], gate: threading.Event
) -> list[str | BaseException]:
    async def ask() -> list[str | BaseException]:
        asked = [asyncio.create_task(batcher.ask(question)) for question in questions]
        await asyncio.sleep(0)
        gate.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    return asyncio.run(ask())


def test_questions_of_a_kind_are_answered_together_each_with_its_own_vector(
    batcher: Batcher,
) -> None:
    gate, batches = threading.Event(), []
    vectors = batcher.embedder.embed([drawing(thing) for thing in range(12)])

    def nearest(asked: Sequence[tuple[int, Floats]]) -> list[str]:
        batches.append(len(asked))
        return [f"{thing} {np.abs(vectors - own).sum(axis=1).argmin()}" for thing, own in asked]

    questions = [
        Question(partial(reading, batcher.embedder, thing, gate), nearest) for thing in range(12)
    ]
    told = asked_together(batcher, questions, gate)
    assert told == [f"{thing} {thing}" for thing in range(12)]
    assert sum(batches) == 12
    assert len(batches) < 12


def test_a_question_that_cannot_be_answered_leaves_the_others_their_answers(
    batcher: Batcher,
) -> None:
    gate = threading.Event()

    def answer(asked: Sequence[tuple[int, Floats]]) -> list[str]:
        if any(thing == 3 for thing, _ in asked):
            raise LookupError("not the third")
        return [str(thing) for thing, _ in asked]

    def unreadable() -> tuple[int, Pixels]:
        raise PictureError("no picture")

    questions = [
        Question(partial(reading, batcher.embedder, thing, gate), answer) for thing in range(6)
    ]
    told = asked_together(batcher, [*questions, Question(unreadable, answer)], gate)
    assert [each for each in told if isinstance(each, str)] == ["0", "1", "2", "4", "5"]
    assert repr(told[3]) == "LookupError('not the third')"
    assert repr(told[6]) == "PictureError('no picture')"
