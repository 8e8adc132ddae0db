"""Whose pages may ask: the Host and Origin that browsers send, checked on loopback too.

A page of another site can make a browser send requests to 127.0.0.1: directly (a cross-site
post), or by letting its own name point there (DNS rebinding). The first shows in `Origin` or
`Sec-Fetch-Site`, the second in `Host`, and scripts can forge none of them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from firstsight.app.http.refusing import Refusal

__all__ = ["SAFE_METHODS", "HostRules"]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class HostRules:
    """hosts: names under which this server is reached. origins: other sites that may ask it."""

    hosts: Collection[str]
    origins: Collection[str]

    def check(self, method: str, headers: Headers) -> None:
        """Refusal where a request comes by a foreign name or from a foreign site's page."""
        host = headers.get("host", "")
        if not self._is_ours(_name_of(host)):
            raise Refusal(
                421,
                "foreign_host",
                f"this server is not {host[:100]!r}; ask it by its address, or start it with "
                "--host-name NAME",
            )
        if method not in SAFE_METHODS and not self._is_from_us(headers, host):
            raise Refusal(
                403,
                "foreign_origin",
                "a page of another site may change nothing here; start the server with "
                "--origin URL to let it",
            )

    def _is_ours(self, name: str) -> bool:
        # No name points to an address written out, so rebinding cannot use one.
        return name == "localhost" or name in self.hosts or _is_address(name)

    def _is_from_us(self, headers: Headers, host: str) -> bool:
        origin = headers.get("origin")
        if origin is None:
            # Programs send neither; every browser of today sends this one.
            return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        # A proxy in front may speak HTTPS where we do not: the scheme tells nothing here.
        return origin in self.origins or urlsplit(origin).netloc.lower() == host.lower() != ""


def _name_of(host: str) -> str:
    """Without the port; an address of version 6 without its brackets."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
