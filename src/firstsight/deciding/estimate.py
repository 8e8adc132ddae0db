"""What to expect of identification in one gallery: rule, threshold, rates, probability.

A gallery of enough distinct things is tried on itself. A smaller one goes by the model's own
calibration at that size, and says so; without one there is no threshold, and nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from firstsight.deciding.calibrated import Calibrated, SizedTrials
from firstsight.deciding.combining import RULES, GalleryVectors, Rule
from firstsight.deciding.estimated import Estimate
from firstsight.deciding.evidence import (
    LEAST_THINGS,
    LEAST_TRIALS,
    MOST_THINGS,
    Evidence,
    is_enough,
    kept_told,
    things_needed,
    thresholds_of,
)
from firstsight.deciding.leaving_out import MOST_QUERIES, LeftOut, leave_one_out
from firstsight.deciding.likelihood import fit_likely_right
from firstsight.deciding.posing import apart, pose, posed_by_verdicts
from firstsight.deciding.shares import fit_sharpness, join_posed, offset_of
from firstsight.deciding.trials import BothSides, VerdictLike, join_trials, trials_of_verdicts
from firstsight.errors import GalleryError, UsageError
from firstsight.similarity import Head

__all__ = ["Estimate", "estimate", "things_needed"]

LOW_QUANTILE = 0.1


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
    evidence = Evidence(
        own=left_out.by_rule[chosen],
        model=model,
        verdicts=trials_of_verdicts(verdicts),
        target=target,
        seed=seed,
    )
    telling = calibrated if calibrated is not None and calibrated.tells_things_apart else None
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
        kept=kept_told(evidence, n_things, size),
        **thresholds_of(evidence),
        **likely,
        **shares,
    )


def _accuracies(by_rule: dict[Rule, BothSides]) -> dict[Rule, float] | None:
    """How often each rule names the gallery's own photos rightly, and nearer than a stranger.

    Every thing counts once, against a stranger drawn among the gallery's own things. Naming
    rightly is not enough: a rule is also there to tell the known from the unknown.
    """
    if not is_enough(by_rule["best"].enrolled):
        return None
    return {rule: _named_before_strangers(trials) for rule, trials in by_rule.items()}


def _named_before_strangers(trials: BothSides) -> float:
    enrolled, strangers = trials.enrolled, trials.strangers
    order = np.argsort(strangers.distance, kind="stable")
    as_near = np.concatenate([[0.0], np.cumsum(strangers.weight[order])])
    place = np.searchsorted(strangers.distance[order], enrolled.distance, side="right")
    farther = 1 - as_near[place] / as_near[-1]  # share of strangers beyond each photo
    named = float(enrolled.weight @ (enrolled.right * farther) / enrolled.n_things)
    return min(1.0, named)  # weights that are no whole parts of 1 add up to a hair more


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
    if not is_enough(strangers):
        size = n_photos if rule == "best" else n_things
        return (None if calibrated is None else calibrated.at_size(size)), size
    if calibrated is None:
        return None, n_things
    by_rule, by_single = (
        np.quantile(trials.distance, LOW_QUANTILE) for trials in (strangers, own.single)
    )
    return calibrated.at_size(n_things).shifted(float(by_rule - by_single)), n_things


def _probability(evidence: Evidence) -> dict[str, Any]:
    """The fields `likely_right` and `likely_right_basis`.

    Each side is the gallery's own where that is enough, else the model's; "gallery" means both
    are. At more photos than the model was tried at, its largest size stands in.
    """
    enrolled, basis = evidence.enrolled
    strangers = evidence.own.strangers
    if not is_enough(strangers):
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
    evidence: Evidence,
    calibrated: Calibrated | None,
) -> dict[str, Any]:
    """The fields `sharpness`, `sharpness_basis` and `offset`; the latter is None where nothing
    tells that the gallery is foreign to the model.
    """
    is_own = is_enough(evidence.own.enrolled)
    if not is_own and calibrated is None:
        return {"sharpness": None, "sharpness_basis": "none", "offset": None}
    posed = posed_by_verdicts(evidence.verdicts.enrolled)
    if len(vectors.starts) > 1:
        posed = join_posed(pose(head, vectors, rule, seed=evidence.seed), posed)
    sharpness = fit_sharpness(posed, None if calibrated is None else calibrated.sharpness)
    offset = None
    if calibrated is not None and evidence.is_foreign and not is_own:
        told = evidence.verdicts.strangers
        between, weight = apart(head, vectors, rule, told, seed=evidence.seed)
        verify = calibrated.verify
        even = verify.intercept / -verify.slope  # the distance at which the model's odds are one
        offset = offset_of(between, weight, sharpness, model=sharpness * even)
    basis = "gallery" if is_own else "model"
    return {"sharpness": sharpness, "sharpness_basis": basis, "offset": offset}
