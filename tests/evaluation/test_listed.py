from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.data.packed import PackedPictures
from firstsight.evaluation.listed import connected, listed_pairs
from firstsight.evaluation.verification import Pairs
from firstsight.metrics.roc import area_under_curve, equal_error_rate, true_accept_rate
from firstsight.similarity import Euclidean


def told(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The first pixel, as a number: pictures are as far apart as these."""
    return pixels[:, 0, 0].astype(np.float32)


def pictures(levels: list[int]) -> PackedPictures:
    n = len(levels)
    return PackedPictures.of(
        name="pairs.csv",
        pixels=np.array(levels, np.uint8).reshape(n, 1, 1, 1),
        labels=np.arange(n),
        drawers=np.zeros(n, np.int64),
        class_names=tuple(map(str, range(n))),
        class_groups=np.zeros(n, np.int64),
        group_names=("pairs.csv",),
    )


def separate(gaps: list[int], same: list[bool]) -> tuple[PackedPictures, Pairs]:
    """Pairs that share no picture, so many levels apart."""
    levels = [level for gap in gaps for level in (0, gap)]
    first = np.arange(0, len(levels), 2)
    return pictures(levels), Pairs(first, first + 1, np.array(same))


def test_pairs_that_share_pictures_hang_together() -> None:
    pairs = Pairs(np.array([0, 2, 5, 1, 7]), np.array([1, 3, 6, 4, 3]), np.ones(5, bool))
    numbers = connected(pairs)
    assert numbers[0] == numbers[3]
    assert numbers[1] == numbers[4]
    assert len(set(numbers.tolist())) == 3


def test_pairs_that_are_easily_told_apart_are_all_right() -> None:
    packed, pairs = separate([1, 2, 3, 4] * 5 + [90, 95] * 10, [True] * 20 + [False] * 20)
    card = listed_pairs(told, Euclidean(), packed, pairs, 0)
    assert (card.protocol, card.measure, card.value, card.n) == ("pairs", "accuracy", 1.0, 40)
    assert card.details["auc"] == 1.0
    assert card.details["equal_error_rate"] == 0.0
    assert card.details["true_accept_1"] == 1.0
    assert card.details["interval_by"] == "pictures that hang together"
    assert card.details["intervals"]["auc"] == [1.0, 1.0]
    # Halfway between 4 (or what the half has) and 90.
    assert all(45 <= at <= 47 for at in card.details["thresholds"])


def test_the_rates_are_those_of_all_pairs_and_lie_in_their_intervals() -> None:
    rng = np.random.default_rng(3)
    same = rng.random(300) < 0.4
    gaps = np.clip(rng.normal(np.where(same, 40, 80), 25), 0, 255).astype(int)
    packed, pairs = separate(gaps.tolist(), same.tolist())
    card = listed_pairs(told, Euclidean(), packed, pairs, 0)
    sides = gaps[same], gaps[~same]
    assert card.details["auc"] == area_under_curve(*sides)
    assert card.details["equal_error_rate"] == equal_error_rate(*sides)
    accepted = true_accept_rate(*sides, false_accept_rate=0.01)[0]
    assert card.details["true_accept_1"] == accepted
    for name, (low, high) in card.details["intervals"].items():
        assert low <= card.details[name] <= high
        assert high - low < 0.4
    assert card.interval[0] < card.value < card.interval[1]
    assert card.details["n_same"] == int(same.sum())
    again = listed_pairs(told, Euclidean(), packed, pairs, 0)
    assert again.to_json() == card.to_json()


def test_a_constant_is_worth_what_saying_different_always_is() -> None:
    packed, pairs = separate([0] * 50, [True] * 20 + [False] * 30)
    card = listed_pairs(told, Euclidean(), packed, pairs, 0)
    assert card.details["auc"] == 0.5
    assert card.value == 0.6
    assert card.details["thresholds"] == [None, None]


def test_pairs_that_nearly_all_hang_together_are_taken_singly() -> None:
    n = 40
    packed = pictures([0, *range(1, n + 1)])
    same = np.arange(n) < n // 2
    pairs = Pairs(np.zeros(n, np.int64), np.arange(1, n + 1), same)
    card = listed_pairs(told, Euclidean(), packed, pairs, 0)
    assert card.details["interval_by"] == "pair"
    assert card.value == pytest.approx(1.0, abs=0.05)
