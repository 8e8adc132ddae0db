"""Known, unsure, unknown; same or not: the last step, by hand."""

from __future__ import annotations

from dataclasses import replace
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.decide import decide, decide_closed_set, same
from firstsight.deciding.estimated import Estimate
from firstsight.deciding.likelihood import LikelyRight, Logistic
from firstsight.deciding.thresholds import Rate
from firstsight.errors import ModelFolderError, UsageError

ESTIMATE = Estimate(
    rule="best",
    accuracies=None,
    rule_kept="as asked",
    target=0.01,
    n_things=400,
    n_photos=400,
    n_verdicts=0,
    basis="gallery",
    threshold=2.0,
    threshold_interval=(1.9, 2.1),
    false_accepts=Rate(0.01, (0.005, 0.02)),
    misses=None,
    misses_basis="none",
    seen_here=None,
    on_average=None,
    # With a runner-up 4 - 2 d + m, without one 3 - 2 d.
    likely_right=LikelyRight(Logistic(3, -2), Logistic(4, -2, 1)),
    likely_right_basis="gallery",
    sharpness=10.0,
    sharpness_basis="gallery",
    offset=None,
    kept="estimated from this gallery's own 400 things",
)


def test_near_and_alone_is_known() -> None:
    found = decide([0.5, 4.0], 2, ESTIMATE)
    # 4 - 1 + 3.5 = 6.5, and 1 / (1 + e^-6.5) = 0.998499.
    assert (found.decision, found.threshold, found.margin) == ("known", 2.0, 3.5)
    assert found.probability == pytest.approx(0.998499, abs=1e-6)
    assert found.reason == ""


def test_a_runner_up_too_near_makes_it_unsure() -> None:
    found = decide([1.0, 1.1], 2, ESTIMATE)
    # 4 - 2 + 0.1 = 2.1: 0.8909, below 0.9.
    assert found.decision == "unsure" and found.probability == pytest.approx(0.890903, abs=1e-6)
    assert "below 90 %" in found.reason
    assert decide([1.0, 1.1], 2, ESTIMATE, sure=0.8).decision == "known"
    assert decide([1.0, 1.3], 2, ESTIMATE).decision == "known"  # 2.3: 0.9089


def test_without_a_runner_up_the_distance_alone_speaks() -> None:
    found = decide([0.25], 1, ESTIMATE)
    # 3 - 0.5 = 2.5: 0.924142.
    assert (found.decision, found.margin) == ("known", None)
    assert found.probability == pytest.approx(0.924142, abs=1e-6)
    assert decide([0.25, float("inf")], 2, ESTIMATE) == found


def test_the_threshold_itself_is_still_within() -> None:
    assert decide([2.0, 9.0], 2, ESTIMATE).decision == "known"
    beyond = decide([np.nextafter(2.0, 3.0), 9.0], 2, ESTIMATE)
    assert beyond.decision == "unknown"
    assert "farther than the threshold 2" in beyond.reason


@given(st.floats(0, 10), st.none() | st.floats(0, 10), st.floats(0, 1))
def test_unknown_is_beyond_the_threshold_and_nothing_else(
    nearest: float, margin: float | None, sure: float
) -> None:
    distances = [nearest] if margin is None else [nearest, nearest + margin]
    found = decide(distances, len(distances), ESTIMATE, sure=sure)
    assert (found.decision == "unknown") == (nearest > 2)
    assert found.probability is not None
    if found.decision != "unknown":
        assert (found.decision == "known") == (found.probability >= sure)


def test_without_a_threshold_nothing_is_known_and_the_remedy_is_named() -> None:
    bare = replace(ESTIMATE, basis="none", threshold=None, likely_right=None, kept="calibrate it")
    found = decide([0.0, 9.0], 2, bare)
    assert (found.decision, found.probability, found.threshold) == ("unsure", None, None)
    assert found.reason == "calibrate it"


def test_without_a_probability_the_best_answer_is_unsure() -> None:
    bare = replace(ESTIMATE, likely_right=None)
    assert decide([0.0, 9.0], 2, bare).decision == "unsure"
    assert decide([3.0, 9.0], 2, bare).decision == "unknown"


@pytest.mark.parametrize("nearest", [float("nan"), float("inf")])
def test_a_distance_that_is_no_number_is_unknown(nearest: float) -> None:
    found = decide([nearest], 1, ESTIMATE)
    assert (found.decision, found.probability, found.margin) == ("unknown", 0.0, None)


def test_a_runner_up_nearer_than_the_nearest_is_refused() -> None:
    with pytest.raises(UsageError, match="do not rise"):
        decide([2.0, 1.0], 2, ESTIMATE)


def test_same_goes_by_the_row_of_the_rate_asked_for(calibrated: Calibrated) -> None:
    row = next(each for each in calibrated.table if each.false_matches == 0.01)
    found = same(row.threshold, calibrated)
    assert found.same
    assert not same(float(np.nextafter(row.threshold, 99)), calibrated).same
    assert (found.threshold, found.false_matches) == (row.threshold, 0.01)
    assert (found.interval, found.misses) == (row.interval, row.misses)
    assert found.probability == float(calibrated.verify.probability(row.threshold))
    # Between two rows the stricter one stands, and is stated.
    assert same(1.0, calibrated, false_matches=0.03).false_matches == 0.02
    assert same(1.0, calibrated, false_matches=1.0).false_matches == 0.2


def test_a_distance_that_is_no_number_is_never_the_same(calibrated: Calibrated) -> None:
    found = same(float("nan"), calibrated)
    assert (found.same, found.probability) == (False, 0.0)


def test_a_rate_that_nobody_measured_is_refused(calibrated: Calibrated) -> None:
    with pytest.raises(UsageError, match=r"calibrated from 0\.0002 upwards"):
        same(1.0, calibrated, false_matches=1e-6)


def test_a_model_without_calibration_says_how_to_get_one() -> None:
    nothing: Any = None
    with pytest.raises(ModelFolderError, match="run firstsight calibrate MODEL --data FOLDER"):
        same(1.0, nothing)


def test_where_shares_tell_strangers_take_theirs() -> None:
    sharp = 10 * log(2)
    by_shares = replace(ESTIMATE, likely_right=None, sharpness=sharp, offset=0.2 * sharp)
    found = decide([0.1, 0.2], 2, by_shares)
    # exp(-sharp * 0.1) = 1/2, then 1/4; strangers: 2 * exp(-0.2 * sharp) = 2/4.
    assert found.probability == pytest.approx((1 / 2) / (1 / 2 + 1 / 4 + 2 / 4))
    assert decide([0.1, 0.2], 2, replace(by_shares, offset=None)).probability is None


def test_the_likeliest_is_named_and_never_unknown() -> None:
    sharp = replace(ESTIMATE, sharpness=10 * log(2))
    known = decide_closed_set([0.1, 0.9], 2, sharp)
    assert (known.decision, known.threshold) == ("known", None)
    assert known.margin == pytest.approx(0.8)
    far = decide_closed_set([1.8, 1.9], 2, sharp)
    assert far.decision == "unsure"
    assert far.probability == pytest.approx(2 / 3)
    assert "below 90 %" in far.reason
    told = decide_closed_set([0.1, 0.9], 2, replace(ESTIMATE, sharpness=None))
    assert (told.decision, told.probability) == ("unsure", None)


def test_without_a_distance_nothing_is_named() -> None:
    assert decide_closed_set([np.inf], 1, ESTIMATE).decision == "unknown"
    assert decide_closed_set([0.1, np.inf], 2, ESTIMATE).margin is None
    with pytest.raises(UsageError, match="do not rise"):
        decide_closed_set([0.4, 0.3], 2, ESTIMATE)
