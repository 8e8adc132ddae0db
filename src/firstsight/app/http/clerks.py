"""The clerks of one gallery, each with a connection of its own, so that none waits for another.

Questions about pictures are answered by one; by another, as it takes longer, where a first look
leaves doubt, and searches. Others look things up, make changes, and do what
takes long (why, the doctor). Thresholds after a change are estimated by one more: until it is
done, a few tenths of a second at a thousand photos, answers go by those of before.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from firstsight.app.http.clerk import Clerk
from firstsight.recognition.recognizer import Recognizer

__all__ = ["Clerks", "OpenRecognizer"]


class OpenRecognizer(Protocol):
    """Opens the gallery once more; `waits` as `Recognizer` has it."""

    def __call__(self, *, waits: bool = True) -> Recognizer: ...


class Clerks:
    """answering, looking_again, looking, writing, pondering: who does what."""

    def __init__(self, open_recognizer: OpenRecognizer) -> None:
        self.answering = Clerk("answering", open_recognizer(waits=False))
        self.looking_again = Clerk("looking again", open_recognizer(waits=False))
        self.looking = Clerk("looking", open_recognizer())
        self.writing = Clerk("writing", open_recognizer())
        self.pondering = Clerk("pondering", open_recognizer())
        self._settling = Clerk("settling", open_recognizer())
        self._settler: asyncio.Task[None] | None = None

    def settle(self) -> None:
        """Begin to estimate thresholds anew, unless that is under way; from the event loop."""
        if self._settler is None or self._settler.done():
            self._settler = asyncio.create_task(self._settle())

    async def _settle(self) -> None:
        standing = await self._settling.do(lambda recognizer: recognizer.settle())
        for clerk in (self.answering, self.looking_again):
            await clerk.do(lambda recognizer: recognizer.adopt(standing))

    def close(self) -> None:
        """End when what was asked is done."""
        for clerk in (
            self.answering,
            self.looking_again,
            self.looking,
            self.writing,
            self.pondering,
            self._settling,
        ):
            clerk.close()
