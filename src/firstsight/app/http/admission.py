"""How much may be under way at once; whoever comes beyond that is told when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Scope

from firstsight.app.http.refusing import Refusal
from firstsight.app.http.security.hosts import SAFE_METHODS

__all__ = ["Admission", "Place"]


class Admission:
    """Counts what works on a body: looking is cheap and always let in.

    A request that is refused costs next to nothing, so a server that is asked for three times
    what it can do goes on doing what it can.
    """

    def __init__(self, most: int, most_bytes: int) -> None:
        """most: requests under way. most_bytes: of all their bodies together."""
        self._most, self._most_bytes = most, most_bytes
        self._under_way = 0
        self._n_bytes = 0

    @contextmanager
    def of(self, scope: Scope) -> Iterator[Place]:
        """Refusal (503, with Retry-After) where as much as may be is under way."""
        place = Place(self)
        if scope["method"] in SAFE_METHODS:
            yield place
            return
        if self._under_way >= self._most:
            raise _busy(f"{self._under_way} requests are under way, as many as are taken")
        self._under_way += 1
        try:
            yield place
        finally:
            self._under_way -= 1
            self._n_bytes -= place.n_bytes

    def _hold(self, n_bytes: int) -> None:
        if self._n_bytes + n_bytes > self._most_bytes:
            raise _busy("the bodies under way fill the memory that is set aside for them")
        self._n_bytes += n_bytes


class Place:
    """Of one request among those under way. n_bytes: of its body, in memory until it leaves."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.n_bytes = 0

    def hold(self, n_bytes: int) -> None:
        """Refusal (503) where that is more than there is room for."""
        self._admission._hold(n_bytes)
        self.n_bytes += n_bytes


def _busy(told: str) -> Refusal:
    return Refusal(503, "busy", f"{told}; try again in a second", headers={"Retry-After": "1"})
