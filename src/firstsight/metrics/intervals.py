"""How sure a measured share is: 95 % intervals (unless asked for others)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError, UsageError

__all__ = [
    "Interval",
    "bootstrap_by_cluster",
    "interval_by_cluster",
    "interval_by_pair",
    "wilson",
]

REPEATS = 2000  # of a bootstrap
_AT_ONCE = 100

Interval = tuple[float, float]


def wilson(successes: float, n: float, *, confidence: float = 0.95) -> Interval:
    """Wilson's score interval of a share (Wilson 1927); sensible also at 0 and at n successes.

    successes: 0..n, fractional where ties were worth a part. For independent trials only; n may
    be the number of independent trials that dependent ones amount to.
    """
    if n < 1 or not 0 <= successes <= n:
        raise UsageError(
            f"{successes} successes in {n} trials; give 0 <= successes <= n and n >= 1"
        )
    from statistics import NormalDist  # dear to import, and an answer needs none

    z = NormalDist().inv_cdf((1 + _require_confidence(confidence)) / 2)
    share = successes / n
    middle = share + z * z / (2 * n)
    reach = z * float(np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)))
    scale = 1 + z * z / n
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def bootstrap_by_cluster(
    values: npt.ArrayLike,
    clusters: npt.ArrayLike,
    rng: np.random.Generator,
    *,
    repeats: int = REPEATS,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of the mean of `values` when whole clusters are drawn again.

    values: (n,); clusters: (n,) which thing (alphabet, class) each value belongs to. Values of
    one cluster rise and fall together, so drawing them singly would promise too much. With few
    clusters the interval is still a little too narrow. Raises ShapeError where the lengths
    differ, nothing came, or there is one cluster only.
    """
    values, clusters = np.asarray(values, np.float64), np.asarray(clusters)
    if values.ndim != 1 or values.shape != clusters.shape:
        raise ShapeError(
            f"values have shape {values.shape} and clusters {clusters.shape}; give as many of each"
        )
    names, member = np.unique(clusters, return_inverse=True)
    if len(names) < 2:
        raise ShapeError(
            f"cannot bootstrap over {len(names)} clusters; give values from at least two"
        )
    tail = (1 - _require_confidence(confidence)) / 2
    sums, sizes = np.bincount(member, values), np.bincount(member)
    # How often each cluster is drawn: (repeats, clusters).
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=repeats)
    means = (drawn @ sums) / (drawn @ sizes)
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def interval_by_cluster(
    shares: npt.ArrayLike, clusters: npt.ArrayLike, rng: np.random.Generator
) -> Interval:
    """95 % interval of the mean of `shares` (n,) in 0..1, whole clusters (n,) drawn again.

    Wilson's, over single values, where all are of one cluster and there is nothing to draw again.
    Where all are 0, or all 1, drawing again would take that for certain: then it is Wilson's with
    each cluster as one trial.
    """
    shares = np.asarray(shares, np.float64)
    n_clusters = len(np.unique(clusters))
    if n_clusters < 2:
        return wilson(float(shares.sum()), shares.size)
    return _if_alike(shares, n_clusters) or bootstrap_by_cluster(shares, clusters, rng)


def interval_by_pair(
    shares: npt.ArrayLike, things: npt.ArrayLike, rng: np.random.Generator
) -> Interval:
    """95 % interval of the mean of `shares` (n,) in 0..1 of pairs, the things of both drawn again.

    things: (2, n) those of either side. A pair inside one thing counts as often as that is drawn, a
    pair of two as often as both, multiplied (as in metrics/weighted.py); pairs inside and pairs of
    two keep their shares of all. Where nothing can be drawn again, as in `interval_by_cluster`.
    """
    shares = np.asarray(shares, np.float64)
    names, numbers = np.unique(np.asarray(things), return_inverse=True)
    both = np.sort(numbers.reshape(2, -1), axis=0)
    kinds, member = np.unique(both[0] * len(names) + both[1], return_inverse=True)
    first, second = np.divmod(kinds, len(names))
    inside = first == second
    if inside.all() or len(kinds) < 2:
        return interval_by_cluster(shares, both[0], rng)
    if known := _if_alike(shares, len(names)):
        return known
    sums, sizes = np.bincount(member, shares), np.bincount(member)
    means: list[npt.NDArray[np.float64]] = []
    while sum(map(len, means)) < REPEATS:
        drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=_AT_ONCE)
        times = np.where(inside, drawn[:, first], drawn[:, first] * drawn[:, second])
        mean = np.zeros(_AT_ONCE)
        for side in (inside, ~inside):
            if side.any():
                weight = times[:, side] @ sizes[side]
                with np.errstate(invalid="ignore"):  # 0 / 0 where no such pair was drawn
                    share = times[:, side] @ sums[side] / weight
                mean += share * sizes[side].sum() / sizes.sum()
        means.append(mean[np.isfinite(mean)])
    low, high = np.quantile(np.concatenate(means)[:REPEATS], [0.025, 0.975])
    return float(low), float(high)


def _if_alike(shares: npt.NDArray[np.float64], n_things: int) -> Interval | None:
    """Wilson's interval with each thing as one trial where all shares are 0, or all are 1."""
    if shares.size and shares.min() == shares.max() in (0.0, 1.0):
        return wilson(float(shares[0]) * n_things, n_things)
    return None


def _require_confidence(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise UsageError(f"the confidence is {confidence}; give a share between 0 and 1, say 0.95")
    return confidence
