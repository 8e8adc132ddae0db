"""When a training has stopped improving."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["BestSoFar"]


class BestSoFar:
    """Remembers the best look and how many looks in a row brought nothing better.

    patience: stop after this many looks without a gain of more than min_delta and of more than
        min_delta_percent of the best; None: never.
    A look that is no number is never the best, and stops at once.
    """

    def __init__(
        self, patience: int | None, min_delta: float = 0.0, min_delta_percent: float = 0.0
    ) -> None:
        self._patience, self._min_delta = patience, min_delta
        self._min_share = min_delta_percent / 100
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
        if accuracy > self._to_beat():
            self.best, self.idle_looks = accuracy, 0
            return True
        self.idle_looks += 1
        self.should_stop = self.should_stop or self._has_no_patience_left()
        return False

    def _has_no_patience_left(self) -> bool:
        return self._patience is not None and self.idle_looks >= self._patience

    def _to_beat(self) -> float:
        if not math.isfinite(self.best):  # nothing was seen yet
            return self.best
        return self.best + max(self._min_delta, self._min_share * abs(self.best))

    def state(self) -> dict[str, Any]:
        return {"best": self.best, "latest": self.latest, "idle_looks": self.idle_looks}

    def restore(self, state: dict[str, Any]) -> None:
        self.best, self.latest = float(state["best"]), float(state["latest"])
        self.idle_looks = int(state["idle_looks"])
        self.should_stop = self._has_no_patience_left()
