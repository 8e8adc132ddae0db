"""The named protocols: each turns an `embed` callable and a head into a scorecard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.data.packed import PackedPictures
from firstsight.errors import UsageError
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.episodes import Shots, score
from firstsight.evaluation.runs import lake2015
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verification import draw_pairs, judge, pair_distances
from firstsight.metrics.intervals import Interval, bootstrap_by_cluster, wilson
from firstsight.metrics.roc import best_threshold
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Head

__all__ = [
    "PROTOCOLS",
    "Half",
    "NwayPlan",
    "VerificationPlan",
    "crossed_thresholds",
    "dense",
    "lake2015",
    "nway",
    "verification",
    "verification_halves",
]

PROTOCOLS = {
    "lake2015": "the 20 runs: 20-way one-shot within an alphabet, 400 trials (Lake et al. 2015)",
    "dense": "random 20-way one-shot trials within each alphabet, by different drawers",
    "nway": "any number of classes and shots, within groups or across them",
    "verification": "same or different, at a threshold chosen on other classes",
}

FEWEST_DENSE_TRIALS = 1000

EPISODES, INTERVAL, PAIRS = range(3)  # separate random streams of one seed


@dataclass(frozen=True)
class NwayPlan:
    """Which episodes to draw, and how several shots combine."""

    episodes: EpisodePlan = field(default_factory=EpisodePlan)
    shots: Shots = "prototype"


@dataclass(frozen=True)
class VerificationPlan:
    """n_pairs: a multiple of 4, half genuine. within_group: impostors are of one's own alphabet."""

    n_pairs: int = 10_000
    within_group: bool = True

    def __post_init__(self) -> None:
        if self.n_pairs < 4 or self.n_pairs % 4:
            raise UsageError(
                f"n_pairs is {self.n_pairs}; give a multiple of 4, for two halves of equal sides"
            )


def dense(
    embed: Embed, head: Head, pictures: PackedPictures, seed: int, trials: int = 5000
) -> Scorecard:
    """Accuracy in random 20-way one-shot trials within alphabets, support and query by two people.

    Alphabets are equally likely; those of fewer than 20 characters take no part. The interval is
    bootstrapped by alphabet. UsageError below 1,000 trials, EpisodeError where none can be drawn.
    """
    if trials < FEWEST_DENSE_TRIALS:
        raise UsageError(f"dense with {trials} trials; give at least {FEWEST_DENSE_TRIALS}")
    plan = NwayPlan(EpisodePlan(n_tasks=trials))
    return _drawn("dense", (embed, head), pictures, seed, plan)


def nway(
    embed: Embed, head: Head, pictures: PackedPictures, seed: int, plan: NwayPlan | None = None
) -> Scorecard:
    """Accuracy in episodes of any form; the interval is bootstrapped by group, else by class."""
    return _drawn("nway", (embed, head), pictures, seed, plan or NwayPlan())


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
    embeddings = embed_all(embed, pictures.pixels)
    halves = verification_halves(embeddings, head, pictures, seed, plan)
    return _verification_card(halves, pictures, seed, plan)


def verification_halves(
    embeddings: npt.NDArray[np.float32],
    head: Head,
    pictures: PackedPictures,
    seed: int,
    plan: VerificationPlan,
) -> tuple[Half, Half]:
    """The very pairs that `verification` judges by, as distances; embeddings (N, D)."""
    by_group = plan.within_group and len(np.unique(pictures.groups)) > 1
    units = pictures.groups if by_group else pictures.labels
    rng = np.random.default_rng([seed, PAIRS])
    halves = []
    for rows in _halved(units, rng):
        groups = pictures.groups[rows] if plan.within_group else None
        pairs = draw_pairs(pictures.labels[rows], groups, plan.n_pairs // 2, rng)
        distances = pair_distances(pairs, embeddings[rows], head)
        halves.append(Half(distances, pairs.same, units[rows][pairs.first]))
    return halves[0], halves[1]


def crossed_thresholds(halves: Sequence[Half]) -> list[float]:
    """The threshold that each half is judged at: the best of the other; -inf accepts nothing."""
    return [best_threshold(*half.sides) for half in reversed(halves)]


def _drawn(
    protocol: str,
    model: tuple[Embed, Head],
    pictures: PackedPictures,
    seed: int,
    plan: NwayPlan,
) -> Scorecard:
    embed, head = model
    episodes = draw_episodes(
        pictures.labels,
        pictures.groups,
        pictures.drawers,
        plan.episodes,
        np.random.default_rng([seed, EPISODES]),
    )
    right = score(episodes, embed_all(embed, pictures.pixels), head, plan.shots)
    labels = pictures.labels[episodes.query]
    groups = pictures.class_groups[labels]
    by_group = plan.episodes.within_group and len(np.unique(groups)) > 1
    details: dict[str, Any] = {**asdict(plan.episodes), "shots": plan.shots}
    if by_group:
        details["accuracy_by_group"] = _by_group(right, groups, pictures.group_names)
    return Scorecard(
        protocol=protocol,
        measure="accuracy",
        value=float(right.mean()),
        interval=_interval(right, groups if by_group else labels, seed),
        n=right.size,
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={**details, "interval_by": "group" if by_group else "class"},
    )


def _by_group(
    right: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], names: Sequence[str]
) -> dict[str, float]:
    """Accuracy in each group that took part, by its name."""
    return {names[group]: float(right[groups == group].mean()) for group in np.unique(groups)}


def _interval(
    right: npt.NDArray[np.float64], clusters: npt.NDArray[np.int64], seed: int
) -> Interval:
    if len(np.unique(clusters)) < 2:  # a handful of trials: nothing to draw again
        return wilson(float(right.sum()), right.size)
    rng = np.random.default_rng([seed, INTERVAL])
    return bootstrap_by_cluster(right.ravel(), clusters.ravel(), rng)


@dataclass(frozen=True, eq=False)
class Half:
    """Pairs of one half of the classes: distances, same, cluster of each, (P,)."""

    distances: npt.NDArray[np.float32]
    same: npt.NDArray[np.bool_]
    clusters: npt.NDArray[np.int64]

    @property
    def sides(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        return self.distances[self.same], self.distances[~self.same]


def _halved(
    units: npt.NDArray[np.int64], rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of a random half of the groups (or classes), and the other rows."""
    names = rng.permutation(np.unique(units))
    chosen = np.isin(units, names[: len(names) // 2])
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def _verification_card(
    halves: Sequence[Half], pictures: PackedPictures, seed: int, plan: VerificationPlan
) -> Scorecard:
    thresholds = crossed_thresholds(halves)
    crossed = list(zip(halves, thresholds, strict=True))
    results = [judge(*half.sides, threshold=threshold) for half, threshold in crossed]
    right = np.concatenate([(half.distances <= at) == half.same for half, at in crossed])
    clusters = np.concatenate([half.clusters for half in halves])
    rates = ("auc", "equal_error_rate", "true_accept_1", "true_accept_10")
    return Scorecard(
        protocol="verification",
        measure="accuracy",
        value=float(right.mean()),
        interval=_interval(right.astype(np.float64), clusters, seed),
        n=len(right),
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={
            **{
                rate: float(np.mean([getattr(result, rate) for result in results]))
                for rate in rates
            },
            # JSON has no infinity: None stands for "accept nothing".
            "thresholds": [at if np.isfinite(at) else None for at in thresholds],
            "within_group": plan.within_group,
        },
    )
