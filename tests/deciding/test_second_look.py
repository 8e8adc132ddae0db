from __future__ import annotations

import pytest

from firstsight.deciding.second_look import log_odds_of, nearer_by


@pytest.mark.parametrize(
    ("agreeing", "odds"), [(0, 0), (2, 0), (3, 1.5), (6, 6), (7.4, 8), (500, 8)]
)
def test_odds_rise_with_what_agrees_up_to_a_bound(agreeing: float, odds: float) -> None:
    assert log_odds_of(agreeing) == pytest.approx(odds, abs=0.02)


def test_as_a_distance_it_is_what_lowers_the_odds_as_much() -> None:
    # Six raise the log odds by 6, and a unit of distance lowers them by 20.
    assert nearer_by(6, sharpness=20) == pytest.approx(0.3)
    assert nearer_by(0, sharpness=20) == 0
