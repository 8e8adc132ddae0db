from __future__ import annotations

import pytest

from firstsight.deciding.second_look import log_odds_of


@pytest.mark.parametrize(
    ("agreeing", "odds"), [(0, 0), (2, 0), (3, 1.5), (6, 6), (7.4, 8), (500, 8)]
)
def test_odds_rise_with_what_agrees_up_to_a_bound(agreeing: float, odds: float) -> None:
    assert log_odds_of(agreeing) == pytest.approx(odds, abs=0.02)


@pytest.mark.parametrize(
    ("other_colours", "odds"), [(0, 6), (0.08, 6), (0.12, 3), (0.16, 0), (1, 0)]
)
def test_a_print_in_other_colours_says_nothing(other_colours: float, odds: float) -> None:
    assert log_odds_of(6, other_colours) == pytest.approx(odds)
