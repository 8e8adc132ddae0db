"""The application: desks, the gate in front of them, and the routes."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from firstsight.app.http import galleries, health, photos, recognising, things, verdicts
from firstsight.app.http.admission import Admission
from firstsight.app.http.desks import Desks
from firstsight.app.http.gate import Gate, is_for_a_person, request_id_of
from firstsight.app.http.refusing import Refusal, refusal_of
from firstsight.app.http.security.access import Doorkeeper
from firstsight.app.http.security.hosts import HostRules
from firstsight.app.http.security.keys import KeyRing, usual_keys_file
from firstsight.app.http.security.sessions import Sessions
from firstsight.app.http.settings import Settings
from firstsight.app.http.shapes import Refused
from firstsight.app.web.site import add_page, missing_page
from firstsight.errors import FirstsightError

__all__ = ["create_app"]

BODIES_HELD = 4  # of the largest size, in memory at once

_journal = logging.getLogger("firstsight.http")


def create_app(settings: Settings, desks: Desks | None = None) -> FastAPI:
    """The server as an ASGI application, which closes its galleries when it ends.

    desks: of galleries that are open already; otherwise they are opened when it starts.

    Routes find on `request.app.state`: `settings`, `desks` (of each gallery a `Desk`), `sessions`
    (to sign in and out). A route that looks depends on `may_read`, one that changes something on
    `may_write` (security/access.py); pages put `csrf_token(request)` where their scripts find it,
    to be sent back as X-CSRF-Token. What a route raises (Refusal, FirstsightError) becomes the one
    error envelope of refusing.py; pages that want another catch it themselves.
    """
    ring = KeyRing(settings.keys_file or usual_keys_file())

    @asynccontextmanager
    async def opened(app: FastAPI) -> AsyncIterator[None]:
        app.state.desks = Desks(settings) if desks is None else desks
        app.state.is_ready = True
        try:
            yield
        finally:
            app.state.is_ready = False
            app.state.desks.close()

    app = FastAPI(
        title="firstsight",
        version=version("firstsight"),
        summary="Recognise things from one picture.",
        lifespan=opened,
        docs_url=None,
        redoc_url=None,
        # Nobody is told of requests; asking each time whether somebody wants to be costs as much
        # as reading a small picture. FastAPI before 0.165 knows no such thing and passes over it.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        responses={
            each: {"model": Refused, "description": "Refused."} for each in (422, "default")
        },
    )
    app.state.settings = settings
    app.state.sessions = Sessions(ring)
    app.state.is_ready = False
    app.add_middleware(
        Gate,
        settings=settings,
        rules=HostRules(_names(settings), settings.origins),
        doorkeeper=Doorkeeper(ring, app.state.sessions, settings.needs_key),
        admission=Admission(settings.most_waiting, BODIES_HELD * settings.max_body_bytes),
    )
    if settings.origins:  # outermost: browsers ask without a key whether they may ask with one
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "X-API-Key"],
            expose_headers=["X-Request-Id", "Retry-After"],
        )
    app.include_router(health.router)
    for each in (recognising, galleries, things, photos, verdicts):
        app.include_router(each.router)
    add_page(app)
    _answer_errors(app)
    return app


def _names(settings: Settings) -> frozenset[str]:
    return frozenset(name.lower() for name in (settings.host, *settings.hosts))


def _answer_errors(app: FastAPI) -> None:
    """Everything that goes wrong leaves in the one envelope; but a browser that follows an address
    to nowhere is shown a page."""

    async def refused(request: Request, trouble: Exception) -> Response:
        return cast(Refusal, trouble).response(request_id_of(request))

    async def told(request: Request, trouble: Exception) -> Response:
        return refusal_of(cast(FirstsightError, trouble)).response(request_id_of(request))

    async def misrouted(request: Request, trouble: Exception) -> Response:
        error = cast(HTTPException, trouble)
        if error.status_code == 404 and is_for_a_person(request):
            return missing_page(request)
        code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
        refusal = Refusal(error.status_code, code, str(error.detail), dict(error.headers or {}))
        return refusal.response(request_id_of(request))

    async def invalid(request: Request, trouble: Exception) -> Response:
        flaws = [
            {"where": ".".join(map(str, flaw["loc"])), "message": flaw["msg"]}
            for flaw in cast(RequestValidationError, trouble).errors()
        ]
        first = flaws[0]
        told = f"{first['where']}: {first['message']}"
        return Refusal(422, "invalid", told, details=flaws).response(request_id_of(request))

    async def failed(request: Request, trouble: Exception) -> Response:
        _journal.error("request %s failed", request_id_of(request), exc_info=trouble)
        refusal = Refusal(500, "internal", "something went wrong here; the server's log says what")
        return refusal.response(request_id_of(request))

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(FirstsightError, told)
    app.add_exception_handler(HTTPException, misrouted)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, failed)
