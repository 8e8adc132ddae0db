"""Thresholds keep their rate, and intervals cover what strangers then show."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.deciding.leaving_out import leave_one_out
from firstsight.deciding.thresholds import (
    false_accept_rate,
    miss_rate,
    threshold_for,
    threshold_interval,
)
from firstsight.deciding.trials import Trials, join_trials
from firstsight.similarity import Euclidean

from .conftest import Photos, World


def strangers(distance: npt.ArrayLike, thing: npt.ArrayLike | None = None) -> Trials:
    distance = np.asarray(distance, np.float64)
    of_thing = np.arange(len(distance)) if thing is None else thing
    return Trials.of_things(distance, distance * 0 + 1, distance < -np.inf, of_thing)


def test_the_threshold_is_the_kth_smallest_distance() -> None:
    trials = strangers(np.arange(1, 100))  # 99 things: 2 % of 100 are 2
    assert threshold_for(trials, 0.02) == 2
    assert threshold_for(trials, 0.0299) == 2
    assert threshold_for(trials, 0.03) == 3
    assert threshold_for(trials, 0.999) == 99


def test_below_one_thing_in_all_nothing_that_was_seen_is_accepted() -> None:
    threshold = threshold_for(strangers([5.0, 6.0, 7.0]), 0.1)
    assert threshold < 5 and threshold == pytest.approx(5)


def test_equal_distances_are_accepted_together_or_not_at_all() -> None:
    trials = strangers([1, 2, 2, 2, *range(3, 38)])  # 39 things: 5 % of 40 are 2
    assert threshold_for(trials, 0.05) == 1
    assert threshold_for(trials, 0.1) == 2
    # A collapsed model: all strangers are alike, so none may get a name.
    assert threshold_for(strangers([3.0] * 50), 0.5) < 3


def test_the_photos_of_a_thing_share_its_weight() -> None:
    # Thing 0 has four photos, each worth a quarter: 10 % of 10 things is one of things, not photos.
    trials = strangers([1, 2, 3, 4, *range(5, 13)], [0, 0, 0, 0, *range(1, 9)])
    assert threshold_for(trials, 0.1) == 4
    assert threshold_for(trials, 0.05) == 2


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=40),
    st.floats(0.001, 0.999),
)
def test_no_larger_distance_would_have_kept_the_rule(
    drawn: list[tuple[int, int]], target: float
) -> None:
    distance, thing = np.array(drawn).T
    trials = strangers(distance, thing)
    allowed = target * (len(set(thing.tolist())) + 1) + 1e-6

    def accepted(threshold: float) -> float:
        shares = [np.mean(distance[thing == each] <= threshold) for each in set(thing.tolist())]
        return float(np.sum(shares))

    threshold = threshold_for(trials, target)
    assert accepted(threshold) <= allowed
    larger = sorted({each for each in distance.tolist() if each > threshold})
    assert all(accepted(each) > allowed - 2e-6 for each in larger)


def test_for_independent_trials_the_interval_is_that_of_the_order_statistic() -> None:
    rng = np.random.default_rng(0)
    trials = strangers(rng.uniform(size=300))
    rate = false_accept_rate(trials, threshold_for(trials, 0.02), rng)
    # The rate at the 6th smallest of 300 is distributed as Beta(6, 295).
    low, high = np.quantile(rng.beta(6, 295, 200_000), [0.025, 0.975])
    assert rate.rate == pytest.approx(6 / 301)
    assert rate.interval == pytest.approx((low, high), rel=0.15)


def test_pairs_drawn_together_widen_the_interval() -> None:
    distance = np.repeat(np.arange(100.0), 2)
    alone = strangers(distance)
    paired = Trials.of_things(
        distance, distance, distance < 0, np.arange(200), np.repeat(np.arange(100), 2)
    )
    apart, together = (
        false_accept_rate(trials, threshold_for(trials, 0.05), np.random.default_rng(0))
        for trials in (alone, paired)
    )
    assert together.rate == apart.rate == pytest.approx(10 / 201)

    def width(interval: tuple[float, float]) -> float:
        return interval[1] - interval[0]

    # Twice the variance: five pairs tell as much as five things.
    assert 1.25 < width(together.interval) / width(apart.interval) < 1.6


def test_the_interval_of_the_threshold_is_where_fresh_samples_put_it() -> None:
    rng = np.random.default_rng(1)
    low, high = threshold_interval(strangers(rng.uniform(size=400)), 0.05, rng)
    fresh = [threshold_for(strangers(rng.uniform(size=400)), 0.05) for _ in range(400)]
    assert low < 0.05 < high
    assert high - low == pytest.approx(
        np.quantile(fresh, 0.975) - np.quantile(fresh, 0.025), rel=0.35
    )


def test_misses_are_wrong_names_and_distances_beyond() -> None:
    trials = Trials.of_things([1, 1, 1, 5], [1] * 4, [True, True, False, True], [0, 1, 2, 3])
    rate = miss_rate(trials, 2.0, np.random.default_rng(0))
    assert rate.rate == 0.5
    assert rate.interval[0] < 0.2 and rate.interval[1] > 0.8


def test_no_miss_among_forty_things_still_leaves_room_for_some() -> None:
    trials = Trials.of_things([1] * 40, [1] * 40, [True] * 40, np.arange(40))
    rate = miss_rate(trials, 2.0, np.random.default_rng(0))
    # Clopper and Pearson: 1 - 0.025 ** (1 / 40) = 8.8 %.
    assert rate.rate == rate.interval[0] == 0
    assert rate.interval[1] == pytest.approx(0.088, abs=0.02)


def test_the_rate_on_new_strangers_is_in_the_interval_where_truth_is_exact() -> None:
    # Things on a line from 0 to 1: a stranger is named where it lies within the threshold of one,
    # so the true rate is the length of the union of those stretches.
    covered, rates = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        places = np.sort(rng.uniform(size=300))
        trials = leave_one_out(
            Euclidean(), Photos.of(places[:, None], [1] * 300), reach=0.15, seed=seed
        ).by_rule["best"]
        threshold = threshold_for(trials.strangers, 0.05)
        rate = false_accept_rate(trials.strangers, threshold, rng)
        reached = np.minimum(places[1:] - places[:-1], 2 * threshold).sum()
        truth = reached + min(places[0], threshold) + min(1 - places[-1], threshold)
        covered.append(rate.interval[0] <= truth <= rate.interval[1])
        rates.append(truth)
    assert 0.035 < np.mean(rates) < 0.055  # conservative by the ties of mutual neighbours
    assert np.mean(covered) >= 0.9


def test_the_rate_on_new_strangers_is_in_the_interval_with_several_photos_a_thing() -> None:
    world, covered, rates = World(n_dimensions=6, blur=0.4), [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        photos = world.gallery(rng, 300, 2)
        trials = leave_one_out(Euclidean(), photos, reach=0.15, seed=seed).by_rule["best"].strangers
        threshold = threshold_for(trials, 0.05)
        rate = false_accept_rate(trials, threshold, rng)
        new = world.photos(rng, 2000, 1)
        squared = (new**2).sum(axis=1)[:, None] - 2 * new @ photos.vectors.T
        nearest = (squared + (photos.vectors**2).sum(axis=1)).min(axis=1)
        truth = float((nearest <= threshold**2).mean())
        covered.append(rate.interval[0] <= truth <= rate.interval[1])
        rates.append(truth)
    assert np.mean(rates) == pytest.approx(0.05, abs=0.01)
    assert np.mean(covered) >= 0.85


def test_joined_trials_share_no_cluster() -> None:
    joined = join_trials(strangers([1, 2]), strangers([3]))
    assert joined.cluster.tolist() == [0, 1, 2]
    assert joined.n_things == 3
