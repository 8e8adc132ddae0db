from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import DataError
from firstsight.sampling.pairs import BalancedPairs, FixedPairs, PairPopulation

LABELS = np.repeat(np.arange(12), 5)  # 12 classes of 5 pictures
GROUPS = LABELS // 4  # 3 groups of 4 classes


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_every_other_pair_is_the_same_and_never_one_picture_with_itself(
    half: int, seed: int
) -> None:
    first, second = PairPopulation(LABELS).draw(2 * half, np.random.default_rng(seed))
    same = LABELS[first] == LABELS[second]
    assert same[0::2].all()
    assert not same[1::2].any()
    assert (first != second).all()


def test_pairs_within_groups_stay_in_their_group() -> None:
    first, second = PairPopulation(LABELS, GROUPS).draw(600, np.random.default_rng(0))
    assert (GROUPS[first] == GROUPS[second]).all()
    assert set(GROUPS[first]) == {0, 1, 2}


def test_a_class_of_one_picture_is_never_a_same_pair() -> None:
    labels = np.array([0, 1, 1, 2])
    first, second = PairPopulation(labels).draw(200, np.random.default_rng(1))
    assert set(labels[first[0::2]]) == {1}
    assert set(labels[np.concatenate([first[1::2], second[1::2]])]) == {0, 1, 2}


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]], ids=["one class", "single pictures"])
def test_pictures_that_cannot_make_pairs_are_refused(labels: list[int]) -> None:
    with pytest.raises(DataError, match="no pairs can be drawn"):
        PairPopulation(np.array(labels))


def test_a_batch_is_a_pure_function_of_seed_and_step() -> None:
    one = BalancedPairs(LABELS, n_pairs=8, seed=3)
    two = BalancedPairs(LABELS, n_pairs=8, seed=3)
    two.at(0)
    assert np.array_equal(one.at(5), two.at(5))
    assert not np.array_equal(one.at(5), one.at(6))


def test_fixed_pairs_show_each_pair_once_an_epoch_and_half_are_the_same() -> None:
    pairs = FixedPairs(LABELS, pool=64, n_pairs=16, seed=0)
    assert pairs.epoch_steps == 4
    seen: list[tuple[int, int]] = []
    for step in range(4):
        first, second = pairs.at(step).reshape(2, -1)
        assert (LABELS[first] == LABELS[second]).sum() == 8
        seen += zip(first.tolist(), second.tolist(), strict=True)
    again = [
        pair
        for step in range(4, 8)
        for pair in zip(*pairs.at(step).reshape(2, -1).tolist(), strict=True)
    ]
    assert sorted(seen) == sorted(again)
    assert seen != again


def test_an_epoch_visits_each_pair_of_the_pool_as_often_as_is_asked() -> None:
    pairs = FixedPairs(LABELS, pool=8, n_pairs=4, seed=0, visits=9)
    assert pairs.epoch_steps == 18
    once = FixedPairs(LABELS, pool=8, n_pairs=4, seed=0)
    pool = [pair for step in range(2) for pair in zip(*once.at(step).reshape(2, -1), strict=True)]
    seen: list[tuple[int, int]] = []
    for step in range(18):
        first, second = pairs.at(step).reshape(2, -1)
        assert (LABELS[first] == LABELS[second]).sum() == 2
        seen += zip(first, second, strict=True)
    assert sorted(seen) == sorted(9 * pool)


@pytest.mark.parametrize("n_pairs", [0, 3])
def test_an_odd_number_of_pairs_is_refused(n_pairs: int) -> None:
    with pytest.raises(DataError, match="wanted an even number"):
        BalancedPairs(LABELS, n_pairs=n_pairs, seed=0)
