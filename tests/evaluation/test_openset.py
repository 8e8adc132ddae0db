"""Open-set figures by hand, by naive loops, and with intervals that cover the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import EpisodeError, ShapeError, UsageError
from firstsight.evaluation.openset import (
    OpenSetTrials,
    miss_curve,
    open_set,
    split_open_set,
)


def trials(
    enrolled: npt.ArrayLike,
    right: npt.ArrayLike,
    strangers: npt.ArrayLike,
    things: tuple[npt.ArrayLike, npt.ArrayLike] | None = None,
) -> OpenSetTrials:
    enrolled, strangers = np.asarray(enrolled, np.float64), np.asarray(strangers, np.float64)
    shown = things or (np.arange(enrolled.size), np.arange(strangers.size))
    return OpenSetTrials(
        enrolled, np.asarray(right, np.bool_), np.asarray(shown[0]), strangers, np.asarray(shown[1])
    )


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_all_figures_by_hand() -> None:
    # Enrolled: right within; right but beyond; wrong within; wrong and beyond. Strangers: 2 of 5.
    given = trials([1, 5, 2, 6], [True, True, False, False], [0.5, 3, 3.1, 7, np.nan])
    result = open_set(given, threshold=3, rng=rng())
    assert (result.n_enrolled, result.n_strangers) == (4, 5)
    assert (result.false_accepts, result.misses) == (0.4, 0.75)
    assert (result.called_unknown, result.misnamed) == (0.5, 0.25)
    assert result.false_accepts_interval[0] < 0.4 < result.false_accepts_interval[1]
    assert result.misses_interval[0] < 0.75 < result.misses_interval[1]


def test_the_threshold_itself_is_still_within() -> None:
    result = open_set(trials([2.0], [True], [2.0]), threshold=2.0, rng=rng())
    assert (result.false_accepts, result.misses) == (1, 0)


def test_where_all_fared_alike_the_interval_is_wilsons_over_things() -> None:
    given = trials([1] * 6, [True] * 6, [9] * 30, ([0, 0, 0, 1, 1, 1], np.repeat(range(10), 3)))
    result = open_set(given, threshold=3, rng=rng())
    # Wilson at 0 of 10 things reaches z^2 / (10 + z^2) = 3.8415 / 13.8415, not 3.8415 / 33.8415.
    assert result.false_accepts_interval == pytest.approx((0, 0.27754), abs=1e-5)
    assert result.misses_interval == pytest.approx((0, 3.8415 / 5.8415), abs=1e-4)
    assert (result.n_enrolled_things, result.n_stranger_things) == (2, 10)


def test_photos_of_one_thing_are_no_independent_evidence() -> None:
    accepted = np.repeat([1.0, 9.0], [20, 180])
    apart = trials([1, 9], [True, True], accepted)
    together = trials([1, 9], [True, True], accepted, ([0, 1], np.repeat(range(10), 20)))
    narrow, wide = (
        open_set(each, threshold=3, rng=rng()).false_accepts_interval for each in (apart, together)
    )
    assert wide[1] - wide[0] > 3 * (narrow[1] - narrow[0])


@given(
    st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=1, max_size=15),
    st.lists(st.integers(0, 9), min_size=1, max_size=15),
    st.floats(0, 1),
)
def test_the_curve_equals_a_loop_over_all_thresholds(
    enrolled: list[tuple[int, bool]], strangers: list[int], rate: float
) -> None:
    given = trials([each[0] for each in enrolled], [each[1] for each in enrolled], strangers)
    (point,) = miss_curve(given, [rate])
    best = (-np.inf, 0.0)
    for threshold in sorted(set(strangers)):
        accepted = sum(each <= threshold for each in strangers) / len(strangers)
        if accepted <= rate:
            best = (threshold, accepted)
    assert (point.threshold, point.false_accepts) == best
    named = [right and distance <= best[0] for distance, right in enrolled]
    assert point.misses == pytest.approx(1 - sum(named) / len(named))


def test_the_curve_never_rises() -> None:
    drawn = rng()
    given = trials(drawn.normal(1, 1, 200), drawn.uniform(size=200) < 0.9, drawn.normal(3, 1, 500))
    curve = miss_curve(given)
    misses = [point.misses for point in curve]
    assert misses == sorted(misses, reverse=True)
    assert all(point.false_accepts <= point.at_most for point in curve)


def test_nothing_is_named_where_strangers_are_as_near_as_can_be() -> None:
    (point,) = miss_curve(trials([1, 1], [True, True], [1, 1, 1]), [0.5])
    assert (point.threshold, point.false_accepts, point.misses) == (-np.inf, 0, 1)


def test_the_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    # Each thing has its own chance to be accepted, drawn from Beta(1, 9): 10 % in the mean.
    covered = []
    for seed in range(60):
        drawn = np.random.default_rng(seed)
        chance = drawn.beta(1, 9, 80)
        thing = np.repeat(np.arange(80), 10)
        strangers = np.where(drawn.uniform(size=800) < chance[thing], 0.0, 1.0)
        given = trials([0.0], [True], strangers, ([0], thing))
        low, high = open_set(given, threshold=0.5, rng=drawn).false_accepts_interval
        covered.append(low <= 0.1 <= high)
    assert 0.88 <= np.mean(covered) <= 1


def test_rows_that_do_not_fit_are_refused() -> None:
    one: Any = np.array([1.0])
    with pytest.raises(ShapeError, match="give rows of one length a side"):
        OpenSetTrials(one, np.array([True, False]), one, one, one)
    with pytest.raises(ShapeError, match="at least one picture each"):
        trials([1.0], [True], [])
    with pytest.raises(UsageError, match="give shares between 0 and 1"):
        miss_curve(trials([1.0], [True], [1.0]), [1.5])


def test_half_of_the_classes_are_enrolled_and_no_picture_serves_twice() -> None:
    labels = np.repeat(np.arange(10), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    split = split_open_set(labels, 2, rng())
    enrolled = labels[split.enrolled]
    assert split.enrolled.shape == (5, 2)
    assert (enrolled[:, 0] == enrolled[:, 1]).all()
    assert enrolled[split.asked_thing, 0].tolist() == labels[split.asked].tolist()
    rows = np.concatenate([split.enrolled.ravel(), split.asked, split.strangers])
    assert sorted(rows.tolist()) == list(range(len(labels)))
    assert not set(split.stranger_thing.tolist()) & set(enrolled[:, 0].tolist())
    assert split.stranger_thing.tolist() == labels[split.strangers].tolist()


def test_an_open_set_needs_pictures_to_ask_about() -> None:
    with pytest.raises(EpisodeError, match="0 of 4 classes have more than 3 pictures"):
        split_open_set(np.repeat(np.arange(4), 3), 3, rng())
