"""The named protocols: each turns an `embed` callable and a head into a scorecard."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.data.packed import PackedPictures
from firstsight.errors import UsageError
from firstsight.evaluation.drawers import DrawersPlan, drawers_12_4_4
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.episodes import Shots, score
from firstsight.evaluation.koch2015 import KochPlan, koch2015
from firstsight.evaluation.kshot import kshot_curve
from firstsight.evaluation.retrieval import RetrievalPlan, retrieval
from firstsight.evaluation.runs import lake2015
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verifying import (
    Half,
    VerificationPlan,
    crossed_thresholds,
    require_halves,
    verification,
    verification_halves,
)
from firstsight.evaluation.vinyals import VinyalsPlan, vinyals
from firstsight.metrics.intervals import interval_by_cluster
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Head

__all__ = [
    "PROTOCOLS",
    "DrawersPlan",
    "Half",
    "KochPlan",
    "NwayPlan",
    "RetrievalPlan",
    "VerificationPlan",
    "VinyalsPlan",
    "crossed_thresholds",
    "dense",
    "drawers_12_4_4",
    "koch2015",
    "kshot",
    "lake2015",
    "mnist",
    "nway",
    "require_halves",
    "retrieval",
    "verification",
    "verification_halves",
    "vinyals",
]

PROTOCOLS = {
    "lake2015": "the 20 runs: 20-way one-shot within an alphabet, 400 trials (Lake et al. 2015)",
    "dense": "random 20-way one-shot trials within each alphabet, by different drawers",
    "nway": "any number of classes and shots, within groups or across them",
    "verification": "same or different, at a threshold chosen on other classes",
    "retrieval": "every picture asks all others for those of its class",
    "openset": "half of the things enrolled, half strangers: false accepts and misses",
    "kshot": "accuracy with 1, 2, 3, 5, 10 pictures of each thing enrolled",
    "vinyals": "few-shot across alphabets on 423 test characters (Vinyals et al. 2016)",
    "koch2015": "pairs by new people on new alphabets, 10,000 of them (Koch et al. 2015)",
    "mnist": "10-way one-shot on the digits of MNIST, never trained on (Koch et al. 2015)",
    "omniglot-12-4-4": "pairs of characters that the training knew, by new people: not one-shot",
}

FEWEST_DENSE_TRIALS = 1000
KSHOT_SHOTS = (1, 2, 3, 5, 10)

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


def mnist(
    embed: Embed,
    head: Head,
    pictures: PackedPictures,
    seed: int,
    *,
    k_shot: int = 1,
    trials: int = 10_000,
) -> Scorecard:
    """Accuracy in 10-way trials, one digit asked about in each; nothing was tuned on MNIST.

    The interval is bootstrapped by digit. Raises EpisodeError where a digit has too few pictures.
    """
    episodes = EpisodePlan(
        n_way=10, k_shot=k_shot, n_tasks=trials, within_group=False, distinct_drawers=False
    )
    return _drawn("mnist", (embed, head), pictures, seed, NwayPlan(episodes))


def kshot(
    embed: Embed,
    head: Head,
    pictures: PackedPictures,
    seed: int,
    *,
    n_way: int | None = None,
) -> Scorecard:
    """The curve of accuracy over pictures enrolled a thing; its value is that with one.

    n_way: how many things to tell each picture among; None: all that are measured. n: things
    measured, times draws of pictures. Details: the curve as `kshot_curve` gives it, and told.
    Raises EpisodeError where fewer than two things have two pictures.
    """
    order = np.argsort(pictures.labels, kind="stable")
    vectors = embed_all(embed, pictures.pixels)[order]
    starts = np.searchsorted(pictures.labels[order], np.arange(pictures.n_classes))
    curve = kshot_curve(
        head, vectors, starts, shots=KSHOT_SHOTS, n_way=n_way, rule="prototype", seed=seed
    )
    first = curve.points[0]
    return Scorecard(
        protocol="kshot",
        measure="accuracy",
        value=first.accuracy,
        interval=first.interval,
        n=curve.n_things * curve.repeats,
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={**_plain(curve.to_json()), "told": curve.told, "chance": 1 / curve.n_way},
    )


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Lists where tuples are, as JSON will give them back."""
    plain: dict[str, Any] = json.loads(json.dumps(record))
    return plain


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
    details["chance"] = 1 / plan.episodes.n_way
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
