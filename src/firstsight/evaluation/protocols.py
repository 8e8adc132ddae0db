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
from firstsight.evaluation.retrieval import RetrievalPlan, retrieval
from firstsight.evaluation.runs import lake2015
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verifying import (
    Half,
    VerificationPlan,
    crossed_thresholds,
    verification,
    verification_halves,
)
from firstsight.metrics.intervals import interval_by_cluster
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Head

__all__ = [
    "PROTOCOLS",
    "Half",
    "NwayPlan",
    "RetrievalPlan",
    "VerificationPlan",
    "crossed_thresholds",
    "dense",
    "lake2015",
    "nway",
    "retrieval",
    "verification",
    "verification_halves",
]

PROTOCOLS = {
    "lake2015": "the 20 runs: 20-way one-shot within an alphabet, 400 trials (Lake et al. 2015)",
    "dense": "random 20-way one-shot trials within each alphabet, by different drawers",
    "nway": "any number of classes and shots, within groups or across them",
    "verification": "same or different, at a threshold chosen on other classes",
    "retrieval": "every picture asks all others for those of its class",
}

FEWEST_DENSE_TRIALS = 1000

EPISODES, INTERVAL = range(2)  # separate random streams of one seed


@dataclass(frozen=True)
class NwayPlan:
    """Which episodes to draw, and how several shots combine."""

    episodes: EpisodePlan = field(default_factory=EpisodePlan)
    shots: Shots = "prototype"


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
        interval=interval_by_cluster(
            right.ravel(),
            (groups if by_group else labels).ravel(),
            np.random.default_rng([seed, INTERVAL]),
        ),
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
