from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from firstsight.learning.networks.heads import CosineHead, EuclideanHead, HeadModule, WeightedL1Head
from firstsight.learning.recipes.schema.optimiser import Schedule
from firstsight.learning.training.schedules import rate_factor
from firstsight.learning.training.stopping import BestSoFar
from firstsight.learning.training.watchdog import Watchdog, distance_spread


def test_patience_counts_looks_in_a_row_without_a_gain() -> None:
    best = BestSoFar(patience=2)
    assert [best.look(x) for x in (0.5, 0.6, 0.55, 0.7, 0.7, 0.6)] == [
        True, True, False, True, False, False,
    ]  # fmt: skip
    assert best.should_stop
    assert best.best == 0.7


def test_a_gain_within_min_delta_is_none() -> None:
    best = BestSoFar(patience=None, min_delta=0.1)
    assert [best.look(x) for x in (0.5, 0.59, 0.61)] == [True, False, True]
    assert not best.should_stop


def test_a_look_that_is_no_number_stops_and_is_never_the_best() -> None:
    best = BestSoFar(patience=None)
    assert not best.look(math.nan)
    assert best.should_stop
    assert best.best == -math.inf
    assert best.look(0.1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.integers(0, 19))
def test_a_restored_count_goes_on_as_if_never_saved(looks: list[float], cut: int) -> None:
    whole, first = BestSoFar(3), BestSoFar(3)
    for look in looks:
        whole.look(look)
    for look in looks[:cut]:
        first.look(look)
    second = BestSoFar(3)
    second.restore(first.state())
    for look in looks[cut:]:
        second.look(look)
    assert (second.best, second.idle_looks) == (whole.best, whole.idle_looks)


def test_patience_that_was_at_its_end_still_is_when_restored() -> None:
    first, second = BestSoFar(patience=2), BestSoFar(patience=2)
    for look, at_its_end in ((0.5, False), (0.4, False), (0.3, True)):
        first.look(look)
        second.restore(first.state())
        assert first.should_stop == second.should_stop == at_its_end


def test_warm_up_then_cosine_by_hand() -> None:
    factor = rate_factor(
        Schedule(kind="cosine", warmup_share=0.2, final_share=0.1), steps=10, epoch_steps=5
    )
    assert [factor(step) for step in (0, 1)] == pytest.approx([1 / 3, 2 / 3])
    assert factor(2) == pytest.approx(1.0)
    assert factor(6) == pytest.approx(0.1 + 0.9 / 2)
    assert factor(10) == pytest.approx(0.1)


def test_decay_falls_once_an_epoch() -> None:
    factor = rate_factor(Schedule(kind="decay", decay_per_epoch=0.5), steps=9, epoch_steps=3)
    assert [factor(step) for step in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_spread_is_the_deviation_of_distances_half_a_batch_apart() -> None:
    embeddings = torch.tensor([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    # distances 5 and 1
    assert distance_spread(embeddings, EuclideanHead()) == pytest.approx(8**0.5)


@pytest.mark.parametrize("head", [EuclideanHead(), CosineHead(), WeightedL1Head(4)])
def test_one_point_has_no_spread_by_any_head(head: HeadModule) -> None:
    assert distance_spread(torch.full((6, 4), 0.7), head) == pytest.approx(0, abs=1e-6)


def test_the_watchdog_speaks_once_and_only_after_patience() -> None:
    dog = Watchdog(patience=3)
    said = [dog.look(1e-5, None) for _ in range(6)]
    assert [bool(sentence) for sentence in said] == [False, False, True, False, False, False]
    assert "nearly the same point" in str(said[2])


def test_the_watchdog_forgives_a_narrow_start_and_names_idle_triplets() -> None:
    dog = Watchdog(patience=3)
    assert not any(dog.look(spread, 0.5) for spread in (1e-5, 1e-5, 0.4, 1e-5, 1e-5))
    idle = [dog.look(0.5, 0.0) for _ in range(3)]
    assert "no triplet costs anything" in str(idle[-1])


def test_gains_may_be_counted_in_percent_of_the_best() -> None:
    best = BestSoFar(patience=2, min_delta_percent=10)
    looks = [best.look(x) for x in (0.5, 0.54, 0.56, 0.6, 0.61)]  # better than 0.5: above 0.55
    assert looks == [True, False, True, False, False]
    assert best.should_stop
