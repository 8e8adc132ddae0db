"""The last step: from distances to known, unsure or unknown; from one distance to same or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite, isnan
from typing import Literal

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.estimated import Estimate
from firstsight.deciding.shares import share_of_nearest
from firstsight.errors import ModelFolderError, UsageError
from firstsight.metrics.intervals import Interval

__all__ = ["SURE", "Decision", "Sameness", "decide", "decide_closed_set", "same"]

SURE = 0.9  # a name below this probability of being right is given as unsure


@dataclass(frozen=True)
class Decision:
    """probability: that the nearest thing is the right one, at even odds of stranger and enrolled
    (in a closed set: if one of them is); None where nothing is known. threshold: in force, None
    where there is none. margin: how much farther the runner-up is, None in a gallery of one.
    reason: of anything but known, a clause.
    """

    decision: Literal["known", "unsure", "unknown"]
    probability: float | None
    threshold: float | None
    margin: float | None
    reason: str = ""


def decide(
    distances: Sequence[float], n_things: int, estimate: Estimate, *, sure: float = SURE
) -> Decision:
    """unknown: the nearest thing is beyond the threshold. unsure: it is within, but the
    probability that it is right is below `sure`, or there is no threshold to go by.

    distances: to the nearest things by the estimate's rule, ascending, as many as it compares or
    all n_things; a NaN is beyond any threshold. Raises UsageError where they do not rise.
    """
    threshold = estimate.threshold
    margin = _margin(distances)
    nearest = distances[0]
    if not isfinite(nearest):
        return Decision("unknown", 0.0, threshold, None, "no distance could be measured")
    probability = _probability(distances, n_things, margin, estimate)
    if threshold is None:
        return Decision("unsure", probability, None, margin, estimate.kept)
    if nearest > threshold:
        reason = f"the nearest thing is farther than the threshold {threshold:.4g}"
        return Decision("unknown", probability, threshold, margin, reason)
    return _named(probability, threshold, margin, sure)


def decide_closed_set(
    distances: Sequence[float], n_things: int, estimate: Estimate, *, sure: float = SURE
) -> Decision:
    """As `decide` where one of the things is shown for certain: never unknown, but where no
    distance could be measured, and without a threshold.
    """
    margin = _margin(distances)
    if not isfinite(distances[0]):
        return Decision("unknown", 0.0, None, None, "no distance could be measured")
    if estimate.sharpness is None:
        return _named(None, None, margin, sure)
    return _named(share_of_nearest(distances, n_things, estimate.sharpness), None, margin, sure)


def _named(
    probability: float | None, threshold: float | None, margin: float | None, sure: float
) -> Decision:
    if probability is None:
        reason = "nothing tells how likely the name is right"
        return Decision("unsure", None, threshold, margin, reason)
    if probability < sure:
        reason = f"the name is right with a probability below {100 * sure:.3g} %"
        return Decision("unsure", probability, threshold, margin, reason)
    return Decision("known", probability, threshold, margin)


def _margin(distances: Sequence[float]) -> float | None:
    if any(later < former for former, later in pairwise(distances)):
        raise UsageError(f"the distances {list(distances[:5])} do not rise; give the nearest first")
    if len(distances) < 2 or not isfinite(distances[1]):
        return None
    return distances[1] - distances[0]


def _probability(
    distances: Sequence[float], n_things: int, margin: float | None, estimate: Estimate
) -> float | None:
    if estimate.likely_right is not None:
        return estimate.likely_right.probability(distances[0], margin)
    if estimate.sharpness is None or estimate.offset is None:
        return None
    return share_of_nearest(distances, n_things, estimate.sharpness, offset=estimate.offset)


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
