"""Open set: how often a stranger gets a name, and an enrolled thing does not get its own.

FPIR: share of pictures of strangers whose nearest distance is within the threshold; any name is
a false accept. FNIR: share of pictures of enrolled things that are not given the right name: they
are called unknown, or another thing. (ISO/IEC 19795-1; Phillips, Grother and Micheals 2011.)
Arrays in, figures out: whoever identified the pictures, and how, does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import EpisodeError, ShapeError, UsageError
from firstsight.metrics.intervals import Interval, interval_by_cluster, wilson

__all__ = [
    "RATES",
    "CurvePoint",
    "OpenSetResult",
    "OpenSetSplit",
    "OpenSetTrials",
    "miss_curve",
    "open_set",
    "split_open_set",
]

RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class OpenSetSplit:
    """Rows of pictures, and which class each shows.

    enrolled: (T, K) K pictures of each enrolled class. asked: (E,) their other pictures;
    asked_thing: (E,) 0..T-1. strangers: (S,) pictures of the other classes; stranger_thing: (S,).
    """

    enrolled: Indices
    asked: Indices
    asked_thing: Indices
    strangers: Indices
    stranger_thing: Indices


@dataclass(frozen=True, eq=False)
class OpenSetTrials:
    """Pictures identified in a gallery.

    enrolled_distance: (E,) to the nearest thing; a NaN is never within a threshold.
    enrolled_right: (E,) was that the right thing? enrolled_thing: (E,) which thing is shown.
    stranger_distance, stranger_thing: (S,) of pictures whose things were never enrolled.
    Raises ShapeError where lengths differ or a side is empty.
    """

    enrolled_distance: npt.NDArray[Any]
    enrolled_right: Bools
    enrolled_thing: npt.NDArray[Any]
    stranger_distance: npt.NDArray[Any]
    stranger_thing: npt.NDArray[Any]

    def __post_init__(self) -> None:
        enrolled = {
            np.shape(self.enrolled_distance),
            np.shape(self.enrolled_right),
            np.shape(self.enrolled_thing),
        }
        strangers = {np.shape(self.stranger_distance), np.shape(self.stranger_thing)}
        one_each = len(enrolled) == len(strangers) == 1
        if not one_each or any(len(shape) != 1 or not shape[0] for shape in enrolled | strangers):
            raise ShapeError(
                f"the enrolled trials have shapes {sorted(enrolled)}, the strangers' "
                f"{sorted(strangers)}; give rows of one length a side, at least one picture each"
            )


@dataclass(frozen=True)
class OpenSetResult:
    """Shares in 0..1 at `threshold`, with 95 % intervals by thing.

    false_accepts: FPIR. misses: FNIR. called_unknown, misnamed: the two kinds of misses.
    """

    threshold: float
    n_enrolled: int
    n_enrolled_things: int
    n_strangers: int
    n_stranger_things: int
    false_accepts: float
    false_accepts_interval: Interval
    misses: float
    misses_interval: Interval
    called_unknown: float
    misnamed: float


@dataclass(frozen=True)
class CurvePoint:
    """The FNIR that the largest threshold with an FPIR of at most `at_most` costs.

    threshold: a distance seen, or -inf where even the smallest accepts too many strangers.
    """

    at_most: float
    threshold: float
    false_accepts: float
    misses: float


def split_open_set(labels: Indices, k_shot: int, rng: np.random.Generator) -> OpenSetSplit:
    """Enroll a random half of the classes with k_shot pictures each; the others are strangers.

    labels: (n,). Classes of k_shot pictures or fewer can only be strangers. Raises EpisodeError
    where one of the sides would be empty.
    """
    classes = rng.permutation(np.unique(labels))
    counts = np.bincount(labels)
    able = classes[counts[classes] > k_shot]
    enrolled = able[: len(classes) // 2]
    others = classes[~np.isin(classes, enrolled)]
    if not len(enrolled) or not len(others):
        raise EpisodeError(
            f"cannot judge an open set: {len(able)} of {len(classes)} classes have more than "
            f"{k_shot} pictures; add classes or pictures, or lower k_shot"
        )
    rows = [rng.permutation(np.flatnonzero(labels == each)) for each in enrolled]
    left = [each[k_shot:] for each in rows]
    strangers = np.flatnonzero(np.isin(labels, others))
    return OpenSetSplit(
        enrolled=np.stack([each[:k_shot] for each in rows]),
        asked=np.concatenate(left),
        asked_thing=np.repeat(np.arange(len(left)), [len(each) for each in left]),
        strangers=strangers,
        stranger_thing=labels[strangers],
    )


def open_set(trials: OpenSetTrials, *, threshold: float, rng: np.random.Generator) -> OpenSetResult:
    """Both rates at a threshold that was chosen on other pictures.

    Intervals are bootstrapped by thing. Where all pictures of a side fared alike, or are of one
    thing, a bootstrap says nothing: there Wilson's interval stands, each thing being one trial.
    """
    accepted = np.asarray(trials.stranger_distance) <= threshold
    within = np.asarray(trials.enrolled_distance) <= threshold
    named = within & np.asarray(trials.enrolled_right, np.bool_)
    return OpenSetResult(
        threshold=float(threshold),
        n_enrolled=len(named),
        n_enrolled_things=len(np.unique(trials.enrolled_thing)),
        n_strangers=len(accepted),
        n_stranger_things=len(np.unique(trials.stranger_thing)),
        false_accepts=float(accepted.mean()),
        false_accepts_interval=_interval(accepted, trials.stranger_thing, rng),
        misses=float((~named).mean()),
        misses_interval=_interval(~named, trials.enrolled_thing, rng),
        called_unknown=float((~within).mean()),
        misnamed=float((within & ~named).mean()),
    )


def miss_curve(trials: OpenSetTrials, rates: Sequence[float] = RATES) -> tuple[CurvePoint, ...]:
    """FNIR against FPIR, thresholds being chosen on these very strangers: to compare models.

    Raises UsageError for a rate outside 0..1.
    """
    strangers = np.asarray(trials.stranger_distance, np.float64)
    strangers = np.sort(np.where(np.isnan(strangers), np.inf, strangers))
    thresholds = np.concatenate([[-np.inf], np.unique(strangers[np.isfinite(strangers)])])
    accepted = np.searchsorted(strangers, thresholds, side="right") / len(strangers)
    points = []
    for rate in rates:
        if not 0 <= rate <= 1:
            raise UsageError(f"the false-accept rate is {rate}; give shares between 0 and 1")
        last = int(np.flatnonzero(accepted <= rate)[-1])
        named = (trials.enrolled_distance <= thresholds[last]) & trials.enrolled_right
        misses = float(1 - np.mean(named))
        points.append(CurvePoint(rate, float(thresholds[last]), float(accepted[last]), misses))
    return tuple(points)


def _interval(hits: Bools, thing: npt.NDArray[Any], rng: np.random.Generator) -> Interval:
    if len(np.unique(thing)) < 2:
        return wilson(float(hits.mean()), 1)
    return interval_by_cluster(hits, thing, rng)
