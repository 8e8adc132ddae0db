"""The desk of one gallery: everything that can be asked of it, without blocking the event loop.

Whoever serves people over HTTP, the API and the page alike, speaks to a `Desk` and to nothing
below it. Its methods are coroutines; they raise what the library raises (firstsight/errors.py), in
sentences for people, which become responses (refusing.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from firstsight.app.http.changes import Changes
from firstsight.app.http.clerks import Clerks, OpenRecognizer
from firstsight.app.http.questions import Questions
from firstsight.app.http.sight import Sight
from firstsight.gallery.gallery import Gallery
from firstsight.model.info import ModelInfo

__all__ = ["Desk"]

Result = TypeVar("Result")


class Desk:
    """One gallery's desk. `Desks` opens and closes them.

    questions: about pictures, and the gallery as a whole. changes: to it.
    """

    def __init__(
        self, name: str, sight: Sight, open_recognizer: OpenRecognizer, *, keeps_pictures: bool
    ) -> None:
        """open_recognizer: opens the gallery once more."""
        self.name, self.keeps_pictures = name, keeps_pictures
        self.model: ModelInfo = sight.embedder.info
        self._clerks = Clerks(open_recognizer)
        self.questions = Questions(sight, self._clerks)
        self.changes = Changes(sight, self._clerks.writing, keeps_pictures=keeps_pictures)

    async def look(self, look: Callable[[Gallery], Result]) -> Result:
        """Anything that only reads the gallery, and quickly."""
        return await self._clerks.looking.do(lambda recognizer: look(recognizer.gallery))

    def close(self) -> None:
        """End when what was asked is done."""
        self._clerks.close()
