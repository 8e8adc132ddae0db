"""One connection: its headers arrive in time and are no longer than need be, or it is closed.

Whoever sends a header a second could otherwise keep connections for ever: the server that we
stand on watches only the pause between two requests. A body is watched by the gate (body.py).
"""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from firstsight.app.http.gate import new_request_id
from firstsight.app.http.refusing import Refusal

__all__ = ["ImpatientProtocol"]

MOST_HEADER_BYTES = 64 * 1024

_REASONS = {408: "Request Timeout", 431: "Request Header Fields Too Large"}
_journal = logging.getLogger("firstsight.http")


class ImpatientProtocol(HttpToolsProtocol):
    """headers_timeout_s: from the connection, or the first byte of a later request, to the end of
    the headers; and for the rest of a body that was refused before it was here."""

    def __init__(self, *, headers_timeout_s: float, **given: Any) -> None:
        super().__init__(**given)
        self._headers_timeout_s = headers_timeout_s
        self._deadline: asyncio.TimerHandle | None = None
        self._n_bytes = 0
        self._is_in_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        under_way: RequestResponseCycle | None = self.cycle
        if self._deadline is None and (under_way is None or under_way.response_complete):
            self._expect_headers()
        self._n_bytes += len(data)
        super().data_received(data)
        is_long = self._n_bytes > MOST_HEADER_BYTES and not self._is_in_body
        if self._deadline is not None and is_long:
            self._refuse(431, "large_headers", "the headers are longer than 64 KiB; send fewer")

    def on_headers_complete(self) -> None:
        self._stop_expecting()
        self._is_in_body = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._stop_expecting()
        self._is_in_body = False
        super().on_message_complete()

    def _expect_headers(self) -> None:
        self._n_bytes = 0
        self._deadline = self.loop.call_later(
            self._headers_timeout_s,
            self._refuse,
            408,
            "slow_headers",
            f"the headers did not arrive within {self._headers_timeout_s:g} s; send them again",
        )

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Outside any request: what the gate would send, written out, and the end."""
        self._stop_expecting()
        if self.transport.is_closing():
            return
        if self._is_in_body:  # of a request that has its answer already
            self.transport.close()
            return
        _journal.info("a connection was closed: %s", message)
        body = json.dumps(Refusal(status, code, message).record(new_request_id())).encode()
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
