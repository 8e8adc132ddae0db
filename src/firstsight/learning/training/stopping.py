"""When a training has stopped improving."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["BestSoFar"]


class BestSoFar:
    """Remembers the best look and how many looks in a row brought nothing better.

    patience: stop after this many looks without a gain of more than min_delta; None: never.
    A look that is no number is never the best, and stops at once.
    """

    def __init__(self, patience: int | None, min_delta: float = 0.0) -> None:
        self._patience, self._min_delta = patience, min_delta
        self.best = -math.inf
        self.latest = math.nan
        self.idle_looks = 0
        self.should_stop = False

    def look(self, accuracy: float) -> bool:
        """Take the next figure (higher is better); True where it is the best so far."""
        self.latest = accuracy
        if math.isnan(accuracy):
            self.should_stop = True
            return False
        if accuracy > self.best + (self._min_delta if math.isfinite(self.best) else 0.0):
            self.best, self.idle_looks = accuracy, 0
            return True
        self.idle_looks += 1
        if self._patience is not None and self.idle_looks >= self._patience:
            self.should_stop = True
        return False

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "latest": self.latest, "idle_looks": self.idle_looks}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.latest = float(state["best"]), float(state["latest"])
        self.idle_looks = int(state["idle_looks"])
