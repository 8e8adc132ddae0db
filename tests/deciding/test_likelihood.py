"""The probability that a name is right: found where it is known, and never the wrong way round."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.deciding.likelihood import LikelyRight, Logistic, fit_likely_right
from firstsight.deciding.trials import BothSides, Trials


def side(
    distance: npt.ArrayLike, margin: npt.ArrayLike, right: npt.ArrayLike, thing: npt.ArrayLike = ()
) -> Trials:
    n = len(np.asarray(distance))
    return Trials.of_things(distance, margin, right, thing if len(np.asarray(thing)) else range(n))


def test_the_logistic_by_hand() -> None:
    logistic = Logistic(intercept=1.0, by_distance=-2.0, by_margin=0.5)
    # 1 - 2 * 1 + 0.5 * 2 = 0; 1 - 0 + 0 = 1, and e / (1 + e) = 0.7311.
    assert logistic(1.0, 2.0) == 0.5
    assert logistic(0.0, 0.0) == pytest.approx(0.731058578630)
    assert (logistic(1e9), logistic(-1e9)) == (0, 1)


def test_the_fit_finds_the_logistic_that_made_the_trials() -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    # Distances normal about 1 and 3, margins about 2 and 1, all of deviation 1: the log odds are
    # -2 d + 4 from the distance and m - 1.5 from the margin.
    found = fit_likely_right(
        BothSides(
            side(rng.normal(3, 1, n), rng.normal(1, 1, n), np.zeros(n)),
            side(rng.normal(1, 1, n), rng.normal(2, 1, n), np.ones(n)),
        )
    )
    assert found is not None and found.rivalled is not None
    assert found.rivalled.by_distance == pytest.approx(-2, abs=0.08)
    assert found.rivalled.by_margin == pytest.approx(1, abs=0.08)
    assert found.rivalled.intercept == pytest.approx(2.5, abs=0.16)
    assert found.alone.by_distance == pytest.approx(-2, abs=0.08)
    assert found.alone.intercept == pytest.approx(4, abs=0.16)


def test_the_odds_are_even_however_many_strangers_were_tried() -> None:
    rng = np.random.default_rng(1)
    enrolled = side(rng.normal(1, 1, 4000), np.full(4000, np.nan), np.ones(4000))
    few, many = (
        fit_likely_right(BothSides(side(far, far * np.nan, far < -9), enrolled))
        for far in (rng.normal(3, 1, 4000), rng.normal(3, 1, 80_000))
    )
    assert few is not None and many is not None and few.rivalled is None
    assert few.probability(2.0, None) == pytest.approx(0.5, abs=0.02)
    assert many.probability(2.0, None) == pytest.approx(0.5, abs=0.02)


def test_a_thing_with_many_photos_counts_no_more_than_one_with_one() -> None:
    def fitted(repeats: int) -> float:
        distance = np.array([0.5, *[4.0] * repeats, 1.0])
        thing = np.array([0, *[1] * repeats, 2])
        enrolled = side(distance, distance * np.nan, distance < 2, thing)
        far = np.array([3.0, 2.5, 0.7])
        found = fit_likely_right(BothSides(side(far, far * np.nan, far < 0), enrolled))
        assert found is not None
        return found.alone(2.0)

    assert fitted(200) == pytest.approx(fitted(1))


def test_a_side_without_trials_gives_no_probability() -> None:
    some, none = side([1.0], [1.0], [True]), side([], [], [])
    assert fit_likely_right(BothSides(none, some)) is None
    assert fit_likely_right(BothSides(some, none)) is None


def test_a_runner_up_at_no_distance_is_no_runner_up() -> None:
    likely = LikelyRight(Logistic(0, -1), Logistic(0, -1, 1))
    assert likely.probability(1.0, None) == likely.probability(1.0, np.inf) == Logistic(0, -1)(1.0)
    assert likely.probability(1.0, 1.0) == 0.5


trials = st.lists(
    st.tuples(st.floats(-50, 50), st.floats(0, 50), st.booleans()), min_size=1, max_size=12
)


@settings(max_examples=60)
@given(trials, trials, st.lists(st.floats(-60, 60), min_size=2, max_size=2), st.floats(0, 60))
def test_it_never_rises_with_distance_and_never_falls_with_margin(
    strangers: list[tuple[float, float, bool]],
    enrolled: list[tuple[float, float, bool]],
    distances: list[float],
    margin: float,
) -> None:
    columns = [np.array(rows, np.float64).T for rows in (strangers, enrolled)]
    found = fit_likely_right(
        BothSides(side(columns[0][0], columns[0][1], columns[0][0] < -99), side(*columns[1]))
    )
    assert found is not None
    near, far = sorted(distances)
    for rival in (None, margin):
        assert 0 <= found.probability(far, rival) <= found.probability(near, rival) <= 1
    assert found.probability(near, margin) <= found.probability(near, margin + 1)
    assert LikelyRight.from_json(found.to_json()) == found


def test_where_margins_mislead_the_distance_speaks_alone() -> None:
    # Strangers have the wider margins here, which may not count against a wide margin.
    rng = np.random.default_rng(2)
    far, near = rng.normal(3, 1, 400), rng.normal(1, 1, 400)
    wide, narrow = rng.uniform(2, 4, 400), rng.uniform(0, 3, 400)
    found = fit_likely_right(
        BothSides(side(far, wide, np.zeros(400)), side(near, narrow, np.ones(400)))
    )
    assert found is not None and found.rivalled is not None
    assert found.rivalled.by_margin == 0
    assert found.rivalled == found.alone and found.alone.by_distance < -1.5


def test_trials_that_say_the_opposite_leave_the_probability_flat() -> None:
    # Strangers nearer than enrolled things: no distance may speak for a stranger's being right.
    found = fit_likely_right(
        BothSides(
            side([1.0, 2, 1.5], [9, 9, 8.0], [0] * 3), side([5.0, 6, 7], [1, 1, 2.0], [1] * 3)
        )
    )
    assert found is not None and found.rivalled is not None
    assert found.rivalled.by_distance == found.rivalled.by_margin == 0
    assert (
        found.probability(0.0, 1.0) == found.probability(9.0, 0.0) == pytest.approx(0.5, abs=0.01)
    )


@pytest.mark.parametrize(
    "record",
    [
        None,
        {"intercept": 0.0, "by_distance": -1.0},
        {"intercept": 0.0, "by_distance": 1.0, "by_margin": 0.0},
        {"intercept": 0.0, "by_distance": -1.0, "by_margin": -1.0},
        {"intercept": float("nan"), "by_distance": -1.0, "by_margin": 0.0},
    ],
)
def test_a_record_of_no_such_logistic_is_refused(record: object) -> None:
    with pytest.raises(ValueError, match="is no logistic"):
        Logistic.from_json(record)
