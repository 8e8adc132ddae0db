"""What to expect of identification in one gallery: rule, threshold, rates, probability.

A gallery of enough distinct things is tried on itself. A smaller one goes by the model's own
calibration at that size, and says so; without one there is no threshold, and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Any

import numpy as np

from firstsight.deciding.calibrated import Calibrated, SizedTrials
from firstsight.deciding.combining import RULES, GalleryVectors, Rule
from firstsight.deciding.estimated import Basis, Estimate
from firstsight.deciding.leaving_out import MOST_QUERIES, LeftOut, leave_one_out
from firstsight.deciding.likelihood import fit_likely_right
from firstsight.deciding.posing import apart, pose, posed_by_verdicts
from firstsight.deciding.shares import fit_sharpness, join_posed, offset_of
from firstsight.deciding.thresholds import (
    Rate,
    false_accept_rate,
    miss_rate,
    threshold_for,
    threshold_interval,
)
from firstsight.deciding.trials import (
    BothSides,
    Trials,
    VerdictLike,
    join_trials,
    trials_of_verdicts,
)
from firstsight.errors import GalleryError, UsageError
from firstsight.metrics.calibration import Calibration
from firstsight.similarity import Head

__all__ = ["Estimate", "estimate", "things_needed"]

LEAST_TRIALS = 20  # of one side, to choose a rule, fit a probability or count misses by
LEAST_THINGS = 10  # that those come from
LOW_QUANTILE = 0.1
LOWERED = (
    "; lowered, for by the model's threshold too many of this gallery's own things would pass for "
    "one another"
)
MOST_THINGS = 5000  # tried as strangers where a small target asks for so many


def things_needed(target: float) -> int:
    """How many distinct things a threshold for `target` false accepts takes: 3 / target."""
    return ceil(3 / target - 1e-9)


def estimate(
    head: Head,
    vectors: GalleryVectors,
    *,
    calibrated: Calibrated | None,
    target: float = 0.01,
    verdicts: Sequence[VerdictLike] = (),
    rule: Rule | None = None,
    seed: int = 0,
) -> Estimate:
    """Everything that `decide` needs, and how far it may be trusted.

    calibrated: what the model knows about itself. target: wanted share of strangers that get any
    name. verdicts: those that still count. rule: None lets the gallery choose.
    Verdicts are further trials: they move threshold and probability at once, but the threshold
    never beyond its interval without them. Rates are counted without them, since answers that
    somebody judged are no fair sample. Work stays bounded, see `leave_one_out`; the same seed
    gives the same estimate. Raises GalleryError for an empty gallery, UsageError for an
    impossible target or rule.
    """
    if not 0 < target < 1:
        raise UsageError(f"the target is {target} false accepts; give a share between 0 and 1")
    if rule is not None and rule not in RULES:
        raise UsageError(f"the rule is {rule!r}; give one of {', '.join(RULES)}")
    n_things, n_photos = len(vectors.starts), len(vectors.vectors)
    if not n_things:
        raise GalleryError("the gallery is empty; enroll something first")
    most = max(MOST_QUERIES, min(things_needed(target), MOST_THINGS))
    # By the model's threshold more may pass than by the gallery's own.
    reach = 3 * target if n_things >= things_needed(target) else 1.0
    left_out = leave_one_out(head, vectors, reach=reach, most=most, seed=seed)
    accuracies = _accuracies(left_out.by_rule)
    chosen, rule_kept = _choose_rule(rule, accuracies)
    model, size = _model_trials(calibrated, (n_things, n_photos), chosen, left_out)
    evidence = _Evidence(
        own=left_out.by_rule[chosen],
        model=model,
        verdicts=trials_of_verdicts(verdicts),
        target=target,
        seed=seed,
    )
    telling = None if calibrated is None or calibrated.verify.slope >= 0 else calibrated.verify
    shares = _shares(head, vectors, chosen, evidence, telling)
    likely = _probability(evidence)
    if shares["offset"] is not None:  # the model's trials say nothing of things unlike its own
        likely["likely_right"] = None
    return Estimate(
        rule=chosen,
        accuracies=accuracies,
        rule_kept=rule_kept,
        target=target,
        n_things=n_things,
        n_photos=n_photos,
        n_verdicts=len(verdicts),
        kept=_kept(evidence, n_things, size),
        **_thresholds(evidence),
        **likely,
        **shares,
    )


@dataclass(frozen=True, eq=False)
class _Evidence:
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
    def is_foreign(self) -> bool:
        """Whether by the model's threshold too many of this gallery's own things would pass for one
        another: they are unlike those that it was calibrated on. One pair of look-alikes among
        others does not show that.
        """
        strangers = self.own.strangers
        if self.model is None or strangers.n_things < 2 - 1e-6:
            return False
        usual = threshold_for(self.model.trials.strangers, self.model.unscaled(self.target))
        passing = strangers.distance <= usual
        rng = np.random.default_rng(self.seed)
        least = false_accept_rate(strangers, usual, rng, chosen_here=False).interval[0]
        several = len(np.unique(strangers.cluster[passing])) > 1 or bool(passing.all())
        return least > self.target and several


def _accuracies(by_rule: dict[Rule, BothSides]) -> dict[Rule, float] | None:
    """How often each rule names the gallery's own photos rightly, and nearer than a stranger.

    Every thing counts once, against a stranger drawn among the gallery's own things. Naming
    rightly is not enough: a rule is also there to tell the known from the unknown.
    """
    if not _is_enough(by_rule["best"].enrolled):
        return None
    return {rule: _named_before_strangers(trials) for rule, trials in by_rule.items()}


def _named_before_strangers(trials: BothSides) -> float:
    enrolled, strangers = trials.enrolled, trials.strangers
    order = np.argsort(strangers.distance, kind="stable")
    as_near = np.concatenate([[0.0], np.cumsum(strangers.weight[order])])
    place = np.searchsorted(strangers.distance[order], enrolled.distance, side="right")
    farther = 1 - as_near[place] / as_near[-1]  # share of strangers beyond each photo
    return float(enrolled.weight @ (enrolled.right * farther) / enrolled.n_things)


def _choose_rule(given: Rule | None, accuracies: dict[Rule, float] | None) -> tuple[Rule, str]:
    if given is not None:
        return given, "as asked"
    if accuracies is None:
        return "best", (
            f"kept: to compare rules takes {LEAST_THINGS} things with two photos or more, "
            f"{LEAST_TRIALS} photos in all"
        )
    # RULES begins with "best", and max keeps the first of equals (but for rounding).
    chosen = max(RULES, key=lambda rule: round(accuracies[rule], 9))
    return chosen, (
        "named most of this gallery's own photos rightly and nearer than strangers, each left out "
        "in turn"
    )


def _model_trials(
    calibrated: Calibrated | None, counts: tuple[int, int], rule: Rule, own: LeftOut
) -> tuple[SizedTrials | None, int]:
    """The model's trials at this gallery's size, as distances by that rule; and that size.

    counts: things, photos. The trials were made with one photo a thing. What several photos add to
    a distance, or take off, is read from this gallery's things as strangers, at a low quantile
    that a few dozen trials still support. Where there are too few of them, "best" counts every
    photo as one more thing to be near to, which errs to the safe side.
    """
    n_things, n_photos = counts
    strangers = own.by_rule[rule].strangers
    if not _is_enough(strangers):
        size = n_photos if rule == "best" else n_things
        return (None if calibrated is None else calibrated.at_size(size)), size
    if calibrated is None:
        return None, n_things
    by_rule, by_single = (
        np.quantile(trials.distance, LOW_QUANTILE) for trials in (strangers, own.single)
    )
    return calibrated.at_size(n_things).shifted(float(by_rule - by_single)), n_things


def _thresholds(evidence: _Evidence) -> dict[str, Any]:
    """The fields of an Estimate from `basis` to `on_average`."""
    own, basis = evidence.own, evidence.basis
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
    enrolled, misses_basis = _enrolled(evidence)
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


def _enrolled(evidence: _Evidence) -> tuple[Trials | None, Basis]:
    if _is_enough(evidence.own.enrolled):
        return evidence.own.enrolled, "gallery"
    if evidence.model is not None:
        return evidence.model.trials.enrolled, "model"
    return None, "none"


def _probability(evidence: _Evidence) -> dict[str, Any]:
    """The fields `likely_right` and `likely_right_basis`.

    Each side is the gallery's own where that is enough, else the model's; "gallery" means both
    are. At more photos than the model was tried at, its largest size stands in.
    """
    enrolled, basis = _enrolled(evidence)
    strangers = evidence.own.strangers
    if not _is_enough(strangers):
        if evidence.model is None:
            enrolled = None
        else:
            strangers, basis = evidence.model.trials.strangers, "model"
    if enrolled is None:
        return {"likely_right": None, "likely_right_basis": "none"}
    sides = BothSides(
        join_trials(strangers, evidence.verdicts.strangers),
        join_trials(enrolled, evidence.verdicts.enrolled),
    )
    return {"likely_right": fit_likely_right(sides), "likely_right_basis": basis}


def _shares(
    head: Head,
    vectors: GalleryVectors,
    rule: Rule,
    evidence: _Evidence,
    verify: Calibration | None,
) -> dict[str, Any]:
    """The fields `sharpness`, `sharpness_basis` and `offset`; the latter is None where nothing
    tells that the gallery is foreign to the model.
    """
    is_own = _is_enough(evidence.own.enrolled)
    if not is_own and verify is None:
        return {"sharpness": None, "sharpness_basis": "none", "offset": None}
    posed = posed_by_verdicts(evidence.verdicts.enrolled)
    if len(vectors.starts) > 1:
        posed = join_posed(pose(head, vectors, rule, seed=evidence.seed), posed)
    sharpness, offset = fit_sharpness(posed, None if verify is None else -verify.slope), None
    if verify is not None and evidence.is_foreign and not is_own:
        told = evidence.verdicts.strangers
        between, weight = apart(head, vectors, rule, told, seed=evidence.seed)
        even = verify.intercept / -verify.slope  # the distance at which the model's odds are one
        offset = offset_of(between, weight, sharpness, model=sharpness * even)
    basis = "gallery" if is_own else "model"
    return {"sharpness": sharpness, "sharpness_basis": basis, "offset": offset}


def _is_enough(trials: Trials) -> bool:
    return len(trials) >= LEAST_TRIALS and trials.n_things >= LEAST_THINGS - 1e-6


def _kept(evidence: _Evidence, n_things: int, size: int) -> str:
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
