"""Episodes are what their plan says, and depend on nothing but the generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.errors import EpisodeError, ShapeError, UsageError
from firstsight.sampling.episodes import EpisodePlan, Episodes, draw_episodes

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Drawn:
    """A small Omniglot: every class of every group drawn once by each drawer, in mixed order."""

    labels: Indices
    groups: Indices
    drawers: Indices

    @classmethod
    def of(cls, group_sizes: list[int], n_drawers: int) -> Drawn:
        class_groups = np.repeat(np.arange(len(group_sizes)), group_sizes)
        labels = np.repeat(np.arange(len(class_groups)), n_drawers)
        drawers = np.tile(np.arange(n_drawers), len(class_groups))
        order = np.random.default_rng(99).permutation(len(labels))
        return cls(labels[order], class_groups[labels][order], drawers[order])

    def without(self, rows: npt.NDArray[Any]) -> Drawn:
        keep = ~rows
        return Drawn(self.labels[keep], self.groups[keep], self.drawers[keep])

    def draw(self, plan: EpisodePlan, seed: int = 0) -> Episodes:
        rng = np.random.default_rng(seed)
        return draw_episodes(self.labels, self.groups, self.drawers, plan, rng)


plans = st.builds(
    EpisodePlan,
    n_way=st.integers(2, 4),
    k_shot=st.integers(1, 3),
    n_query=st.integers(1, 7),
    n_tasks=st.integers(1, 20),
    within_group=st.booleans(),
    distinct_drawers=st.booleans(),
)


@settings(deadline=None)
@given(plans, st.integers(0, 2**32))
def test_every_episode_is_as_planned(plan: EpisodePlan, seed: int) -> None:
    drawn = Drawn.of([4, 5, 3, 6], n_drawers=8)
    episodes = drawn.draw(plan, seed)
    assert episodes.support.shape == (plan.n_tasks, plan.n_way, plan.k_shot)
    assert episodes.query.shape == episodes.truth.shape == (plan.n_tasks, plan.n_query)
    for support, query, truth in zip(episodes.support, episodes.query, episodes.truth, strict=True):
        classes = drawn.labels[support]
        assert (classes == classes[:, :1]).all()
        assert len(set(classes[:, 0])) == plan.n_way
        assert (classes[truth, 0] == drawn.labels[query]).all()
        pictures = [*support.ravel(), *query]
        assert len(set(pictures)) == len(pictures)
        asked = np.bincount(truth, minlength=plan.n_way)
        assert asked.max() - asked.min() <= 1
        if plan.within_group:
            assert len(set(drawn.groups[pictures])) == 1
        if plan.distinct_drawers:
            shots = drawn.drawers[support]
            assert (shots == shots[:1]).all()
            assert not set(shots.ravel()) & set(drawn.drawers[query])
            assert len(set(drawn.drawers[query])) == -(-plan.n_query // plan.n_way)


def test_the_same_seed_gives_the_same_episodes_and_another_others() -> None:
    drawn, plan = Drawn.of([5, 5], n_drawers=4), EpisodePlan(n_way=3, n_tasks=50)
    first, again, other = drawn.draw(plan, 1), drawn.draw(plan, 1), drawn.draw(plan, 2)
    np.testing.assert_array_equal(first.support, again.support)
    np.testing.assert_array_equal(first.query, again.query)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert (first.support != other.support).any()


@pytest.mark.parametrize("distinct_drawers", [True, False])
def test_truth_stands_at_every_position_equally_often(distinct_drawers: bool) -> None:
    plan = EpisodePlan(n_way=5, n_tasks=10_000, distinct_drawers=distinct_drawers)
    counts = np.bincount(Drawn.of([6, 9], n_drawers=3).draw(plan).truth.ravel())
    # Five standard deviations of a count of 10,000 draws at 1/5.
    assert abs(counts - 2000).max() < 5 * (10_000 * 0.2 * 0.8) ** 0.5


@pytest.mark.parametrize("distinct_drawers", [True, False])
def test_groups_classes_and_pictures_are_equally_likely(distinct_drawers: bool) -> None:
    drawn = Drawn.of([4, 8], n_drawers=3)
    plan = EpisodePlan(n_way=4, n_tasks=12_000, distinct_drawers=distinct_drawers)
    query = drawn.draw(plan).query.ravel()
    by_group = np.bincount(drawn.groups[query])
    assert abs(by_group - 6000).max() < 5 * 3000**0.5
    small, large = np.bincount(drawn.labels[query])[:4], np.bincount(drawn.labels[query])[4:]
    assert abs(small - 1500).max() < 5 * 1500**0.5
    assert abs(large - 750).max() < 5 * 750**0.5
    of_small = np.bincount(query, minlength=36)[drawn.groups == 0]
    assert abs(of_small - 500).max() < 5 * 500**0.5


def test_groups_with_too_few_classes_take_no_part() -> None:
    drawn = Drawn.of([3, 6, 2], n_drawers=4)
    episodes = drawn.draw(EpisodePlan(n_way=4, n_tasks=40))
    assert set(drawn.groups[episodes.support.ravel()]) == {1}


def test_classes_with_too_few_pictures_take_no_part() -> None:
    drawn = Drawn.of([6], n_drawers=3)
    poor = drawn.without((drawn.labels == 2) & (drawn.drawers > 0))
    plan = EpisodePlan(n_way=5, n_tasks=40, distinct_drawers=False)
    assert set(poor.labels[poor.draw(plan).support.ravel()]) == {0, 1, 3, 4, 5}


def test_only_drawers_of_every_class_serve_where_drawers_must_differ() -> None:
    drawn = Drawn.of([5, 5], n_drawers=4)
    gap = drawn.without((drawn.labels == 2) & (drawn.drawers == 1))  # a class of group 0
    episodes = gap.draw(EpisodePlan(n_way=5, n_tasks=200))
    first = gap.groups[episodes.query[:, 0]] == 0
    assert set(gap.drawers[episodes.query[first].ravel()]) == {0, 2, 3}
    assert set(gap.drawers[episodes.query[~first].ravel()]) == {0, 1, 2, 3}


def test_a_drawer_who_drew_a_class_twice_gives_either_drawing() -> None:
    labels, drawers = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 0, 1])
    plan = EpisodePlan(n_way=2, n_query=2, n_tasks=200)
    episodes = Drawn(labels, np.zeros(5, np.int64), drawers).draw(plan)
    assert {0, 1, 2} == set(episodes.support[labels[episodes.support] == 0])


def test_labels_may_be_any_whole_numbers() -> None:
    drawn = Drawn.of([4], n_drawers=3)
    plan = EpisodePlan(n_way=3, n_tasks=10)
    odd = replace(drawn, labels=drawn.labels * 100 - 7)
    np.testing.assert_array_equal(odd.draw(plan).support, drawn.draw(plan).support)


def test_too_few_classes_are_refused_with_the_remedy() -> None:
    drawn = Drawn.of([5, 14], n_drawers=3)
    with pytest.raises(
        EpisodeError,
        match="20-way episodes: the largest group has 14 classes; lower n_way, draw across",
    ):
        drawn.draw(EpisodePlan())
    with pytest.raises(EpisodeError, match="there are 19 classes; lower n_way, or add"):
        drawn.draw(EpisodePlan(within_group=False))
    with pytest.raises(EpisodeError, match=r"0 classes with 4 pictures or more \(19 have fewer\)"):
        drawn.draw(EpisodePlan(k_shot=3))


def test_too_few_common_drawers_are_refused_with_the_remedy() -> None:
    drawn = Drawn.of([3], n_drawers=3)
    apart = replace(drawn, drawers=drawn.drawers + 3 * drawn.labels)
    with pytest.raises(EpisodeError, match="at most 0 drew every class in play, and 2 are needed"):
        apart.draw(EpisodePlan(n_way=3))
    assert len(apart.draw(EpisodePlan(n_way=3, distinct_drawers=False))) == 1000


@pytest.mark.parametrize("name", ["n_way", "k_shot", "n_query", "n_tasks"])
def test_a_plan_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is 0; give at least"):
        EpisodePlan(**{name: 0})  # type: ignore[arg-type]


def test_arrays_of_unequal_length_are_refused() -> None:
    one, two = np.zeros(1, np.int64), np.zeros(2, np.int64)
    rng = np.random.default_rng(0)
    with pytest.raises(ShapeError, match="2 labels and 1 drawers"):
        draw_episodes(two, two, one, EpisodePlan(), rng)
    with pytest.raises(ShapeError, match="2 labels and 1 groups"):
        draw_episodes(two, one, two, EpisodePlan(), rng)
    with pytest.raises(ShapeError, match=r"give \(T, N, K\)"):
        Episodes(np.zeros((2, 3, 1), np.int64), np.zeros((2, 4), np.int64), two)
