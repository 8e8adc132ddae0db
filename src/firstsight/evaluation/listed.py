"""Same or different on exactly the pairs that somebody listed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.data.packed import PackedPictures
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verification import Pairs, pair_distances
from firstsight.metrics.intervals import Interval, interval_by_cluster
from firstsight.metrics.roc import (
    area_under_curve,
    best_threshold,
    equal_error_rate,
    true_accept_rate,
)
from firstsight.similarity import Head

__all__ = ["connected", "listed_pairs"]

HALVES, INTERVAL = range(2)  # separate random streams of one seed
REPEATS = 500  # of the bootstrap
LARGEST_SHARE = 10  # one cluster may hold a tenth of the pairs: few large ones tell no interval

Bools = npt.NDArray[np.bool_]
Distances = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
Rate = Callable[[Distances, Distances], float]

RATES: dict[str, Rate] = {
    "auc": area_under_curve,
    "equal_error_rate": equal_error_rate,
    "true_accept_1": lambda same, other: true_accept_rate(same, other, false_accept_rate=0.01)[0],
    "true_accept_10": lambda same, other: true_accept_rate(same, other, false_accept_rate=0.1)[0],
}


def listed_pairs(
    embed: Embed, head: Head, pictures: PackedPictures, pairs: Pairs, seed: int
) -> Scorecard:
    """Accuracy of "same or different" over all pairs, and the rates of their ROC, with intervals.

    The pairs are halved at random; each half is judged at the best threshold of the other. Pairs
    that share a picture, directly or by way of others, stay together and are drawn together for
    the intervals. Where too many hang together, `details` says that pairs were taken singly.
    """
    distances = pair_distances(pairs, embed_all(embed, pictures.pixels), head)
    clusters = connected(pairs)
    upper = _upper_half(clusters, pairs.same, seed)
    together = _is_fair(clusters, upper, pairs.same)
    if not together:
        clusters = np.arange(len(pairs))
        upper = _upper_half(clusters, pairs.same, seed)
    right, thresholds = _crossed(distances, pairs.same, upper)
    return Scorecard(
        protocol="pairs",
        measure="accuracy",
        value=float(right.mean()),
        interval=_interval(right, clusters, seed),
        n=len(pairs),
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={
            **{name: rate(*_sides(distances, pairs.same)) for name, rate in RATES.items()},
            "intervals": _intervals_of_rates(distances, pairs.same, clusters, seed),
            "n_same": int(pairs.same.sum()),
            # JSON has no infinity: None stands for "accept nothing".
            "thresholds": [at if np.isfinite(at) else None for at in thresholds],
            "interval_by": "pictures that hang together" if together else "pair",
        },
    )


def connected(pairs: Pairs) -> Indices:
    """(P,) a number for each pair, equal where pairs share a picture or are linked by others."""
    last = int(max(pairs.first.max(), pairs.second.max()))
    leader = list(range(last + 1))

    def lead(picture: int) -> int:
        while leader[picture] != picture:
            leader[picture] = leader[leader[picture]]
            picture = leader[picture]
        return picture

    for a, b in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True):
        leader[lead(a)] = lead(b)
    return np.array([lead(picture) for picture in pairs.first.tolist()], np.int64)


def _upper_half(clusters: Indices, same: Bools, seed: int) -> Bools:
    """(P,) which pairs are in one of two halves, whole clusters and as many of either kind."""
    rng = np.random.default_rng([seed, HALVES])
    with_same = np.unique(clusters[same])
    others = np.setdiff1d(clusters, with_same)
    dealt = [rng.permutation(names)[::2] for names in (with_same, others)]
    return np.isin(clusters, np.concatenate(dealt))


def _is_fair(clusters: Indices, upper: Bools, same: Bools) -> bool:
    """Whether clusters are small enough to draw from, and either half has both kinds of pairs."""
    halves = [same[upper], same[~upper]]
    largest = int(np.bincount(clusters).max())
    small = LARGEST_SHARE * largest <= len(same)
    return small and all(half.any() and not half.all() for half in halves)


def _crossed(
    distances: Distances, same: Bools, upper: Bools
) -> tuple[npt.NDArray[np.float64], list[float]]:
    """(P,) 1 where a pair is judged rightly at the other half's threshold; the two thresholds."""
    right, thresholds = np.zeros(len(same)), []
    for half in (upper, ~upper):
        threshold = best_threshold(*_sides(distances[~half], same[~half]))
        right[half] = (distances[half] <= threshold) == same[half]
        thresholds.append(threshold)
    return right, thresholds


def _sides(distances: Distances, same: Bools) -> tuple[Distances, Distances]:
    return distances[same], distances[~same]


def _interval(right: npt.NDArray[np.float64], clusters: Indices, seed: int) -> Interval:
    return interval_by_cluster(right, clusters, np.random.default_rng([seed, INTERVAL]))


def _intervals_of_rates(
    distances: Distances, same: Bools, clusters: Indices, seed: int
) -> dict[str, list[Any]]:
    """Percentile intervals of each rate, when whole clusters are drawn again."""
    rng = np.random.default_rng([seed, INTERVAL])
    _, member = np.unique(clusters, return_inverse=True)
    n_clusters = int(member.max()) + 1
    drawn: dict[str, list[float]] = {name: [] for name in RATES}
    while len(drawn["auc"]) < REPEATS:
        times = np.bincount(rng.integers(n_clusters, size=n_clusters), minlength=n_clusters)
        rows = np.repeat(np.arange(len(same)), times[member])
        sides = _sides(distances[rows], same[rows])
        if all(map(len, sides)):
            for name, rate in RATES.items():
                drawn[name].append(rate(*sides))
    return {name: np.quantile(each, [0.025, 0.975]).tolist() for name, each in drawn.items()}
