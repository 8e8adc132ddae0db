"""Which of the enrolled things it is, where it is one of them."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.deciding.closed_set import (
    Posed,
    decide_closed_set,
    fit_sharpness,
    share_of_nearest,
)
from firstsight.deciding.trials import Float64
from firstsight.errors import UsageError

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


def test_the_likeliest_is_named_and_never_unknown() -> None:
    known = decide_closed_set([0.1, 0.9], 2, DOUBLING)
    assert (known.decision, known.threshold) == ("known", None)
    assert known.margin == pytest.approx(0.8)
    far = decide_closed_set([1.8, 1.9], 2, DOUBLING)
    assert (far.decision, far.probability) == ("unsure", pytest.approx(2 / 3))
    assert "below 90 %" in far.reason
    told = decide_closed_set([0.1, 0.9], 2, None)
    assert (told.decision, told.probability) == ("unsure", None)


def test_without_a_distance_nothing_is_named() -> None:
    assert decide_closed_set([np.inf], 1, DOUBLING).decision == "unknown"
    assert decide_closed_set([0.1, np.inf], 2, DOUBLING).margin is None
    with pytest.raises(UsageError, match="do not rise"):
        decide_closed_set([0.4, 0.3], 2, DOUBLING)


def posed(sharpness: float, n: int, n_things: int) -> Posed:
    """Questions whose right thing was drawn by the shares of all, which is what is assumed."""
    rng = np.random.default_rng(0)
    to_things = rng.uniform(0, 1, (n, n_things))
    share = np.exp(-sharpness * to_things)
    right = np.array([rng.choice(n_things, p=row / row.sum()) for row in share])
    own: Float64 = to_things[np.arange(n), right]
    to_things[np.arange(n), right] = np.inf
    return Posed(own, np.sort(to_things, axis=1)[:, :-1], 0, np.full(n, 1.0))


@pytest.mark.parametrize("sharpness", [3.0, 12.0, 40.0])
def test_the_sharpness_that_questions_were_made_by_is_found_again(sharpness: float) -> None:
    assert fit_sharpness(posed(sharpness, 4000, 12)) == pytest.approx(sharpness, rel=0.15)


def test_what_is_always_told_apart_is_sharp_but_not_without_end() -> None:
    always = Posed(np.full(20, 0.1), np.full((20, 9), 0.9), 0, np.ones(20))
    share = share_of_nearest([0.1] + [0.9] * 9, 10, fit_sharpness(always))
    assert 0.9 < share < 1 - 1e-4  # as Platt's target, 21 of 22, says
    alike = Posed(np.full(20, 0.5), np.full((20, 9), 0.5), 0, np.ones(20))
    assert fit_sharpness(alike) == 0
