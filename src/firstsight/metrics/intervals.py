"""How sure a measured share is: 95 % intervals (unless asked for others)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError, UsageError

__all__ = ["Interval", "bootstrap_by_cluster", "interval_by_cluster", "wilson"]

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
    repeats: int = 2000,
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
    """
    shares = np.asarray(shares, np.float64)
    if len(np.unique(clusters)) < 2:
        return wilson(float(shares.sum()), shares.size)
    return bootstrap_by_cluster(shares, clusters, rng)


def _require_confidence(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise UsageError(f"the confidence is {confidence}; give a share between 0 and 1, say 0.95")
    return confidence
