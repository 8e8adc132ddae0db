"""The pictures that people asked about lately, so that a word on an answer need not send them.

A picture's number is a secret of whoever sent it; nothing here is written to a disk.
"""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict

from firstsight.app.http.sight import Picture
from firstsight.errors import NotInGallery

__all__ = ["Tray"]

MEBI = 2**20


class Tray:
    """Forgets a picture after an hour, and the oldest first where they weigh too much together."""

    def __init__(self, *, most_bytes: int = 128 * MEBI, lasting_s: float = 3600) -> None:
        self._most_bytes, self._lasting_s = most_bytes, lasting_s
        self._held: OrderedDict[str, tuple[float, Picture]] = OrderedDict()
        self._n_bytes = 0

    def put(self, picture: Picture) -> str:
        """Its number, to take it by."""
        self._drop_old()
        number = secrets.token_urlsafe(18)
        self._held[number] = (time.monotonic() + self._lasting_s, picture)
        self._n_bytes += len(picture.data)
        while self._n_bytes > self._most_bytes and len(self._held) > 1:
            self._drop(next(iter(self._held)))
        return number

    def take(self, number: str) -> Picture:
        """The picture, which stays; NotInGallery where it was forgotten."""
        self._drop_old()
        held = self._held.get(number)
        if held is None:
            raise NotInGallery(
                "the picture you asked about is no longer at hand; give it once more"
            )
        return held[1]

    def _drop_old(self) -> None:
        while self._held:
            number, (ends, _) = next(iter(self._held.items()))
            if ends > time.monotonic():
                return
            self._drop(number)

    def _drop(self, number: str) -> None:
        _, picture = self._held.pop(number)
        self._n_bytes -= len(picture.data)
