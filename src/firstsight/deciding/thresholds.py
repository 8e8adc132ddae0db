"""A threshold for a wanted rate of false accepts, and how far both may be trusted.

The rule is the conservative one of finite samples: of n things as strangers, the threshold is the
largest distance seen at which no more than target * (n + 1) of them are accepted. For one photo a
thing the rate to expect on a stranger to come is then at most the target, whatever the distances'
distribution (an order statistic; the bound of split conformal prediction, Vovk et al. 2005).

Intervals are Bayesian bootstraps (Rubin 1981) by cluster: each cluster of trials gets an
exponential weight, and one weight more stands for the stranger to come. For independent trials
that is exactly the distribution Beta(k, n + 1 - k) of the rate at the k-th smallest distance:
so the interval covers the error of having chosen the threshold on these very trials.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstsight.deciding.trials import Bools, Float64, Trials
from firstsight.metrics.intervals import Interval

__all__ = ["Rate", "false_accept_rate", "miss_rate", "threshold_for", "threshold_interval"]

DRAWS = 1000
TAILS = (0.025, 0.975)
SLACK = 1 + 1e-9  # weights of a third add up to a shade more than one


@dataclass(frozen=True)
class Rate:
    """A share, 0..1, and its 95 % interval."""

    rate: float
    interval: Interval


def threshold_for(strangers: Trials, target: float) -> float:
    """The largest distance at which at most target * (n + 1) things' worth is accepted.

    Equal distances are accepted together or not at all. Just below the smallest distance where
    that alone is too much. strangers: at least one.
    """
    order = np.argsort(strangers.distance, kind="stable")
    accepted = np.cumsum(strangers.weight[order])
    allowed = target * (strangers.n_things + 1) * SLACK
    n_accepted = np.searchsorted(accepted, allowed, side="right")
    return float(_threshold_after(strangers.distance[order])[n_accepted])


def threshold_interval(strangers: Trials, target: float, rng: np.random.Generator) -> Interval:
    """Where 95 % of the thresholds fall when whole clusters are drawn again."""
    order = np.argsort(strangers.distance, kind="stable")
    drawn, to_come = _draw_weights(strangers, rng)
    all_weight = drawn @ _cluster_sums(strangers, np.ones(len(strangers), np.bool_))[0]
    allowed = target * (all_weight + to_come) * SLACK
    # No draw comes near ten times the target: what lies beyond need not be added up.
    reach = 10 * target * strangers.n_things + 30
    near = order[np.cumsum(strangers.weight[order]) <= reach]
    accepted = np.cumsum(drawn[:, strangers.cluster[near]] * strangers.weight[near], axis=1)
    n_accepted = (accepted <= allowed[:, None]).sum(axis=1)
    thresholds = _threshold_after(strangers.distance[order])[n_accepted]
    low, high = np.quantile(thresholds, TAILS, method="nearest")
    return float(low), float(high)


def false_accept_rate(
    strangers: Trials, threshold: float, rng: np.random.Generator, *, chosen_here: bool = True
) -> Rate:
    """FPIR: the share of strangers to come whose nearest distance is within the threshold.

    chosen_here: whether the threshold was chosen on these trials; if not, they are counted as
    any independent sample.
    """
    accepted = strangers.distance <= threshold
    if not chosen_here or not accepted.any():
        return _share(strangers, accepted, rng)
    drawn, to_come = _draw_weights(strangers, rng)
    hits, all_weight = _cluster_sums(strangers, accepted)
    shares = (drawn @ hits) / (drawn @ all_weight + to_come)
    low, high = np.quantile(shares, TAILS)
    return Rate(float(hits.sum() / (all_weight.sum() + 1)), (float(low), float(high)))


def miss_rate(enrolled: Trials, threshold: float, rng: np.random.Generator) -> Rate:
    """FNIR: the share of enrolled queries whose right name is not given. enrolled: at least one."""
    return _share(enrolled, ~enrolled.right | (enrolled.distance > threshold), rng)


def _share(trials: Trials, hits: Bools, rng: np.random.Generator) -> Rate:
    """With one thing more that is no hit below and a hit above: Clopper and Pearson's interval
    (1934) for independent trials, sensible also where none or all are hits."""
    drawn, one_more = _draw_weights(trials, rng)
    hit, all_weight = _cluster_sums(trials, hits)
    sums, totals = drawn @ hit, drawn @ all_weight + one_more
    low = np.quantile(sums / totals, TAILS[0])
    high = np.quantile((sums + one_more) / totals, TAILS[1])
    rate = float(hit.sum() / all_weight.sum())
    return Rate(rate, (min(rate, float(low)), max(rate, float(high))))


def _draw_weights(trials: Trials, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """(DRAWS, clusters) exponential weights, and (DRAWS,) for the one more."""
    drawn = rng.standard_exponential((DRAWS, trials.n_clusters + 1))
    return drawn[:, :-1], drawn[:, -1]


def _cluster_sums(trials: Trials, hits: Bools) -> tuple[Float64, Float64]:
    n = trials.n_clusters
    return (
        np.bincount(trials.cluster, trials.weight * hits, n).astype(np.float64),
        np.bincount(trials.cluster, trials.weight, n).astype(np.float64),
    )


def _threshold_after(ordered: Float64) -> Float64:
    """(n + 1,) the threshold where only the first k of n rising distances may be accepted."""
    thresholds = np.concatenate([[np.nextafter(ordered[0], -np.inf)], ordered])
    ties_with_next = np.append(ordered[1:] == ordered[:-1], False)
    # Within a run of equal distances the threshold is the one before the run.
    place = np.arange(len(ordered) + 1)
    place[1:][ties_with_next] = 0
    return thresholds[np.maximum.accumulate(place)]
