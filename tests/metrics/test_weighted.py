from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.metrics.roc import area_under_curve, equal_error_rate, true_accept_rate
from firstsight.metrics.weighted import WeightedPairs


def all_pairs(points: npt.ArrayLike, things: npt.ArrayLike) -> WeightedPairs:
    """Every two of the points on a line."""
    points, things = np.asarray(points, np.float32), np.asarray(things)
    first, second = np.triu_indices(len(points), 1)
    distances = np.abs(points[first] - points[second])
    return WeightedPairs(distances, things[first] == things[second], things[first], things[second])


def repeated(pairs: WeightedPairs, counts: npt.NDArray[np.int64]) -> WeightedPairs:
    """Each pair so often."""
    return WeightedPairs(
        np.repeat(pairs.distances, counts),
        np.repeat(pairs.same, counts),
        np.repeat(pairs.first, counts),
        np.repeat(pairs.second, counts),
    )


def by_roc(pairs: WeightedPairs) -> list[float]:
    sides = pairs.distances[pairs.same], pairs.distances[~pairs.same]
    return [
        equal_error_rate(*sides),
        area_under_curve(*sides),
        true_accept_rate(*sides, false_accept_rate=0.01)[0],
    ]


@given(st.lists(st.integers(0, 9), min_size=6, max_size=12))
def test_unweighted_rates_are_those_of_the_curve_ties_included(points: list[int]) -> None:
    pairs = all_pairs(points, np.arange(len(points)) // 2)
    assert pairs.rates() == pytest.approx(by_roc(pairs))


@pytest.mark.parametrize("alphabets", [[0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1]])
def test_drawing_things_again_is_like_having_their_pictures_so_often(alphabets: list[int]) -> None:
    characters = all_pairs([0, 1, 4, 6, 9, 15], [0, 0, 1, 1, 2, 2])
    drawn_as = all_pairs([0] * 6, alphabets)
    pairs = replace(characters, first=drawn_as.first, second=drawn_as.second)
    drawn = pairs.redrawn_rates(40, np.random.default_rng(3))
    rng, n = np.random.default_rng(3), max(alphabets) + 1
    expected: list[list[float]] = []
    while len(expected) < 40:
        times = rng.multinomial(n, [1 / n] * n)
        if (times > 0).sum() > 1:
            counts = [
                times[a] if a == b else times[a] * times[b]
                for a, b in zip(pairs.first, pairs.second, strict=True)
            ]
            expected.append(by_roc(repeated(pairs, np.array(counts))))
    assert drawn == pytest.approx(np.array(expected))


def test_a_distance_that_is_no_number_is_the_largest() -> None:
    things = np.array([0, 0, 0]), np.array([0, 1, 1])
    broken = WeightedPairs(np.array([np.nan, 1, 2], np.float32), np.array([1, 0, 0], bool), *things)
    assert broken.rates().tolist() == [1, 0, 0]
    assert broken.accepted(5) == (0, 1)
