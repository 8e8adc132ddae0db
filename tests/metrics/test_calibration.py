"""Probabilities that mean what they say, also from awkward data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import DataError, ModelFolderError, ShapeError, UsageError
from firstsight.metrics.calibration import (
    Calibration,
    fit_calibration,
    reliability,
    reliability_error,
)


def test_probability_is_the_logistic_by_hand() -> None:
    calibration = Calibration(slope=-2.0, intercept=1.0)
    # At 0.5 the logit is 0; at 0 it is 1, and e / (1 + e) = 0.7311.
    np.testing.assert_allclose(calibration.probability([0.5, 0.0]), [0.5, 0.731058578630])
    assert calibration.probability(1e9) == 0
    assert calibration.probability(-1e9) == 1


def test_the_fit_finds_the_logistic_that_made_the_data() -> None:
    # Normal sides of equal spread: the log odds are (m1^2 - m0^2)/2 + (m0 - m1) d = -2 d + 4.
    rng = np.random.default_rng(0)
    fitted = fit_calibration(rng.normal(1, 1, 40_000), rng.normal(3, 1, 40_000))
    assert fitted.slope == pytest.approx(-2, abs=0.05)
    assert fitted.intercept == pytest.approx(4, abs=0.1)


def test_the_fit_is_where_the_gradient_vanishes() -> None:
    genuine, impostor = np.array([0.1, 0.4, 0.9]), np.array([0.5, 0.8, 1.5, 1.9, 2.5])
    fitted = fit_calibration(genuine, impostor)
    gradient = np.zeros(2)
    for d in genuine:
        gap = fitted.probability(d) - 4 / 5  # (3 + 1) / (3 + 2)
        gradient += 0.5 / 3 * gap * np.array([d, 1])
    for d in impostor:
        gap = fitted.probability(d) - 1 / 7  # 1 / (5 + 2)
        gradient += 0.5 / 5 * gap * np.array([d, 1])
    np.testing.assert_allclose(gradient, 0, atol=1e-9)


def test_more_impostors_do_not_shift_the_even_odds() -> None:
    rng = np.random.default_rng(1)
    genuine, impostor = rng.normal(1, 1, 5000), rng.normal(3, 1, 5000)
    even = fit_calibration(genuine, impostor)
    many = fit_calibration(genuine, np.tile(impostor, 20))
    assert float(even.probability(2.0)) == pytest.approx(0.5, abs=0.02)
    assert float(many.probability(2.0)) == pytest.approx(float(even.probability(2.0)), abs=1e-3)


@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20),
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20),
)
def test_any_finite_distances_give_a_finite_fit(
    genuine: list[float], impostor: list[float]
) -> None:
    fitted = fit_calibration(genuine, impostor)
    assert np.isfinite([fitted.slope, fitted.intercept]).all()
    probability = fitted.probability(genuine + impostor)
    assert ((probability >= 0) & (probability <= 1)).all()


def test_sides_that_do_not_overlap_stay_short_of_certainty() -> None:
    fitted = fit_calibration([0.0, 0.1, 0.2], [5.0, 5.1, 5.2])
    assert fitted.slope < 0
    # The targets were 4/5 and 1/5, so nothing near the sides may be surer by much.
    assert 0.75 < float(fitted.probability(0.1)) < 0.85
    assert 0.15 < float(fitted.probability(5.1)) < 0.25


def test_equal_distances_everywhere_say_one_half() -> None:
    fitted = fit_calibration([3.0] * 4, [3.0] * 4)
    assert fitted.slope == 0
    assert float(fitted.probability(3.0)) == pytest.approx(0.5)


@given(st.floats(0.01, 100), st.floats(-50, 50))
def test_units_of_distance_do_not_matter(scale: float, offset: float) -> None:
    genuine, impostor = np.array([0.2, 0.5, 1.1]), np.array([0.9, 1.4, 2.0])
    plain = fit_calibration(genuine, impostor).probability(genuine)
    moved = scale * genuine + offset
    again = fit_calibration(moved, scale * impostor + offset).probability(moved)
    np.testing.assert_allclose(again, plain, atol=1e-6)


def test_a_calibration_survives_json() -> None:
    calibration = Calibration(-1.25, 0.5)
    assert Calibration.from_json(calibration.to_json()) == calibration


@pytest.mark.parametrize(
    "record",
    [None, {}, {"slope": 1.0}, {"slope": "1", "intercept": 0}, {"slope": np.inf, "intercept": 0},
     {"slope": True, "intercept": 0}, {"slope": 1, "intercept": 0, "odds": 1}],
)  # fmt: skip
def test_a_record_of_no_calibration_is_refused(record: object) -> None:
    with pytest.raises(ModelFolderError, match="wanted finite numbers slope and intercept"):
        Calibration.from_json(record)


def test_distances_that_cannot_be_fitted_are_refused() -> None:
    with pytest.raises(ShapeError, match="impostor side has shape"):
        fit_calibration([1.0], [])
    with pytest.raises(DataError, match="1 of 2 genuine numbers are not finite"):
        fit_calibration([1.0, np.nan], [2.0])


def test_reliability_by_hand() -> None:
    # Weights 1/4 each. Bin 0.5..1: said 0.9 and 0.7, one of two same. Bin 0..0.5: 0.2 and 0.4.
    bins = reliability([0.9, 0.2], [0.7, 0.4], bins=2)
    assert [b.predicted for b in bins] == pytest.approx([0.3, 0.8])
    assert [(b.observed, b.weight) for b in bins] == [(0.5, 0.5), (0.5, 0.5)]
    assert reliability_error([0.9, 0.2], [0.7, 0.4], bins=2) == pytest.approx(0.25)


def test_certainty_that_is_right_has_no_reliability_error() -> None:
    assert reliability_error([1.0, 1.0], [0.0]) == 0
    assert reliability_error([0.0], [1.0]) == 1


def test_a_fitted_calibration_is_reliable_on_fresh_pairs() -> None:
    rng = np.random.default_rng(2)
    fitted = fit_calibration(rng.normal(1, 1, 5000), rng.normal(3, 1, 5000))
    sides = fitted.probability(rng.normal(1, 1, 5000)), fitted.probability(rng.normal(3, 1, 5000))
    assert reliability_error(*sides) < 0.02


def test_numbers_that_are_no_probabilities_are_refused() -> None:
    with pytest.raises(UsageError, match=r"probabilities from 0\.5 to 2;"):
        reliability_error([2.0], [0.5])
    with pytest.raises(UsageError, match="0 bins"):
        reliability([0.5], [0.5], bins=0)
