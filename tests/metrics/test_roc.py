"""Curves and rates against hand arithmetic and naive loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import ShapeError, UsageError
from firstsight.metrics.roc import (
    accuracy_at,
    area_under_curve,
    best_threshold,
    equal_error_rate,
    roc_curve,
    true_accept_rate,
)

# A few whole numbers, so that ties are common.
side = st.lists(st.integers(0, 8).map(float), min_size=1, max_size=12)


def share_accepted(distances: list[float], threshold: float) -> float:
    return sum(each <= threshold for each in distances) / len(distances)


@given(side, side)
def test_the_area_counts_every_pair_with_half_for_a_tie(
    genuine: list[float], impostor: list[float]
) -> None:
    wins = sum((g < i) + 0.5 * (g == i) for g in genuine for i in impostor)
    assert area_under_curve(genuine, impostor) == wins / (len(genuine) * len(impostor))


@given(side, side)
def test_monotone_changes_of_distance_leave_area_and_equal_error_alone(
    genuine: list[float], impostor: list[float]
) -> None:
    changed = [[float(np.exp(each / 3) - 5) for each in part] for part in (genuine, impostor)]
    assert area_under_curve(*changed) == area_under_curve(genuine, impostor)
    assert equal_error_rate(*changed) == pytest.approx(equal_error_rate(genuine, impostor))


@given(side, side)
def test_the_area_is_that_under_the_curve(genuine: list[float], impostor: list[float]) -> None:
    curve = roc_curve(genuine, impostor)
    area = np.trapezoid(curve.true_match_rate, curve.false_match_rate)
    assert area_under_curve(genuine, impostor) == pytest.approx(float(area))


@given(side, side)
def test_every_point_of_the_curve_is_a_count(genuine: list[float], impostor: list[float]) -> None:
    curve = roc_curve(genuine, impostor)
    assert curve.thresholds[0] == -np.inf
    assert curve.thresholds[1:].tolist() == sorted({*genuine, *impostor})
    for threshold, false, true in zip(
        curve.thresholds, curve.false_match_rate, curve.true_match_rate, strict=True
    ):
        assert false == share_accepted(impostor, threshold)
        assert true == share_accepted(genuine, threshold)


def test_sides_that_do_not_overlap_are_told_apart_without_error() -> None:
    assert area_under_curve([1, 2], [3, 4]) == 1
    assert equal_error_rate([1, 2], [3, 4]) == 0
    assert best_threshold([1, 2], [3, 4]) == 2.5
    assert true_accept_rate([1, 2], [3, 4], false_accept_rate=0) == (1, 2)


def test_a_constant_model_is_at_chance() -> None:
    assert area_under_curve([1] * 5, [1] * 3) == 0.5
    assert equal_error_rate([1] * 5, [1] * 3) == 0.5
    assert best_threshold([1] * 5, [1] * 3) == -np.inf
    assert true_accept_rate([1] * 5, [1] * 3, false_accept_rate=0.1) == (0, -np.inf)


def test_the_equal_error_rate_lies_between_points_by_a_straight_line() -> None:
    # Thresholds 1, 2, 3, 4: FMR 0 1/2 1/2 1, misses 3/4 1/2 1/4 0 -> equal at 1/2 exactly.
    assert equal_error_rate([1, 2, 3, 4], [2, 4]) == 0.5
    # At 1: FMR 0, misses 1/2. At 2: FMR 1/2, misses 0. Halfway: 1/4.
    assert equal_error_rate([1, 2], [2, 3]) == 0.25


def test_the_threshold_is_the_largest_that_keeps_false_accepts_within_the_target() -> None:
    genuine, impostor = [1.0, 3.0, 5.0, 9.0], [float(each) for each in range(2, 12)]
    # 10 % of ten impostors is one: distances below 3 let one in (2.0), and 3 lets in two.
    assert true_accept_rate(genuine, impostor, false_accept_rate=0.1) == (0.25, 2.0)
    assert true_accept_rate(genuine, impostor, false_accept_rate=0.2) == (0.5, 3.0)
    assert true_accept_rate(genuine, impostor, false_accept_rate=1.0) == (1.0, 11.0)


@given(side, side, st.floats(0, 1))
def test_no_larger_threshold_would_keep_the_target(
    genuine: list[float], impostor: list[float], target: float
) -> None:
    rate, threshold = true_accept_rate(genuine, impostor, false_accept_rate=target)
    assert rate == share_accepted(genuine, threshold)
    assert share_accepted(impostor, threshold) <= target
    larger = [each for each in genuine + impostor if each > threshold]
    assert all(share_accepted(impostor, each) > target for each in larger)


@given(side, side)
def test_no_threshold_beats_the_best_one(genuine: list[float], impostor: list[float]) -> None:
    best = accuracy_at(genuine, impostor, best_threshold(genuine, impostor)).balanced
    for threshold in [-1.0, *genuine, *impostor]:
        assert accuracy_at(genuine, impostor, threshold).balanced <= best + 1e-12


def test_accuracy_is_given_plain_and_balanced() -> None:
    # Accepted: 1 of 2 genuine, 1 of 4 impostors: 4 of 6 right; sides 1/2 and 3/4.
    accuracy = accuracy_at([1, 5], [2, 6, 7, 8], threshold=2)
    assert accuracy.plain == pytest.approx(4 / 6)
    assert accuracy.balanced == pytest.approx((0.5 + 0.75) / 2)


def test_a_distance_that_is_not_a_number_is_never_accepted() -> None:
    assert accuracy_at([np.nan, 1], [np.nan, 9], threshold=5).plain == 0.75
    assert area_under_curve([np.nan], [1]) == 0
    assert area_under_curve([np.nan], [np.nan]) == 0.5
    assert best_threshold([1, np.nan], [np.nan]) == 1


def test_the_threshold_between_neighbouring_floats_stays_below_the_larger() -> None:
    low = 1.0
    high = float(np.nextafter(low, 2))
    assert low <= best_threshold([low], [high]) < high


def test_an_empty_side_is_refused() -> None:
    for measure in (roc_curve, area_under_curve, equal_error_rate, best_threshold):
        with pytest.raises(ShapeError, match="impostor distances have shape"):
            measure([1.0], [])
    with pytest.raises(ShapeError, match="genuine"):
        accuracy_at([[1.0]], [1.0], 0.5)


def test_a_false_accept_rate_beyond_one_is_refused() -> None:
    with pytest.raises(UsageError, match=r"false-accept rate is 5; give"):
        true_accept_rate([1], [2], false_accept_rate=5)
