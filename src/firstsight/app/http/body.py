"""The body of a request as it streams in: no larger, no slower, no more at once than allowed."""

from __future__ import annotations

import asyncio

from starlette.datastructures import Headers
from starlette.types import Message, Receive

from firstsight.app.http.admission import Place
from firstsight.app.http.refusing import Refusal
from firstsight.app.http.settings import MEBI, Settings

__all__ = ["Body"]


class Body:
    """Refusal (413, 408) as soon as a body is too large or too slow, (503) where all bodies under
    way fill the memory set aside for them."""

    def __init__(self, receive: Receive, place: Place, settings: Settings) -> None:
        self._receive, self._place, self._settings = receive, place, settings
        self._arrived = 0
        self._is_complete = False
        self._deadline = asyncio.get_running_loop().time() + settings.body_timeout_s

    def require_small(self, headers: Headers) -> None:
        """By what the sender announces, before any of it is read."""
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._settings.max_body_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        if self._is_complete:  # only the sender's going away is still to come, whenever that is
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(
                408,
                "slow_body",
                f"the body did not arrive within {self._settings.body_timeout_s:g} s; send it "
                "again",
                headers={"Connection": "close"},
            ) from None
        if message["type"] == "http.request":
            self._take(len(message.get("body", b"")))
            self._is_complete = not message.get("more_body", False)
        else:
            self._is_complete = True
        return message

    def _take(self, n_bytes: int) -> None:
        self._arrived += n_bytes
        if self._arrived > self._settings.max_body_bytes:
            raise self._too_large()
        self._place.hold(n_bytes)

    def _too_large(self) -> Refusal:
        return Refusal(
            413,
            "too_large",
            f"the body is larger than {self._settings.max_body_bytes / MEBI:.3g} MiB; send fewer "
            "pictures at once",
            headers={"Connection": "close"},
        )
