"""Signed in with a key: a session in memory, named by a cookie, guarded against foreign forms.

A page that has signed in sends `csrf_token(request)` with every request that changes anything, in
the header `X-CSRF-Token`; a foreign page can make a browser send the cookie, but cannot know that.
Browsers also say themselves whose page sent a form, in `Sec-Fetch-Site`, over HTTPS and on
localhost: there forms work without scripts.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

from firstsight.app.http.security.keys import KeyRing, Rights

__all__ = ["CSRF_HEADER", "Session", "Sessions"]

CSRF_HEADER = "X-CSRF-Token"
LASTING_S = 12 * 3600
MOST = 1_000  # the oldest goes first

_COOKIE = "firstsight_session"
_SECURE_COOKIE = "__Host-" + _COOKIE  # browsers take this name over HTTPS only


@dataclass(frozen=True)
class Session:
    key_id: str
    name: str
    rights: Rights
    csrf: str
    ends: float  # of time.monotonic()


class Sessions:
    """They end with the server, after twelve hours, or when their key is revoked."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._open: OrderedDict[str, Session] = OrderedDict()

    def sign_in(self, request: HTTPConnection, response: Response, key: str) -> Session | None:
        """Set the cookie on `response` where `key` is good; None where it is not."""
        found = self._ring.find(key)
        if found is None:
            return None
        token = secrets.token_urlsafe(32)
        session = Session(
            found.id,
            found.name,
            found.rights,
            secrets.token_urlsafe(32),
            time.monotonic() + LASTING_S,
        )
        self._open[token] = session
        while len(self._open) > MOST:
            self._open.popitem(last=False)
        response.set_cookie(
            _cookie_of(request),
            token,
            max_age=LASTING_S,
            path="/",
            secure=_is_https(request),
            httponly=True,
            samesite="strict",
        )
        return session

    def sign_out(self, request: HTTPConnection, response: Response) -> None:
        self._open.pop(request.cookies.get(_cookie_of(request), ""), None)
        response.delete_cookie(
            _cookie_of(request),
            path="/",
            secure=_is_https(request),
            httponly=True,
            samesite="strict",
        )

    def of(self, request: HTTPConnection) -> Session | None:
        """The session whose cookie came, where it is still good."""
        token = request.cookies.get(_cookie_of(request))
        session = self._open.get(token) if token else None
        if token is None or session is None:
            return None
        if session.ends < time.monotonic() or not self._ring.holds(session.key_id):
            del self._open[token]
            return None
        return session


def is_guarded(session: Session, request: HTTPConnection) -> bool:
    """Whether the request proves that one of our own pages sent it: by the page's token, or, where
    a form was sent without scripts, by the browser's word, which no page can make it give."""
    if request.headers.get("sec-fetch-site") == "same-origin":
        return True
    return hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), session.csrf.encode())


def _is_https(request: HTTPConnection) -> bool:
    return bool(request.scope["scheme"] == "https")


def _cookie_of(request: HTTPConnection) -> str:
    return _SECURE_COOKIE if _is_https(request) else _COOKIE
