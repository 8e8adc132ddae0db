"""Cross-validation by class: every class is judged once, by a network that never saw it.

Two protocols over the parts: `verification` with every pair of pictures of a part, and `retrieval`
of every picture among the others of its part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError
from firstsight.evaluation.ranking import Ranking, rank
from firstsight.evaluation.retrieval import retrieval_card
from firstsight.evaluation.scorecard import Scorecard
from firstsight.metrics.intervals import Interval, bootstrap_by_cluster
from firstsight.metrics.roc import best_threshold
from firstsight.metrics.weighted import WeightedPairs
from firstsight.similarity import Head

__all__ = ["Part", "crossed_ranking", "crossed_retrieval", "crossed_verification", "gains"]

INTERVAL = 50  # a random stream apart from those of other protocols
REPEATS = 1000
RATES = ("equal_error_rate", "auc", "true_accept_1")

Indices = npt.NDArray[np.int64]
Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Part:
    """Some of the classes, as a network sees them that learned from others.

    rows: (N,) of its pictures in the whole set, rising. embeddings: (N, D).
    watched, watched_labels: (M, D), (M,) pictures of classes inside the training folds, none of
    them in this part, that a threshold may be chosen on.
    """

    rows: Indices
    embeddings: Float32
    head: Head
    watched: Float32
    watched_labels: Indices


def crossed_verification(parts: Sequence[Part], pictures: PackedPictures, seed: int) -> Scorecard:
    """Equal error rate over every pair of pictures of a part, the mean of the parts.

    Details: AUC, true accepts at 1 % false accepts (each with its interval: the classes of every
    part are drawn again), and how often pairs are wrongly accepted or missed at the threshold that
    was best on the watched classes. DataError where a part has no genuine or no impostor pairs.
    """
    sides = [_pairs_of(part.embeddings, pictures.labels[part.rows], part.head) for part in parts]
    rates = dict(zip(RATES, np.mean([each.rates() for each in sides], axis=0), strict=True))
    rng = np.random.default_rng([seed, INTERVAL])
    drawn = np.mean([each.redrawn_rates(REPEATS, rng) for each in sides], axis=0)
    ends = np.quantile(drawn, [0.025, 0.975], axis=0)  # (2, 3)
    intervals = {rate: ends[:, place].tolist() for place, rate in enumerate(RATES)}
    low, high = intervals.pop("equal_error_rate")
    thresholds = [_threshold(part) for part in parts]
    accepted = [each.accepted(at) for each, at in zip(sides, thresholds, strict=True)]
    true, false = np.mean(accepted, axis=0)
    return Scorecard(
        protocol="verification",
        measure="equal_error_rate",
        value=float(rates.pop("equal_error_rate")),
        interval=(low, high),
        n=sum(map(len, sides)),
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={
            **{rate: float(share) for rate, share in rates.items()},
            "false_accepts_at_threshold": float(false),
            "misses_at_threshold": 1 - float(true),
            "equal_error_rate_by_part": [float(each.rates()[0]) for each in sides],
            "thresholds": [at if np.isfinite(at) else None for at in thresholds],
            "intervals": intervals,
            "interval_by": "class",
            "parts": len(parts),
            "genuine_pairs": int(sum(each.same.sum() for each in sides)),
        },
    )


def crossed_ranking(parts: Sequence[Part], pictures: PackedPictures) -> Ranking:
    """Each picture ranks the others of its part; rows are those of the whole set."""
    rankings = [rank(part.embeddings, pictures.labels[part.rows], part.head) for part in parts]
    joined: dict[str, Any] = {"ks": rankings[0].ks}
    kept = min(each.neighbours.shape[1] for each in rankings)  # small parts have fewer
    for name in (each.name for each in fields(Ranking) if each.name != "ks"):
        columns = [getattr(each, name) for each in rankings]
        if name in ("query", "neighbours"):
            columns = [part.rows[rows] for part, rows in zip(parts, columns, strict=True)]
        if name in ("neighbours", "distances"):
            columns = [rows[:, :kept] for rows in columns]
        joined[name] = np.concatenate(columns)
    return Ranking(**joined)


def crossed_retrieval(ranking: Ranking, pictures: PackedPictures, seed: int) -> Scorecard:
    """The scorecard of a `crossed_ranking`; as that of the protocol `retrieval`, over all parts."""
    card = retrieval_card(ranking, pictures, seed)
    card.details.pop("references")  # of each part its own number
    return card


def gains(
    before: Ranking, after: Ranking, pictures: PackedPictures, seed: int
) -> dict[str, tuple[float, Interval]]:
    """How much better `after` is on the same queries, in 0..1, with its 95 % interval by class."""
    things = pictures.labels[before.query]
    found: dict[str, Callable[[Ranking], Float64]] = {
        "precision_at_1": lambda each: each.precision_at_1,
        "map_at_r": lambda each: each.average_precision,
        "recall_at_5": lambda each: each.found[:, each.ks.index(5)],
    }
    result = {}
    for name, scores in found.items():
        gain = scores(after) - scores(before)
        rng = np.random.default_rng([seed, INTERVAL])
        result[name] = (float(gain.mean()), bootstrap_by_cluster(gain, things, rng))
    return result


def _threshold(part: Part) -> float:
    sides = _pairs_of(part.watched, part.watched_labels, part.head)
    return best_threshold(sides.distances[sides.same], sides.distances[~sides.same])


def _pairs_of(embeddings: Float32, labels: Indices, head: Head) -> WeightedPairs:
    """Every two pictures once."""
    first, second = np.triu_indices(len(labels), 1)
    same = labels[first] == labels[second]
    if same.all() or not same.any():
        raise DataError(
            f"{len(labels)} pictures of {len(np.unique(labels))} classes make no pairs of both "
            "kinds; each part needs two classes, and two pictures of one"
        )
    distances = head.distance(embeddings, embeddings)[first, second]
    return WeightedPairs(distances, same, labels[first], labels[second])
