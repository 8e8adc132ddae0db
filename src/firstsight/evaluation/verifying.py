"""Same or different, at a threshold chosen on other classes (the protocol `verification`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError, UsageError
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verification import draw_pairs, judge, pair_distances
from firstsight.metrics.calibration import Calibration, reliability_error
from firstsight.metrics.intervals import interval_by_pair
from firstsight.metrics.roc import best_threshold, true_accept_rate
from firstsight.sampling.pairs import PairPopulation
from firstsight.similarity import Head

__all__ = [
    "Half",
    "VerificationPlan",
    "crossed_thresholds",
    "pair_details",
    "rates_at_target",
    "require_halves",
    "verification",
    "verification_halves",
]

PAIRS, INTERVAL = 2, 1  # separate random streams of one seed

Indices = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class VerificationPlan:
    """n_pairs: a multiple of 4, half genuine. within_group: impostors are of one's own alphabet.

    calibration: what the model says of its own distances, to be held against what is so.
    false_accepts: share of impostor pairs, 0..1, that a second threshold is chosen to let pass.
    """

    n_pairs: int = 10_000
    within_group: bool = True
    calibration: Calibration | None = None
    false_accepts: float = 0.01

    def __post_init__(self) -> None:
        if self.n_pairs < 4 or self.n_pairs % 4:
            raise UsageError(
                f"n_pairs is {self.n_pairs}; give a multiple of 4, for two halves of equal sides"
            )


@dataclass(frozen=True, eq=False)
class Half:
    """Pairs of one half of the classes: distances, same, (P,); things (2, P): the class, or the
    alphabet, of either picture."""

    distances: Float32
    same: npt.NDArray[np.bool_]
    things: Indices

    @property
    def sides(self) -> tuple[Float32, Float32]:
        """The distances of genuine and of impostor pairs."""
        return self.distances[self.same], self.distances[~self.same]

    def right_at(self, threshold: float) -> npt.NDArray[np.bool_]:
        """(P,) whether "same" is said of each pair exactly where it is so."""
        accepted: npt.NDArray[np.bool_] = self.distances <= threshold
        right: npt.NDArray[np.bool_] = accepted == self.same
        return right


def verification(
    embed: Embed,
    head: Head,
    pictures: PackedPictures,
    seed: int,
    plan: VerificationPlan | None = None,
) -> Scorecard:
    """Accuracy of "same or different", half the pairs genuine, at a threshold chosen elsewhere.

    The groups (within_group, two or more of them) or else the classes are halved at random; each
    half is judged at the best threshold of the other; every figure is the mean of the two. The
    interval is bootstrapped by group, else by class. DataError where no pairs can be drawn.
    """
    plan = plan or VerificationPlan()
    require_halves(pictures, seed, plan)
    embeddings = embed_all(embed, pictures.pixels)
    halves = verification_halves(embeddings, head, pictures, seed, plan)
    return _verification_card(halves, pictures, seed, plan)


def require_halves(pictures: PackedPictures, seed: int, plan: VerificationPlan) -> None:
    """DataError where a half of the classes, or of the groups, has no pairs of both kinds."""
    units = _units(pictures, plan)
    for rows in _halved(units, np.random.default_rng([seed, PAIRS])):
        try:
            groups = pictures.groups[rows] if plan.within_group else None
            PairPopulation(pictures.labels[rows], groups)
        except DataError as trouble:
            able = int((np.bincount(pictures.labels) > 1).sum())
            what, wanted = "classes", "two classes, one of them with two pictures"
            if units is not pictures.labels:
                what, wanted = "groups", f"a group of {wanted}"
            enough = "; four such classes are enough" if able < 4 and what == "classes" else ""
            raise DataError(
                f"verification halves the {what}, and each half needs {wanted}{enough}; here "
                f"{able} of {pictures.n_classes} classes have two pictures: add classes, or hold "
                "out more of them"
            ) from trouble


def verification_halves(
    embeddings: npt.NDArray[Any],
    head: Head,
    pictures: PackedPictures,
    seed: int,
    plan: VerificationPlan,
) -> tuple[Half, Half]:
    """The very pairs that `verification` judges by, as distances; embeddings (N, D)."""
    units, rng = _units(pictures, plan), np.random.default_rng([seed, PAIRS])
    halves = []
    for rows in _halved(units, rng):
        groups = pictures.groups[rows] if plan.within_group else None
        pairs = draw_pairs(pictures.labels[rows], groups, plan.n_pairs // 2, rng)
        distances = pair_distances(pairs, embeddings[rows], head)
        halves.append(Half(distances, pairs.same, pairs.of(units[rows])))
    return halves[0], halves[1]


def crossed_thresholds(halves: Sequence[Half]) -> list[float]:
    """The threshold that each half is judged at: the best of the other; -inf accepts nothing."""
    return [best_threshold(*half.sides) for half in reversed(halves)]


def rates_at_target(parts: Sequence[Half], target: float) -> dict[str, Any]:
    """What a threshold for so many false accepts, chosen on all other parts, does to each part.

    Shares in 0..1, each the mean over the parts: of genuine pairs accepted, of impostor pairs
    accepted (which the choice aimed at, and may miss), and the thresholds themselves.
    """
    thresholds, accepted = [], []
    for number, part in enumerate(parts):
        others = [other.sides for other in (*parts[:number], *parts[number + 1 :])]
        genuine, impostor = (np.concatenate(side) for side in zip(*others, strict=True))
        at = true_accept_rate(genuine, impostor, false_accept_rate=target)[1]
        thresholds.append(at if np.isfinite(at) else None)
        accepted.append([float((side <= at).mean()) for side in part.sides])
    true_accepts, false_accepts = np.mean(accepted, axis=0).tolist()
    return {
        "true_accepts_at_target": true_accepts,
        "false_accepts_at_target": false_accepts,
        "target_thresholds": thresholds,
    }


def pair_details(
    parts: Sequence[Half], thresholds: Sequence[float], calibration: Calibration | None
) -> dict[str, Any]:
    """Rates in 0..1, each the mean over the parts, and the thresholds they were judged at.

    Of a calibrated model also how far its probabilities are off: the expected calibration error,
    at even odds of same and different.
    """
    results = [judge(*part.sides, threshold=at) for part, at in zip(parts, thresholds, strict=True)]
    rates = ("auc", "equal_error_rate", "true_accept_1", "true_accept_10")
    details: dict[str, Any] = {
        rate: float(np.mean([getattr(result, rate) for result in results])) for rate in rates
    }
    if calibration is not None:
        told = [[calibration.probability(side) for side in part.sides] for part in parts]
        details["reliability_error"] = float(np.mean([reliability_error(*sides) for sides in told]))
    # JSON has no infinity: None stands for "accept nothing".
    details["thresholds"] = [at if np.isfinite(at) else None for at in thresholds]
    return details


def _verification_card(
    halves: Sequence[Half], pictures: PackedPictures, seed: int, plan: VerificationPlan
) -> Scorecard:
    thresholds = crossed_thresholds(halves)
    right = np.concatenate([half.right_at(at) for half, at in zip(halves, thresholds, strict=True)])
    things = np.concatenate([half.things for half in halves], axis=1)
    return Scorecard(
        protocol="verification",
        measure="accuracy",
        value=float(right.mean()),
        interval=interval_by_pair(right, things, np.random.default_rng([seed, INTERVAL])),
        n=len(right),
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={
            **pair_details(halves, thresholds, plan.calibration),
            **rates_at_target(halves, plan.false_accepts),
            "target": plan.false_accepts,
            "within_group": plan.within_group,
        },
    )


def _units(pictures: PackedPictures, plan: VerificationPlan) -> Indices:
    """(N,) what is halved, and drawn again: the groups, where pairs are of one, or the classes."""
    by_group = plan.within_group and len(np.unique(groups := pictures.groups)) > 1
    return groups if by_group else pictures.labels


def _halved(units: Indices, rng: np.random.Generator) -> tuple[Indices, Indices]:
    """Rows of a random half of the groups (or classes), and the other rows."""
    names = rng.permutation(np.unique(units))
    chosen = np.isin(units, names[: len(names) // 2])
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)
