from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import DataError
from firstsight.sampling.batches import ClassBatches, HalfGroupBatches, UniformBatches


@given(st.integers(1, 50), st.integers(1, 50), st.integers(0, 9))
def test_an_epoch_shows_each_picture_at_most_once_and_leaves_out_less_than_a_batch(
    n: int, size: int, seed: int
) -> None:
    if n < size:
        with pytest.raises(DataError, match=r"lower batches\.size"):
            UniformBatches(n, size, seed)
        return
    batches = UniformBatches(n, size, seed)
    shown = np.concatenate([batches.at(step) for step in range(batches.epoch_steps)])
    assert len(set(shown.tolist())) == len(shown)
    assert n - len(shown) < size


def test_epochs_are_shuffled_anew_and_can_be_read_in_any_order() -> None:
    batches = UniformBatches(100, 10, seed=0)
    late, early = batches.at(25), batches.at(3)
    assert np.array_equal(UniformBatches(100, 10, seed=0).at(3), early)
    assert np.array_equal(UniformBatches(100, 10, seed=0).at(25), late)
    assert not np.array_equal(batches.at(0), batches.at(10))


def test_class_batches_hold_p_classes_of_k_different_pictures() -> None:
    labels = np.repeat(np.arange(20), 6)
    batches = ClassBatches(labels, n_classes=5, n_pictures=4, seed=0)
    for step in range(8):
        batch = batches.at(step)
        assert set(Counter(labels[batch].tolist()).values()) == {4}
        assert len(set(batch.tolist())) == 20
    epoch = np.concatenate([labels[batches.at(step)] for step in range(batches.epoch_steps)])
    assert set(epoch.tolist()) == set(range(20))


def test_a_class_with_too_few_pictures_repeats_them_evenly() -> None:
    labels = np.array([0, 0, 1, 1, 1, 1, 1])
    batch = ClassBatches(labels, n_classes=2, n_pictures=5, seed=0).at(0)
    counts = Counter(batch.tolist())
    assert sorted(counts[row] for row in (0, 1)) == [2, 3]
    assert all(counts[row] == 1 for row in range(2, 7))


def test_too_few_classes_for_a_batch_are_refused() -> None:
    with pytest.raises(DataError, match=r"lower batches\.n_classes"):
        ClassBatches(np.array([0, 0, 1, 1]), n_classes=3, n_pictures=2, seed=0)


def test_half_of_a_half_group_batch_comes_from_one_group() -> None:
    groups = np.repeat(np.arange(5), 40)
    batches = HalfGroupBatches(groups, size=20, seed=0)
    chosen = set()
    for step in range(30):
        inside = groups[batches.at(step)[10:]]
        assert len(set(inside.tolist())) == 1
        chosen.add(int(inside[0]))
    assert chosen == {0, 1, 2, 3, 4}
