"""One thread with a recognizer of its own: what it is asked, it does one after another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from firstsight.recognition.recognizer import Recognizer

__all__ = ["Clerk"]

Result = TypeVar("Result")


class Clerk:
    """Recognizers are for one thread at a time; a clerk sees to it."""

    def __init__(self, duty: str, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._turn = threading.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=duty)

    async def do(self, act: Callable[[Recognizer], Result]) -> Result:
        """What `act` gives, done when all that was asked before is done."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self.now, act)

    def now(self, act: Callable[[Recognizer], Result]) -> Result:
        """The same in the caller's own thread, which must not be the event loop's."""
        with self._turn:
            return act(self._recognizer)

    def close(self) -> None:
        """End when what was asked is done."""
        self._thread.shutdown(wait=True)
        self._recognizer.close()
