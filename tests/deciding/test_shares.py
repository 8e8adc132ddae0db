"""Which of the enrolled things it is, where it is one of them."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.deciding.shares import (
    Posed,
    fit_sharpness,
    join_posed,
    offset_of,
    share_of_nearest,
)
from firstsight.deciding.trials import Float64

DOUBLING = 10 * log(2)  # a tenth nearer is twice as likely

distances = st.lists(st.floats(0, 2), min_size=1, max_size=30).map(sorted)


def test_a_tenth_nearer_is_twice_as_likely() -> None:
    assert share_of_nearest([0.3, 0.4], 2, DOUBLING) == pytest.approx(2 / 3)
    assert share_of_nearest([0.3, 0.4, 0.4], 3, DOUBLING) == pytest.approx(1 / 2)
    assert share_of_nearest([0.3, 0.4, 0.5], 3, DOUBLING) == pytest.approx(4 / 7)


def test_things_beyond_the_compared_count_as_near_as_the_last() -> None:
    assert share_of_nearest([0.3, 0.4], 5, DOUBLING) == pytest.approx(1 / 3)


def test_the_only_thing_is_certain_and_twins_are_even() -> None:
    assert share_of_nearest([1.7], 1, DOUBLING) == 1
    assert share_of_nearest([0.2, 0.2], 2, DOUBLING) == pytest.approx(0.5)
    assert share_of_nearest([0.2, 0.9], 2, 0.0) == pytest.approx(0.5)


def test_a_thing_that_cannot_be_compared_takes_no_share() -> None:
    assert share_of_nearest([0.3, 0.4, np.inf], 3, DOUBLING) == pytest.approx(2 / 3)


@given(distances, st.floats(0, 100))
def test_it_is_the_naive_share_and_rises_with_sharpness(near: list[float], sharp: float) -> None:
    naive = 1 / sum(exp(-sharp * (each - near[0])) for each in near)
    share = share_of_nearest(near, len(near), sharp)
    assert share == pytest.approx(naive)
    assert share <= share_of_nearest(near, len(near), 2 * sharp) + 1e-12
    assert share_of_nearest(near, len(near) + 1, sharp) <= share


def test_strangers_take_a_share_by_the_offset() -> None:
    """Things weigh 1/2 and 1/4 (as exp(-sharpness * d)), strangers 2 * exp(-offset)."""
    near = [0.1, 0.2]
    assert share_of_nearest(near, 2, DOUBLING, offset=log(4)) == pytest.approx(0.5 / 1.25)
    assert share_of_nearest(near, 2, DOUBLING, offset=50) == pytest.approx(2 / 3)
    assert share_of_nearest(near, 2, DOUBLING, offset=-50) == pytest.approx(0, abs=1e-9)


def test_an_offset_leaves_strangers_without_evidence() -> None:
    between = np.array([0.1, 0.3, 0.5, 0.5])
    weight = np.array([400.0, 100.0, 300.0, 200.0])
    offset = offset_of(between, weight, DOUBLING, model=0.0)
    odds = np.exp(offset - DOUBLING * between)
    # The model's own counts for ten pairs of log odds 0 at distance 0: of odds exp(offset).
    assert (odds @ weight + 10 * exp(offset)) / 1010 == pytest.approx(1)


def test_few_pairs_leave_the_models_offset_unless_they_are_nearer() -> None:
    far = offset_of(np.array([9.0]), np.array([1.0]), DOUBLING, model=5.0)
    near = offset_of(np.array([0.01]), np.array([1.0]), DOUBLING, model=5.0)
    assert far == pytest.approx(5.0 + log(11 / 10))
    assert near < 3


def posed(sharpness: float, n: int, n_things: int) -> Posed:
    """Questions whose right thing was drawn by the shares of all, which is what is assumed."""
    rng = np.random.default_rng(0)
    to_things = rng.uniform(0, 1, (n, n_things))
    share = np.exp(-sharpness * to_things)
    right = np.array([rng.choice(n_things, p=row / row.sum()) for row in share])
    own: Float64 = to_things[np.arange(n), right]
    to_things[np.arange(n), right] = np.inf
    return Posed(own, np.sort(to_things, axis=1)[:, :-1], np.zeros(n), np.ones(n))


@pytest.mark.parametrize("sharpness", [3.0, 12.0, 40.0])
def test_the_sharpness_that_questions_were_made_by_is_found_again(sharpness: float) -> None:
    assert fit_sharpness(posed(sharpness, 4000, 12), None) == pytest.approx(sharpness, rel=0.15)


def test_what_is_always_told_apart_is_sharp_but_not_without_end() -> None:
    always = Posed(np.full(20, 0.1), np.full((20, 9), 0.9), np.zeros(20), np.ones(20))
    share = share_of_nearest([0.1] + [0.9] * 9, 10, fit_sharpness(always, None))
    assert share == pytest.approx(21 / 22, abs=0.02)  # Platt's target
    alike = Posed(np.full(20, 0.5), np.full((20, 9), 0.5), np.zeros(20), np.ones(20))
    assert fit_sharpness(alike, None) == 0
    assert fit_sharpness(alike, 7.0) == 7


def test_the_models_sharpness_counts_for_three_things() -> None:
    made = posed(12.0, 4000, 12)
    few = Posed(made.own[:3], made.others[:3], made.n_beyond[:3], made.weight[:3])
    none = Posed(np.zeros(0), np.zeros((0, 1)), np.zeros(0), np.zeros(0))
    assert fit_sharpness(none, 40.0) == 40
    assert fit_sharpness(few, 40.0) == pytest.approx(40, rel=0.3)
    assert fit_sharpness(made, 40.0) == pytest.approx(12, rel=0.15)


def test_joined_questions_are_fitted_as_one() -> None:
    made = posed(12.0, 400, 12)
    verdict = Posed(np.array([0.2]), np.array([[0.9]]), np.zeros(1), np.ones(1))
    both = join_posed(made, verdict)
    assert both.others.shape == (401, 11)
    assert np.isinf(both.others[-1, 1:]).all()
    assert fit_sharpness(both, None) == pytest.approx(fit_sharpness(made, None), rel=0.21)
