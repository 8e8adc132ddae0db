"""How much may be under way at once; whoever comes beyond that is told when to come again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil

from starlette.types import Scope

from firstsight.app.http.refusing import Refusal
from firstsight.app.http.security.hosts import SAFE_METHODS

__all__ = ["Admission"]


class Admission:
    """Counts what works on a body: looking is cheap and always let in.

    A request that is refused costs next to nothing, so a server that is asked for three times
    what it can do goes on doing what it can.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._under_way = 0

    @property
    def under_way(self) -> int:
        return self._under_way

    @contextmanager
    def of(self, scope: Scope) -> Iterator[None]:
        """Refusal (503, with Retry-After) where as much as may be is under way."""
        if scope["method"] in SAFE_METHODS:
            yield
            return
        if self._under_way >= self._most:
            raise Refusal(
                503,
                "busy",
                f"{self._under_way} requests are under way, as many as are taken; try again in a "
                "second",
                headers={"Retry-After": str(ceil(1))},
            )
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
