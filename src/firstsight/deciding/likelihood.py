"""P(the name given is right), from the distance to the nearest thing and the runner-up's margin.

At even odds of stranger and enrolled: both sides' trials count half, however many there were.
The probability never rises with the distance and never falls with the margin.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, tanh
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.deciding.trials import BothSides, Trials, join_trials
from firstsight.metrics.calibration import fit_logistic

__all__ = ["LikelyRight", "Logistic", "fit_likely_right"]

Float64 = npt.NDArray[np.float64]

# Which of distance and margin may speak; tried in this order, so that both do where they can.
CHOICES = ((True, True), (True, False), (False, True), (False, False))


@dataclass(frozen=True)
class Logistic:
    """1 / (1 + exp(-(intercept + by_distance * distance + by_margin * margin))).

    by_distance <= 0, by_margin >= 0.
    """

    intercept: float
    by_distance: float
    by_margin: float = 0.0

    def __call__(self, distance: float, margin: float = 0.0) -> float:
        logit = self.intercept + self.by_distance * distance + self.by_margin * margin
        return 0.5 * (1 + tanh(0.5 * logit))

    def to_json(self) -> dict[str, float]:
        return {
            "intercept": self.intercept,
            "by_distance": self.by_distance,
            "by_margin": self.by_margin,
        }

    @classmethod
    def from_json(cls, record: object) -> Logistic:
        """ValueError unless `record` holds exactly three finite numbers of the right signs."""
        if not isinstance(record, Mapping) or set(record) != {
            "intercept",
            "by_distance",
            "by_margin",
        }:
            raise ValueError(f"{record!r} is no logistic")
        logistic = cls(**{key: float(value) for key, value in record.items()})
        finite = all(map(isfinite, logistic.to_json().values()))
        if not finite or logistic.by_distance > 0 or logistic.by_margin < 0:
            raise ValueError(f"{record!r} is no logistic that falls with distance")
        return logistic


@dataclass(frozen=True)
class LikelyRight:
    """rivalled: with a runner-up; None if no trial had one. alone: without."""

    alone: Logistic
    rivalled: Logistic | None

    def probability(self, distance: float, margin: float | None) -> float:
        """In 0..1. distance: finite. margin: >= 0, None where there is no runner-up."""
        if margin is None or self.rivalled is None or not isfinite(margin):
            return self.alone(distance)
        return self.rivalled(distance, margin)

    def to_json(self) -> dict[str, Any]:
        rivalled = None if self.rivalled is None else self.rivalled.to_json()
        return {"alone": self.alone.to_json(), "rivalled": rivalled}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> LikelyRight:
        """ValueError for anything that `to_json` does not write."""
        if set(record) != {"alone", "rivalled"}:
            raise ValueError(f"{record!r} is no probability")
        rivalled = record["rivalled"]
        return cls(
            Logistic.from_json(record["alone"]),
            None if rivalled is None else Logistic.from_json(rivalled),
        )


def fit_likely_right(trials: BothSides) -> LikelyRight | None:
    """The logistics of greatest weighted likelihood; None where a side has no trial.

    Targets are smoothed as Platt's (1999), so slopes stay finite where the sides do not overlap.
    """
    sides = trials.strangers, trials.enrolled
    if not all(map(len, sides)):
        return None
    with_rival = [side.take(np.isfinite(side.margin)) for side in sides]
    return LikelyRight(
        alone=_fit(*sides, use_margin=False),
        rivalled=_fit(*with_rival, use_margin=True) if all(map(len, with_rival)) else None,
    )


def _fit(strangers: Trials, enrolled: Trials, *, use_margin: bool) -> Logistic:
    both = join_trials(strangers, enrolled)
    n_right = float(both.weight @ both.right)  # in things: photos of one are no news
    n_wrong = float(both.weight.sum()) - n_right
    target = np.where(both.right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))
    weight = np.concatenate([side.weight / (2 * side.n_things) for side in (strangers, enrolled)])
    columns = np.stack([both.distance, np.where(use_margin, both.margin, 0)], axis=1)
    centres, spreads = columns.mean(axis=0), columns.std(axis=0)
    telling = spreads > 1e-9 * np.abs(centres)
    best, least = Logistic(0, 0), np.inf
    for choice in CHOICES:
        chosen = np.array(choice) & telling
        scaled = (columns[:, chosen] - centres[chosen]) / spreads[chosen]
        fitted, loss = fit_logistic(np.column_stack([scaled, np.ones(len(both))]), target, weight)
        slopes = np.zeros(2)
        slopes[chosen] = fitted[:-1] / spreads[chosen]
        # The likelihood is concave, so the best that keeps the signs is among these four.
        if slopes[0] <= 0 <= slopes[1] and loss < least:
            least = loss
            best = Logistic(float(fitted[-1] - slopes @ centres), *map(float, slopes))
    return best
