"""Intervals against published figures and against what must hold of any interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from firstsight.errors import ShapeError, UsageError
from firstsight.metrics.intervals import (
    bootstrap_by_cluster,
    interval_by_cluster,
    interval_by_pair,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "low", "high"), [(368, 88.9, 94.3), (394, 96.8, 99.3), (400, 99.05, 100)]
)
def test_wilson_gives_the_figures_of_the_protocols(successes: int, low: float, high: float) -> None:
    assert tuple(100 * each for each in wilson(successes, 400)) == pytest.approx(
        (low, high), abs=0.05
    )


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_within_nought_and_one(case: tuple[int, int]) -> None:
    successes, n = case
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n + 1e-12
    assert successes / n - 1e-12 <= high <= 1
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low))


def test_a_bolder_interval_is_narrower() -> None:
    sure, bold = wilson(50, 100, confidence=0.99), wilson(50, 100, confidence=0.5)
    assert sure[0] < bold[0] < bold[1] < sure[1]


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5), (float("nan"), 5)])
def test_impossible_counts_are_refused(successes: float, n: int) -> None:
    with pytest.raises(UsageError, match="successes in"):
        wilson(successes, n)


def test_an_impossible_confidence_is_refused() -> None:
    with pytest.raises(UsageError, match="confidence is 95"):
        wilson(1, 2, confidence=95)


def test_the_bootstrap_equals_a_naive_loop_over_the_same_draws() -> None:
    values, clusters = np.array([1.0, 0.0, 1.0, 0.5, 0.0]), np.array([7, 7, 3, 5, 5])
    drawn = np.random.default_rng(0).multinomial(3, [1 / 3] * 3, size=2000)
    means = []
    for counts in drawn:
        total = sum(
            n * values[clusters == name].sum() for n, name in zip(counts, [3, 5, 7], strict=True)
        )
        size = sum(n * (clusters == name).sum() for n, name in zip(counts, [3, 5, 7], strict=True))
        means.append(total / size)
    interval = bootstrap_by_cluster(values, clusters, np.random.default_rng(0))
    assert interval == pytest.approx(tuple(np.quantile(means, [0.025, 0.975])))


def test_values_that_move_together_give_a_wider_interval() -> None:
    clusters = np.repeat(np.arange(10), 100)
    together, apart = np.repeat(np.arange(10) % 2, 100), np.tile(np.arange(100) % 2, 10)
    wide = bootstrap_by_cluster(together, clusters, np.random.default_rng(1))
    narrow = bootstrap_by_cluster(apart, clusters, np.random.default_rng(1))
    assert wide[1] - wide[0] > 0.4
    assert narrow == (0.5, 0.5)


def test_the_same_generator_gives_the_same_interval() -> None:
    values, clusters = np.arange(12.0), np.arange(12) // 3
    first, second = (
        bootstrap_by_cluster(values, clusters, np.random.default_rng(5)) for _ in range(2)
    )
    assert first == second


def test_one_cluster_or_unequal_lengths_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match="over 1 clusters"):
        bootstrap_by_cluster([1.0, 2.0], [3, 3], rng)
    with pytest.raises(ShapeError, match="give as many of each"):
        bootstrap_by_cluster([1.0, 2.0], [3], rng)


def test_a_single_cluster_has_wilsons_interval_over_its_values() -> None:
    rng = np.random.default_rng(0)
    assert interval_by_cluster([1, 0, 1, 1], [7, 7, 7, 7], rng) == wilson(3, 4)
    several = interval_by_cluster([1, 0, 1, 1], [0, 0, 1, 1], np.random.default_rng(0))
    assert several == bootstrap_by_cluster([1, 0, 1, 1], [0, 0, 1, 1], np.random.default_rng(0))


def test_where_all_are_alike_each_cluster_is_one_trial() -> None:
    rng = np.random.default_rng(0)
    things = np.array([0, 0, 0, 1, 1, 2])
    assert interval_by_cluster(np.ones(6), things, rng) == wilson(3, 3)
    assert interval_by_cluster(np.zeros(6), things, rng) == wilson(0, 3)
    low, high = interval_by_cluster([1, 1, 1, 1, 1, 0], things, rng)
    assert low == 0 and high == 1  # draws of the third thing alone, and without it


def test_pairs_inside_one_thing_are_drawn_as_their_thing_is() -> None:
    rng = np.random.default_rng(2)
    shares, things = rng.integers(0, 2, 200), rng.integers(0, 10, 200)
    by_pair = interval_by_pair(shares, [things, things], np.random.default_rng(0))
    assert by_pair == interval_by_cluster(shares, things, np.random.default_rng(0))


def test_pairs_that_are_all_alike_leave_room_for_other_things() -> None:
    things = np.array([[0, 1, 2, 0], [0, 1, 2, 1]])
    assert interval_by_pair(np.ones(4), things, np.random.default_rng(0)) == wilson(3, 3)


def test_the_interval_over_pairs_holds_as_often_as_it_says() -> None:
    """Whether two things are told apart depends on both, as by their places on a line."""
    n_things, n_pairs = 20, 2000

    def drawn(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        each = rng.normal(size=n_things)
        first, offset = rng.integers(n_things, size=n_pairs), rng.integers(1, n_things, n_pairs)
        things = np.stack([first, (first + offset) % n_things])
        things[1, ::2] = things[0, ::2]  # every other pair is of one thing
        noisy = each[things].sum(axis=0) + rng.normal(size=n_pairs)
        return (noisy > 0).astype(float), things

    draws = [drawn(np.random.default_rng(seed)) for seed in range(200)]
    intervals = [interval_by_pair(*each, np.random.default_rng(0)) for each in draws]
    by_first = [interval_by_cluster(s, t[0], np.random.default_rng(0)) for s, t in draws]
    assert np.mean([low <= 0.5 <= high for low, high in intervals]) > 0.89
    assert np.mean([low <= 0.5 <= high for low, high in by_first]) < 0.87
