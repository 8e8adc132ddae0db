from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.errors import DataError
from firstsight.sampling.batches import (
    ClassBatches,
    EpisodeBatches,
    HalfGroupBatches,
    UniformBatches,
)
from firstsight.sampling.coverage import Coverage, coverage


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


def test_episodes_hold_support_before_queries_and_no_picture_twice() -> None:
    labels = np.repeat(np.arange(7), 5)
    batches = EpisodeBatches(labels, n_way=3, k_shot=2, n_query=3, seed=0)
    for step in range(6):
        batch = batches.at(step)
        support, query = labels[batch[:6]].reshape(3, 2), labels[batch[6:]].reshape(3, 3)
        assert len(set(batch.tolist())) == 15
        assert len(set(support[:, 0].tolist())) == 3
        assert (support == support[:, :1]).all()
        assert (query == support[:, :1]).all()
        again = EpisodeBatches(labels, n_way=3, k_shot=2, n_query=3, seed=0)
        assert np.array_equal(batch, again.at(step))


def test_classes_too_small_for_an_episode_take_no_part_or_are_too_few() -> None:
    labels = np.array([0, 0, 0, 1, 2, 2, 2])
    batches = EpisodeBatches(labels, n_way=2, k_shot=1, n_query=2, seed=0)
    assert set(labels[batches.at(0)].tolist()) == {0, 2}
    with pytest.raises(DataError, match=r"only 2 classes have so many; lower batches\.n_way"):
        EpisodeBatches(labels, n_way=3, k_shot=1, n_query=2, seed=0)


def test_coverage_counts_what_is_shown_and_how_often() -> None:
    labels = np.array([0, 0, 0, 1, 2, 2, 2])
    episodes = EpisodeBatches(labels, n_way=2, k_shot=1, n_query=2, seed=0)
    seen = coverage(episodes, labels, steps=2)
    assert seen == Coverage(2, 7, 3, pictures_seen=6, classes_seen=2, most_often=2)
    assert seen.told(2) == (
        "an epoch (2 steps) shows 6 of 7 pictures, up to 2 times each, and 2 of 3 classes"
    )
    assert seen.told(4).startswith("the first 2 of an epoch's 4 steps show 6 of 7")


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 9))
def test_an_epoch_of_uniform_batches_misses_only_the_ragged_rest(
    n: int, size: int, seed: int
) -> None:
    if n >= size:
        batches = UniformBatches(n, size, seed)
        seen = coverage(batches, np.zeros(n, np.int64), steps=batches.epoch_steps)
        assert (seen.pictures_seen, seen.most_often) == (n - n % size, 1)
