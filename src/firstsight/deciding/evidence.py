"""What a gallery's threshold and its rates rest on: its own things, or the model's trials.

A gallery of enough distinct things is tried on itself. A smaller one goes by the model's own
calibration at that size, unless its things are unlike those that the model knows; without one there
is no threshold, and nothing is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from firstsight.deciding.calibrated import SizedTrials
from firstsight.deciding.copies import past_copies
from firstsight.deciding.estimated import Basis
from firstsight.deciding.thresholds import (
    Rate,
    false_accept_rate,
    miss_rate,
    threshold_for,
    threshold_interval,
)
from firstsight.deciding.trials import BothSides, Trials, join_trials

__all__ = [
    "LEAST_THINGS",
    "LEAST_TRIALS",
    "MOST_THINGS",
    "Evidence",
    "is_enough",
    "kept_told",
    "things_needed",
    "thresholds_of",
]

LEAST_TRIALS = 20  # of one side, to choose a rule, fit a probability or count misses by
LEAST_THINGS = 10  # that those come from
MOST_THINGS = 5000  # tried as strangers where a small target asks for so many
LOWERED = (
    "; lowered, for by the model's threshold too many of this gallery's own things would pass for "
    "one another"
)


def things_needed(target: float) -> int:
    """How many distinct things a threshold for `target` false accepts takes: 3 / target."""
    return ceil(3 / target - 1e-9)


@dataclass(frozen=True, eq=False)
class Evidence:
    """All trials that an estimate may rest on. model: at this gallery's size, if calibrated."""

    own: BothSides
    model: SizedTrials | None
    verdicts: BothSides
    target: float
    seed: int

    @property
    def basis(self) -> Basis:
        # A few things may not count, their vectors being damaged.
        if self.own.strangers.n_things >= things_needed(self.target) - 1e-6:
            return "gallery"
        return "none" if self.model is None else "model"

    @cached_property
    def apart(self) -> Trials:
        """This gallery's own things as strangers, copies seen past."""
        return past_copies(self.own.strangers)

    @cached_property
    def is_foreign(self) -> bool:
        """Whether by the model's threshold too many of this gallery's own things would pass for one
        another: they are unlike those that it was calibrated on. One pair of look-alikes among
        others does not show that, nor do copies of one thing under two names.
        """
        strangers = self.apart
        if self.model is None or strangers.n_things < 2 - 1e-6:
            return False
        usual = threshold_for(self.model.trials.strangers, self.model.unscaled(self.target))
        passing = strangers.distance <= usual
        rng = np.random.default_rng(self.seed)
        least = false_accept_rate(strangers, usual, rng, chosen_here=False).interval[0]
        several = len(np.unique(strangers.cluster[passing])) > 1 or bool(passing.all())
        return least > self.target and several

    @property
    def enrolled(self) -> tuple[Trials | None, Basis]:
        """Trials of enrolled things, and whose they are."""
        if is_enough(self.own.enrolled):
            return self.own.enrolled, "gallery"
        if self.model is not None:
            return self.model.trials.enrolled, "model"
        return None, "none"


def thresholds_of(evidence: Evidence) -> dict[str, Any]:
    """The fields of an Estimate from `basis` to `on_average`."""
    own, basis = BothSides(evidence.apart, evidence.own.enrolled), evidence.basis
    if basis == "none":
        rates = ("false_accepts", "misses", "seen_here", "on_average")
        names = ("threshold", "threshold_interval", *rates)
        return {"basis": basis, "misses_basis": "none", **dict.fromkeys(names)}
    rng = np.random.default_rng(evidence.seed)
    sized = SizedTrials(own, 1.0) if basis == "gallery" else evidence.model
    assert sized is not None
    strangers, target = sized.trials.strangers, sized.unscaled(evidence.target)
    plain = threshold_for(strangers, target)
    low, high = threshold_interval(strangers, target, rng)
    low, high = min(low, plain), max(high, plain)
    told = join_trials(strangers, evidence.verdicts.strangers)
    threshold = min(max(threshold_for(told, target), low), high)
    there = false_accept_rate(strangers, threshold, rng)
    ends = (sized.scaled(there.interval[0]), sized.scaled(there.interval[1]))
    expected, seen_here = Rate(sized.scaled(there.rate), ends), None
    on_average = expected if basis == "model" else None
    if basis == "model" and evidence.is_foreign:
        threshold, on_average = min(threshold, _strictest(own.strangers)), None
        low, seen_here = min(low, threshold), false_accept_rate(own.strangers, threshold, rng)
        expected = _expected_of_strictest(own.strangers.n_things, seen_here)
    elif basis == "model" and own.strangers.n_things >= 2 - 1e-6:
        seen_here = false_accept_rate(own.strangers, threshold, rng, chosen_here=False)
        expected = _expected(expected, seen_here)
    enrolled, misses_basis = evidence.enrolled
    if misses_basis == "model" and evidence.is_foreign:
        enrolled, misses_basis = None, "none"
    return {
        "basis": basis,
        "threshold": threshold,
        "threshold_interval": (low, high),
        "false_accepts": expected,
        "misses": miss_rate(enrolled, threshold, rng) if enrolled is not None else None,
        "misses_basis": misses_basis,
        "seen_here": seen_here,
        "on_average": on_average,
    }


def _strictest(strangers: Trials) -> float:
    """The threshold that the nearest of n things just do not pass, or one of them: n of them can
    vouch for no smaller share."""
    return threshold_for(strangers, 1 / (strangers.n_things + 1))


def _expected_of_strictest(n_things: float, seen_here: Rate) -> Rate:
    """Of n things and a stranger, each is of the nearest two with a chance of 2 / (n + 1)."""
    rate = min(1.0, 2 / (n_things + 1))
    low, high = seen_here.interval
    return Rate(rate, (min(low, rate), max(high, rate)))


def _expected(by_model: Rate, seen_here: Rate) -> Rate:
    """The model's rate, unless the gallery's things speak against it; the interval covers both.

    The model's interval is that of the mean over galleries of things like those it was calibrated
    on; only this gallery's own things can tell how far it differs from those.
    """
    low, high = seen_here.interval
    agree = low <= by_model.rate <= high
    return Rate(
        by_model.rate if agree else seen_here.rate,
        (min(low, by_model.interval[0]), max(high, by_model.interval[1])),
    )


def is_enough(trials: Trials) -> bool:
    """Whether a rule, a probability or a share of misses may rest on them."""
    return len(trials) >= LEAST_TRIALS and trials.n_things >= LEAST_THINGS - 1e-6


def kept_told(evidence: Evidence, n_things: int, size: int) -> str:
    """Why this threshold, in a sentence. size: of the gallery in the model's trials."""
    target, model = evidence.target, evidence.model
    needed = things_needed(target)
    if evidence.basis == "gallery":
        return f"estimated from this gallery's own {n_things} things"
    few = (
        f"{needed} things are needed to estimate a threshold for {100 * target:.3g} % false "
        f"accepts from the gallery itself, and it has {n_things}"
    )
    if needed > MOST_THINGS:
        few = f"a target of {100 * target:.3g} % false accepts is too small for any gallery"
    if model is None:
        return (
            f"no threshold: {few}, and the model is not calibrated; run firstsight calibrate "
            "MODEL --data FOLDER, or enroll more things"
        )
    stretched = ", stretched beyond the largest size that it was calibrated at" * (model.ratio > 1)
    kept = f"the model's own at gallery size {size}{stretched}: {few}"
    return kept + LOWERED * evidence.is_foreign
