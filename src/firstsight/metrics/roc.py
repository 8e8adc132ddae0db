"""How well distances tell genuine pairs (one class) from impostor pairs (two classes).

Everywhere a pair is accepted as "same" where distance <= threshold. A NaN distance is never
accepted, as in use; it counts as the largest distance there is.

false-match rate (FMR): share of impostor pairs accepted; "false-accept rate" is the same thing.
true-match rate (TMR): share of genuine pairs accepted; "true-accept rate" is the same thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError, UsageError

__all__ = [
    "Accuracy",
    "RocCurve",
    "accuracy_at",
    "area_under_curve",
    "best_threshold",
    "equal_error_rate",
    "roc_curve",
    "true_accept_rate",
]

Distances = npt.ArrayLike
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RocCurve:
    """Rates at every threshold that makes a difference, from "accept nothing" upwards.

    thresholds: (P,) rising, the first -inf, then each distinct distance.
    false_match_rate, true_match_rate: (P,) in 0..1, from 0 to 1, never falling.
    """

    thresholds: Float64
    false_match_rate: Float64
    true_match_rate: Float64


@dataclass(frozen=True)
class Accuracy:
    """Shares of right verdicts, in 0..1.

    plain: over all pairs as they came. balanced: the mean of TMR and 1 - FMR, as if both sides
    were equally many; the two agree where they are.
    """

    plain: float
    balanced: float


def roc_curve(genuine: Distances, impostor: Distances) -> RocCurve:
    """The curve over all distinct distances; ShapeError where a side is empty."""
    genuine, impostor = _sorted_sides(genuine, impostor)
    distances = np.unique(np.concatenate([genuine, impostor]))
    thresholds = np.concatenate([[-np.inf], distances[distances > -np.inf]])
    return RocCurve(
        thresholds, _accepted_share(impostor, thresholds), _accepted_share(genuine, thresholds)
    )


def area_under_curve(genuine: Distances, impostor: Distances) -> float:
    """P(genuine < impostor) + P(equal) / 2: the Mann-Whitney statistic, exact under ties."""
    genuine, impostor = _sorted_sides(genuine, impostor)
    below = np.searchsorted(genuine, impostor, side="left")  # genuine pairs strictly closer
    not_above = np.searchsorted(genuine, impostor, side="right")
    # Whole numbers up to here, so no rounding whatever the order.
    return float(int(below.sum()) + int(not_above.sum())) / (2 * len(genuine) * len(impostor))


def equal_error_rate(genuine: Distances, impostor: Distances) -> float:
    """Where FMR equals the miss rate 1 - TMR, between the curve's points by a straight line."""
    curve = roc_curve(genuine, impostor)
    false_match, miss = curve.false_match_rate, 1 - curve.true_match_rate
    excess = false_match - miss  # rises from -1 to 1
    after = int(np.argmax(excess >= 0))
    share = -excess[after - 1] / (excess[after] - excess[after - 1])
    return float(false_match[after - 1] + share * (false_match[after] - false_match[after - 1]))


def true_accept_rate(
    genuine: Distances, impostor: Distances, *, false_accept_rate: float
) -> tuple[float, float]:
    """TMR at the largest observed distance whose FMR does not exceed `false_accept_rate`.

    Returns (rate, threshold); the threshold is -inf (accept nothing) where even the smallest
    distance accepts too many impostors. UsageError for a rate outside 0..1.
    """
    if not 0 <= false_accept_rate <= 1:
        raise UsageError(
            f"the false-accept rate is {false_accept_rate}; give a share between 0 and 1"
        )
    curve = roc_curve(genuine, impostor)
    last = int(np.flatnonzero(curve.false_match_rate <= false_accept_rate)[-1])
    return float(curve.true_match_rate[last]), float(curve.thresholds[last])


def best_threshold(genuine: Distances, impostor: Distances) -> float:
    """The threshold of the highest balanced accuracy; the smallest such where several are.

    It lies halfway to the next larger distance, since nothing between the two was seen. It is
    -inf (accept nothing) where no threshold beats that.
    """
    curve = roc_curve(genuine, impostor)
    best = int(np.argmax(curve.true_match_rate - curve.false_match_rate))
    here, after = curve.thresholds[best], curve.thresholds[min(best + 1, len(curve.thresholds) - 1)]
    halfway = here + (after - here) / 2 if np.isfinite(here) and np.isfinite(after) else here
    # The middle of two neighbouring floats may round up to the larger one.
    return float(halfway if halfway < after else here)


def accuracy_at(genuine: Distances, impostor: Distances, threshold: float) -> Accuracy:
    """What `threshold`, chosen on other pairs, achieves on these."""
    genuine, impostor = _sorted_sides(genuine, impostor)
    accepted = _accepted_share(genuine, np.float64(threshold))
    rejected = 1 - _accepted_share(impostor, np.float64(threshold))
    right = accepted * len(genuine) + rejected * len(impostor)
    return Accuracy(
        plain=float(right / (len(genuine) + len(impostor))),
        balanced=float((accepted + rejected) / 2),
    )


def _sorted_sides(genuine: Distances, impostor: Distances) -> tuple[Float64, Float64]:
    sides = []
    for name, given in (("genuine", genuine), ("impostor", impostor)):
        distances = np.asarray(given, np.float64)
        if distances.ndim != 1 or not len(distances):
            raise ShapeError(
                f"the {name} distances have shape {distances.shape}; "
                "give a row of at least one distance for each side"
            )
        sides.append(np.sort(np.where(np.isnan(distances), np.inf, distances)))
    return sides[0], sides[1]


def _accepted_share(ordered: Float64, thresholds: Any) -> Any:
    return np.searchsorted(ordered, thresholds, side="right") / len(ordered)
