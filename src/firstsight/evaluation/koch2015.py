"""Verification and one-shot trials by new people on new alphabets (the protocol `koch2015`).

Koch, Zemel, Salakhutdinov 2015, sections 4.1 to 4.3; `firstsight.data.omniglot_parts` tells which
alphabets and drawers, which they never published.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.data.packed import PackedPictures
from firstsight.data.splits import require_no_shared_classes
from firstsight.errors import UsageError
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.episodes import score
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verification import draw_pairs, pair_distances
from firstsight.evaluation.verifying import Half, pair_details
from firstsight.metrics.calibration import Calibration
from firstsight.metrics.intervals import interval_by_cluster, interval_by_pair
from firstsight.metrics.roc import best_threshold
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Head

__all__ = ["KochPlan", "koch2015"]

VALIDATION, TEST, TRIALS, INTERVAL = range(60, 64)  # separate random streams of one seed

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class KochPlan:
    """n_pairs: on either side, half of them genuine. n_tasks: of 20 one-shot trials each."""

    n_pairs: int = 10_000
    n_tasks: int = 20
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if self.n_pairs < 2 or self.n_pairs % 2:
            raise UsageError(f"n_pairs is {self.n_pairs}; give an even number from 2")


def koch2015(
    embed: Embed,
    head: Head,
    sides: tuple[PackedPictures, PackedPictures],
    seed: int,
    plan: KochPlan | None = None,
) -> Scorecard:
    """Accuracy on pairs of the test alphabets at the threshold that is best on the validation ones.

    sides: the pictures to choose the threshold on, and to judge on; DataError where they share a
    class. Both pictures of a pair are of one alphabet, alphabets being equally likely. Details: the
    rates of the test pairs, and accuracy in 20-way one-shot trials within the test alphabets,
    support and query by two people. Intervals are bootstrapped by alphabet.
    """
    plan = plan or KochPlan()
    require_no_shared_classes(*sides)
    validation, test = sides
    halves, embeddings = [], embed_all(embed, test.pixels)
    for stream, pictures in ((VALIDATION, validation), (TEST, test)):
        vectors = embeddings if pictures is test else embed_all(embed, pictures.pixels)
        halves.append(_pairs(vectors, head, pictures, plan.n_pairs, (seed, stream)))
    threshold = best_threshold(*halves[0].sides)
    right = halves[1].right_at(threshold)
    return Scorecard(
        protocol="koch2015",
        measure="accuracy",
        value=float(right.mean()),
        interval=interval_by_pair(right, halves[1].things, np.random.default_rng([seed, INTERVAL])),
        n=len(right),
        seed=seed,
        data_name=test.name,
        data_fingerprint=test.fingerprint,
        details={
            **pair_details(halves[1:], [threshold], plan.calibration),
            **_one_shot(embeddings, head, test, plan.n_tasks, seed),
            "chance": 0.5,
            "threshold_from": validation.name,
            "threshold_data_fingerprint": validation.fingerprint,
        },
    )


def _pairs(
    embeddings: Floats, head: Head, pictures: PackedPictures, n_pairs: int, stream: tuple[int, int]
) -> Half:
    pairs = draw_pairs(pictures.labels, pictures.groups, n_pairs, np.random.default_rng(stream))
    distances = pair_distances(pairs, embeddings, head)
    return Half(distances, pairs.same, pairs.of(pictures.groups))


def _one_shot(
    embeddings: Floats, head: Head, pictures: PackedPictures, n_tasks: int, seed: int
) -> dict[str, Any]:
    plan = EpisodePlan(n_way=20, n_query=20, n_tasks=n_tasks)
    rng = np.random.default_rng([seed, TRIALS])
    episodes = draw_episodes(pictures.labels, pictures.groups, pictures.drawers, plan, rng)
    right = score(episodes, embeddings, head)
    alphabets = pictures.groups[episodes.query]
    interval = interval_by_cluster(
        right.ravel(), alphabets.ravel(), np.random.default_rng([seed, INTERVAL])
    )
    return {
        "one_shot_accuracy": float(right.mean()),
        "one_shot_interval": list(interval),
        "one_shot_trials": right.size,
    }
