"""The gate every request passes: named, admitted or refused, answered with strict headers, logged.

A plain ASGI middleware, as those that wrap requests and responses cost a tenth of a request.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstsight.app.http.admission import Admission
from firstsight.app.http.body import Body
from firstsight.app.http.journal import write_entry
from firstsight.app.http.refusing import Refusal
from firstsight.app.http.security.access import Caller, Doorkeeper
from firstsight.app.http.security.headers import strict_headers
from firstsight.app.http.security.hosts import HostRules
from firstsight.app.http.settings import Settings

__all__ = ["Gate", "is_for_a_person", "new_request_id", "request_id_of"]

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Gate:
    """Adds `request_id` and `caller` to the scope of what it lets through."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        rules: HostRules,
        doorkeeper: Doorkeeper,
        admission: Admission,
    ) -> None:
        self._app = app
        self._settings = settings
        self._rules, self._doorkeeper, self._admission = rules, doorkeeper, admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        scope["request_id"] = _request_id(request.headers)
        scope["caller"] = Caller("anyone", None)
        scope["n_pictures"] = 0
        sending = _Sending(scope, send)
        try:
            self._rules.check(scope["method"], request.headers)
            scope["caller"] = self._doorkeeper.admit(request, scope["method"])
            with self._admission.of(scope) as place:
                body = Body(receive, place, self._settings)
                body.require_small(request.headers)
                await self._answered(scope, body, sending)
        except Refusal as refusal:
            response: Response = refusal.response(scope["request_id"])
            if refusal.status == 401 and is_for_a_person(request):
                response = RedirectResponse("/login", 303)
            await response(scope, receive, sending.send)
        finally:
            sending.log()

    async def _answered(self, scope: Scope, body: Body, sending: _Sending) -> None:
        patience_s = self._settings.body_timeout_s + self._settings.answer_timeout_s
        try:
            async with asyncio.timeout(patience_s):
                await self._app(scope, body.receive, sending.send)
        except TimeoutError:
            if sending.has_begun:
                raise
            raise Refusal(
                503,
                "slow",
                f"no answer within {patience_s:g} s; try again",
                headers={"Retry-After": "1"},
            ) from None


class _Sending:
    """Sees a response go out."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope, self._send = scope, send
        self._began = time.perf_counter()
        self._status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            headers["X-Request-Id"] = self._scope["request_id"]
            for name, value in strict_headers(self._scope):
                headers.setdefault(name, value)
        await self._send(message)

    @property
    def has_begun(self) -> bool:
        return self._status != 0

    def log(self) -> None:
        write_entry(
            self._scope, status=self._status, took_ms=1e3 * (time.perf_counter() - self._began)
        )


def request_id_of(request: HTTPConnection) -> str:
    """The sender's own X-Request-Id where it sent a sensible one, else a new one."""
    return str(request.scope["request_id"])


def is_for_a_person(request: HTTPConnection) -> bool:
    """Whether a browser asks for a page, so that a page helps more than an error for programs."""
    is_api = f"{request.scope['path']}/".startswith("/v1/")
    asks_for_html = "text/html" in request.headers.get("accept", "")
    return request.scope["method"] == "GET" and asks_for_html and not is_api


def new_request_id() -> str:
    return f"{random.getrandbits(64):016x}"  # no secret


def _request_id(headers: Headers) -> str:
    given: Any = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else new_request_id()
