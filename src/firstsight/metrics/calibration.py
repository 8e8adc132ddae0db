"""From a distance to the probability of "same", at even odds of same and different.

Even odds: genuine and impostor pairs count half each, however many there were of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import DataError, ModelFolderError, ShapeError, UsageError

__all__ = [
    "Calibration",
    "ReliabilityBin",
    "fit_calibration",
    "fit_logistic",
    "reliability",
    "reliability_error",
]

Float64 = npt.NDArray[np.float64]

NEWTON_STEPS = 100


@dataclass(frozen=True)
class Calibration:
    """P(same) = 1 / (1 + exp(-(slope * distance + intercept))); the slope is negative as a rule."""

    slope: float
    intercept: float

    def probability(self, distance: npt.ArrayLike) -> Float64:
        """Of any shape, in 0..1; NaN distances give NaN."""
        return _sigmoid(self.slope * np.asarray(distance, np.float64) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        return {"slope": self.slope, "intercept": self.intercept}

    @classmethod
    def from_json(cls, record: object) -> Calibration:
        """Raises ModelFolderError unless `record` holds exactly two finite numbers."""
        numbers = dict(record) if isinstance(record, Mapping) else {}
        if set(numbers) != {"slope", "intercept"} or not all(map(_is_finite, numbers.values())):
            raise ModelFolderError(
                f"the calibration is {record!r}; wanted finite numbers slope and intercept: "
                "calibrate the model again"
            )
        return cls(float(numbers["slope"]), float(numbers["intercept"]))


def fit_calibration(genuine: npt.ArrayLike, impostor: npt.ArrayLike) -> Calibration:
    """Platt's logistic with his smoothed targets (Platt 1999), by Newton (Lin, Lin, Weng 2007).

    genuine, impostor: (n,), (m,) finite distances of held-out pairs, not of training pairs. The
    targets (n+1)/(n+2) and 1/(m+2) keep the slope finite where the sides do not overlap.
    Raises ShapeError where a side is empty, DataError where a distance is not finite.
    """
    genuine, impostor = _require_finite("genuine", genuine), _require_finite("impostor", impostor)
    n, m = len(genuine), len(impostor)
    distance = np.concatenate([genuine, impostor])
    target = np.repeat([(n + 1) / (n + 2), 1 / (m + 2)], [n, m])
    weight = np.repeat([0.5 / n, 0.5 / m], [n, m])
    centre, spread = float(distance.mean()), float(distance.std())
    if spread <= 1e-12 * abs(centre):  # all distances one: nothing to tell the sides by
        share = float(weight @ target)
        return Calibration(0.0, float(np.log(share / (1 - share))))
    scaled = np.stack([(distance - centre) / spread, np.ones_like(distance)], axis=1)
    slope, intercept = map(float, fit_logistic(scaled, target, weight)[0])
    return Calibration(slope / spread, intercept - slope * centre / spread)


@dataclass(frozen=True)
class ReliabilityBin:
    """Pairs of similar probability: what was said, what was so, and their share of all weight."""

    predicted: float
    observed: float
    weight: float


def reliability(
    genuine: npt.ArrayLike, impostor: npt.ArrayLike, *, bins: int = 10
) -> tuple[ReliabilityBin, ...]:
    """Predicted against observed "same" in equal bins of probability, at even odds.

    genuine, impostor: (n,), (m,) probabilities of "same", in 0..1. Empty bins are left out.
    """
    genuine, impostor = _require_finite("genuine", genuine), _require_finite("impostor", impostor)
    probability = np.concatenate([genuine, impostor])
    if bins < 1 or probability.min() < 0 or probability.max() > 1:
        raise UsageError(
            f"got {bins} bins and probabilities from {probability.min():.3g} to "
            f"{probability.max():.3g}; give at least one bin and probabilities in 0..1"
        )
    same = np.repeat([1.0, 0.0], [len(genuine), len(impostor)])
    weight = np.repeat([0.5 / len(genuine), 0.5 / len(impostor)], [len(genuine), len(impostor)])
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    mass = np.bincount(place, weight, bins)
    predicted = np.bincount(place, weight * probability, bins)
    observed = np.bincount(place, weight * same, bins)
    return tuple(
        ReliabilityBin(float(predicted[k] / mass[k]), float(observed[k] / mass[k]), float(mass[k]))
        for k in np.flatnonzero(mass)
    )


def reliability_error(genuine: npt.ArrayLike, impostor: npt.ArrayLike, *, bins: int = 10) -> float:
    """Expected calibration error: the weighted mean gap of predicted and observed, in 0..1."""
    return sum(
        each.weight * abs(each.predicted - each.observed)
        for each in reliability(genuine, impostor, bins=bins)
    )


def fit_logistic(features: Float64, target: Float64, weight: Float64) -> tuple[Float64, float]:
    """Minimise the weighted cross-entropy of sigmoid(features @ coefficients) to `target`.

    features: (n, K), of a spread near one; a constant is a column of ones. target: (n,) in 0..1.
    weight: (n,). Returns the coefficients (K,) and the cross-entropy reached.
    """
    solution = np.zeros(features.shape[1])
    loss = _cross_entropy(features @ solution, target, weight)
    for _ in range(NEWTON_STEPS):
        predicted = _sigmoid(features @ solution)
        gradient = features.T @ (weight * (predicted - target))
        if np.abs(gradient).max() < 1e-12:
            break
        curvature = (features * (weight * predicted * (1 - predicted))[:, None]).T @ features
        step = np.linalg.solve(curvature + 1e-12 * np.eye(len(solution)), gradient)
        scale = 1.0
        while scale > 1e-10:  # halve until the loss falls: Newton overshoots on separable data
            trial = solution - scale * step
            trial_loss = _cross_entropy(features @ trial, target, weight)
            if trial_loss < loss:
                break
            scale /= 2
        else:
            break
        solution, loss = trial, trial_loss
    return solution, loss


def _cross_entropy(logit: Float64, target: Float64, weight: Float64) -> float:
    return float(weight @ (np.logaddexp(0, logit) - target * logit))


def _sigmoid(logit: Float64) -> Float64:
    # tanh overflows on neither side, where exp(-logit) would.
    return 0.5 * (1 + np.tanh(0.5 * logit))


def _require_finite(name: str, given: npt.ArrayLike) -> Float64:
    numbers = np.asarray(given, np.float64)
    if numbers.ndim != 1 or not len(numbers):
        raise ShapeError(
            f"the {name} side has shape {numbers.shape}; give a row of at least one number a side"
        )
    bad = int((~np.isfinite(numbers)).sum())
    if bad:
        raise DataError(
            f"{bad} of {len(numbers)} {name} numbers are not finite; "
            "check the model for NaN embeddings before calibrating"
        )
    return numbers


def _is_finite(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))
    )
