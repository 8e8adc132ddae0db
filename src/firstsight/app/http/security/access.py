"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from fastapi import Request
from starlette.requests import HTTPConnection

from firstsight.app.http.refusing import Refusal
from firstsight.app.http.security.hosts import SAFE_METHODS
from firstsight.app.http.security.keys import KeyRing, Rights
from firstsight.app.http.security.sessions import Session, Sessions, is_guarded

__all__ = ["Caller", "Doorkeeper", "caller_of", "csrf_token", "may_read", "may_write"]

PUBLIC = ("/v1/health", "/login", "/static/")


@dataclass(frozen=True)
class Caller:
    """name: of the key; "anyone" where none is needed. session: of a page that signed in."""

    name: str
    rights: Rights | None
    session: Session | None = None


@dataclass(frozen=True)
class Doorkeeper:
    """needs_key: whether whoever has no key may ask nothing."""

    ring: KeyRing
    sessions: Sessions
    needs_key: bool

    def admit(self, request: HTTPConnection, method: str) -> Caller:
        """Refusal (401) where a key is wrong or missing, (403) where a foreign page asks."""
        text = _key_of(request)
        if text is not None:
            key = self.ring.find(text)
            if key is None:
                raise _unknown("the key is not known here, or was revoked")
            return Caller(key.name, key.rights)
        session = self.sessions.of(request)
        if session is not None:
            if method not in SAFE_METHODS and not is_guarded(session, request):
                raise Refusal(
                    403,
                    "missing_csrf_token",
                    "a request that changes something needs the page's own token in "
                    "X-CSRF-Token; load the page again",
                )
            return Caller(session.name, session.rights, session)
        if not self.needs_key:
            return Caller("anyone", "write")
        if request.url.path.startswith(PUBLIC):
            return Caller("anyone", None)
        raise _unknown("this server needs a key")


def caller_of(request: HTTPConnection) -> Caller:
    return cast(Caller, request.scope["caller"])


def csrf_token(request: HTTPConnection) -> str:
    """For pages to send back in X-CSRF-Token; empty where nobody had to sign in."""
    session = caller_of(request).session
    return "" if session is None else session.csrf


# FastAPI runs dependencies that are no coroutines in another thread, dearly.
async def may_read(request: Request) -> Caller:
    """A dependency of routes that only look."""
    caller = caller_of(request)
    if caller.rights is None:
        raise _unknown("this server needs a key")
    return caller


async def may_write(request: Request) -> Caller:
    """A dependency of routes that change something."""
    caller = await may_read(request)
    if caller.rights != "write":
        raise Refusal(
            403,
            "read_only_key",
            f"the key {caller.name!r} may only read; use one that may write: "
            "firstsight keys add NAME --write",
        )
    return caller


def _key_of(request: HTTPConnection) -> str | None:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return text.strip()
    return request.headers.get("x-api-key")


def _unknown(told: str) -> Refusal:
    return Refusal(
        401,
        "unknown_caller",
        f"{told}; send one as 'Authorization: Bearer KEY' (firstsight keys add NAME makes one)",
        headers={"WWW-Authenticate": "Bearer"},
    )
