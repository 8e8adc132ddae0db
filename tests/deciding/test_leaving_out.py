"""A gallery tried on itself gives what naive loops give, and stays bounded."""

from __future__ import annotations

import numpy as np
import pytest

from firstsight.deciding.combining import RULES, Rule, thing_distances
from firstsight.deciding.leaving_out import drawn_together, leave_one_out
from firstsight.deciding.trials import Trials
from firstsight.similarity import Cosine, Euclidean, Head, WeightedL1

from .conftest import Photos, World

SIZES = [2, 1, 4, 3, 1]
HEADS: tuple[Head, ...] = (
    Euclidean(),
    Cosine(),
    WeightedL1(np.array([-0.5, 0.2, -1.0], np.float32), 2.0),
)
Row = tuple[float, float, bool, float]  # distance, margin, right, weight


def without(photos: Photos, rows: set[int]) -> tuple[Photos, list[int]]:
    """The gallery with some photos out, and the old numbers of the things that are left."""
    ends = [*photos.starts[1:], len(photos.vectors)]
    kept = [
        [row for row in range(start, end) if row not in rows]
        for start, end in zip(photos.starts, ends, strict=True)
    ]
    left = [thing for thing, rows_left in enumerate(kept) if rows_left]
    listed = [kept[thing] for thing in left]
    return Photos.of(photos.vectors[np.concatenate(listed)], [len(each) for each in listed]), left


def naive(head: Head, photos: Photos, rule: Rule) -> tuple[list[Row], list[Row]]:
    strangers: list[Row] = []
    enrolled: list[Row] = []
    thing = np.repeat(np.arange(len(SIZES)), SIZES)
    for query in range(len(thing)):
        own = set(np.flatnonzero(thing == thing[query]).tolist())
        sides = [(own, strangers), ({query}, enrolled)] if len(own) > 1 else [(own, strangers)]
        for rows, trials in sides:
            gallery, left = without(photos, rows)
            row = thing_distances(head, photos.vectors[[query]], gallery, rule)[0]
            order = np.argsort(row)
            margin = float(row[order[1]] - row[order[0]])
            right = left[int(order[0])] == thing[query]
            trials.append((float(row[order[0]]), margin, right, 1 / len(own)))
    return strangers, enrolled


def rows_of(trials: Trials) -> list[Row]:
    columns = trials.distance, trials.margin, trials.right, trials.weight
    return list(zip(*(column.tolist() for column in columns), strict=True))


@pytest.mark.parametrize("head", HEADS, ids=lambda head: head.kind)
@pytest.mark.parametrize("rule", RULES)
def test_trials_of_both_sides_equal_naive_loops(head: Head, rule: Rule) -> None:
    rng = np.random.default_rng(5)
    photos = Photos.of(rng.normal(size=(sum(SIZES), 3)), SIZES)
    found = leave_one_out(head, photos).by_rule[rule]
    for got, wanted in zip(
        (found.strangers, found.enrolled), naive(head, photos, rule), strict=True
    ):
        # Both are in the order of the photos.
        np.testing.assert_allclose(rows_of(got), wanted, rtol=1e-4, atol=1e-5)
    assert found.strangers.n_things == pytest.approx(5)
    assert found.enrolled.n_things == pytest.approx(3)


def test_single_trials_meet_one_photo_of_each_other_thing() -> None:
    rng = np.random.default_rng(5)
    photos = Photos.of(rng.normal(size=(sum(SIZES), 3)), SIZES)
    found = leave_one_out(Euclidean(), photos)
    best, single = found.by_rule["best"].strangers.distance, found.single.distance
    assert (single >= best).all() and (single > best).any()
    apart = Euclidean().distance(photos.vectors, photos.vectors)
    assert all(np.isin(np.float32(single[row]), apart[row]) for row in range(len(apart)))


def test_a_collapsed_model_recognises_nothing() -> None:
    photos = Photos.of(np.full((9, 4), 0.3), [3, 3, 3])
    for head in (Euclidean(), Cosine(), WeightedL1(np.ones(4, np.float32), 0.1)):
        for trials in leave_one_out(head, photos).by_rule.values():
            assert not trials.enrolled.right.any()
            assert (trials.enrolled.margin == 0).all()


def test_one_thing_has_no_strangers_and_two_have_no_runner_up_for_them() -> None:
    one = leave_one_out(Euclidean(), Photos.of([[0.0], [1.0]], [2])).by_rule["best"]
    assert len(one.strangers) == 0
    assert one.enrolled.right.all() and np.isnan(one.enrolled.margin).all()
    two = leave_one_out(Euclidean(), Photos.of([[0.0], [1.0], [5.0]], [2, 1])).by_rule["best"]
    assert two.strangers.distance.tolist() == [5, 4, 4]
    assert np.isnan(two.strangers.margin).all()
    assert two.enrolled.margin.tolist() == [4, 3]


def test_a_damaged_vector_is_not_asked_about_and_never_near() -> None:
    photos = Photos.of([[0.0], [np.nan], [1.0], [3.0]], [2, 1, 1])
    found = leave_one_out(Euclidean(), photos).by_rule["best"]
    assert found.strangers.distance.tolist() == [1, 1, 2]
    assert len(found.enrolled) == 1 and not found.enrolled.right[0]
    nothing = leave_one_out(Euclidean(), Photos.of([[np.nan], [np.nan]], [1, 1]))
    assert len(nothing.by_rule["mean"].strangers) == 0


def test_queries_stay_within_bounds_and_every_thing_is_asked_before_any_twice() -> None:
    rng = np.random.default_rng(0)
    sizes = [100, *[2] * 30, *[1] * 30]
    photos = Photos.of(rng.normal(size=(sum(sizes), 2)), sizes)
    found = leave_one_out(Euclidean(), photos, most=80).by_rule["best"]
    assert len(found.strangers) == 80 and found.strangers.n_things == pytest.approx(61)
    assert sorted(set(found.strangers.weight.tolist())) == [0.5, 1]
    assert len(found.enrolled) == 80 and found.enrolled.n_things == pytest.approx(31)
    # No thing gives more than twenty photos, however many it has.
    assert found.enrolled.weight.min() == pytest.approx(1 / 20)


def test_the_seed_alone_decides_what_is_asked(world: World) -> None:
    photos = world.gallery(np.random.default_rng(0), 50, 3)
    one, same, other = (
        leave_one_out(Euclidean(), photos, most=40, seed=seed).by_rule["best"].strangers.distance
        for seed in (1, 1, 2)
    )
    assert one.tolist() == same.tolist() != other.tolist()


def test_things_that_name_each_other_are_drawn_together() -> None:
    asked, named = np.array([0, 1, 2, 3, 4]), np.array([1, 0, 1, 4, 3])
    distance = np.array([1.0, 1.0, 2.0, 3.0, 3.0])
    # 2 names 1, but 1 names 0; and 3 and 4 are beyond the nearest 60 %.
    assert drawn_together(asked, named, distance, reach=1).tolist() == [0, 0, 2, 3, 3]
    assert drawn_together(asked, named, distance, reach=0.6).tolist() == [0, 0, 2, 3, 4]
