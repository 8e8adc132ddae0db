"""The last step: from distances to known, unsure or unknown; from one distance to same or not."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import Literal

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.estimated import Estimate
from firstsight.errors import ModelFolderError, UsageError
from firstsight.metrics.intervals import Interval

__all__ = ["SURE", "Decision", "Sameness", "decide", "same"]

SURE = 0.9  # a name below this probability of being right is given as unsure


@dataclass(frozen=True)
class Decision:
    """probability: that the nearest thing is the right one, at even odds of stranger and enrolled;
    None where nothing is known. threshold: in force, None where there is none. margin: how much
    farther the runner-up is, None in a gallery of one. reason: of anything but known, a clause.
    """

    decision: Literal["known", "unsure", "unknown"]
    probability: float | None
    threshold: float | None
    margin: float | None
    reason: str = ""


def decide(
    nearest: float, runner_up: float | None, estimate: Estimate, *, sure: float = SURE
) -> Decision:
    """unknown: the nearest thing is beyond the threshold. unsure: it is within, but the
    probability that it is right is below `sure`, or there is no threshold to go by.

    nearest, runner_up: distances to the two nearest things, by the estimate's rule; a NaN is
    beyond any threshold. Raises UsageError where the runner-up is the nearer.
    """
    if runner_up is not None and runner_up < nearest:
        raise UsageError(
            f"the runner-up at {runner_up} is nearer than the nearest at {nearest}; swap them"
        )
    threshold = estimate.threshold
    if not isfinite(nearest):
        return Decision("unknown", 0.0, threshold, None, "no distance could be measured")
    margin = None if runner_up is None or not isfinite(runner_up) else runner_up - nearest
    likely = estimate.likely_right
    probability = None if likely is None else likely.probability(nearest, margin)
    if threshold is None:
        return Decision("unsure", probability, None, margin, estimate.kept)
    if nearest > threshold:
        reason = f"the nearest thing is farther than the threshold {threshold:.4g}"
        return Decision("unknown", probability, threshold, margin, reason)
    if probability is None:
        reason = "nothing tells how likely the name is right"
        return Decision("unsure", None, threshold, margin, reason)
    if probability < sure:
        reason = f"the name is right with a probability below {100 * sure:.3g} %"
        return Decision("unsure", probability, threshold, margin, reason)
    return Decision("known", probability, threshold, margin)


@dataclass(frozen=True)
class Sameness:
    """probability: of one thing, at even odds of same and different. false_matches: the rate per
    impostor pair that the threshold is for, at most the one asked for; interval: 95 %, by thing.
    misses: share of genuine pairs called different.
    """

    same: bool
    probability: float
    threshold: float
    false_matches: float
    interval: Interval
    misses: float


def same(
    distance: float, calibrated: Calibrated | None, *, false_matches: float = 0.01
) -> Sameness:
    """Are two pictures of one thing? By the largest calibrated rate not above `false_matches`.

    Raises ModelFolderError where the model is not calibrated, UsageError where not for so low a
    rate. A NaN distance is never the same.
    """
    if calibrated is None:
        raise ModelFolderError(
            "the model is not calibrated, so no distance means same or different; "
            "run firstsight calibrate MODEL --data FOLDER"
        )
    rows = [row for row in calibrated.table if row.false_matches <= false_matches * (1 + 1e-9)]
    if not rows:
        least = calibrated.table[0].false_matches
        raise UsageError(
            f"a false-match rate of {false_matches:g} was asked for, but the model is calibrated "
            f"from {least:g} upwards; ask for that, or calibrate it on more classes"
        )
    row = rows[-1]
    return Sameness(
        same=bool(distance <= row.threshold),
        probability=0.0 if isnan(distance) else float(calibrated.verify.probability(distance)),
        threshold=row.threshold,
        false_matches=row.false_matches,
        interval=row.interval,
        misses=row.misses,
    )
