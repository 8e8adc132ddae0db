from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.data.packed import PackedPictures
from firstsight.data.splits import (
    by_drawer,
    hold_out,
    hold_out_classes,
    hold_out_groups,
    join,
    require_no_shared_classes,
    without_singletons,
)
from firstsight.errors import DataError, ShapeError, UsageError


def pictures_of(counts: list[int], n_groups: int = 1) -> PackedPictures:
    """One class for each count, its group by turns, its number in its pixels."""
    labels = np.repeat(np.arange(len(counts)), counts)
    return PackedPictures.of(
        name="things",
        pixels=labels.astype(np.uint8).reshape(-1, 1, 1, 1),
        labels=labels,
        drawers=np.concatenate([np.arange(count) for count in counts]),
        class_names=tuple(f"c{number}" for number in range(len(counts))),
        class_groups=np.arange(len(counts)) % n_groups,
        group_names=tuple(f"g{number}" for number in range(n_groups)),
    )


def test_named_groups_are_held_out_whole() -> None:
    train, held_out = hold_out_groups(pictures_of([2] * 6, 3), ["g1"])
    assert train.group_names == ("g0", "g2")
    assert held_out.group_names == ("g1",)
    assert held_out.class_names == ("c1", "c4")
    assert (len(train), len(held_out)) == (8, 4)
    assert hold_out_groups(pictures_of([2] * 6, 3), "g1")[1].group_names == ("g1",)


def test_groups_held_out_by_count_follow_the_generator() -> None:
    pictures = pictures_of([2] * 40, 20)
    draws = [hold_out_groups(pictures, 5, np.random.default_rng(seed))[1] for seed in (1, 1, 2)]
    assert [len(held.group_names) for held in draws] == [5, 5, 5]
    assert draws[0].group_names == draws[1].group_names
    assert draws[0].group_names != draws[2].group_names


@given(st.integers(2, 8), st.data())
def test_a_split_loses_no_picture_and_shares_no_class(n_groups: int, data: st.DataObject) -> None:
    pictures = pictures_of([3] * 16, n_groups)
    n_held = data.draw(st.integers(1, n_groups - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    train, held_out = hold_out_groups(pictures, n_held, rng)
    assert len(train) + len(held_out) == len(pictures)
    assert set(train.class_names) | set(held_out.class_names) == set(pictures.class_names)
    assert not set(train.class_names) & set(held_out.class_names)
    require_no_shared_classes(train, held_out)


def test_impossible_groups_are_refused() -> None:
    pictures = pictures_of([2] * 6, 3)
    with pytest.raises(DataError, match=r"no group 'g9'; choose among g0, g1, g2"):
        hold_out_groups(pictures, ["g0", "g9"])
    with pytest.raises(DataError, match="'g1' is to be held out twice"):
        hold_out_groups(pictures, ["g1", "g1"])
    with pytest.raises(DataError, match="hold out 3 of the 3 groups"):
        hold_out_groups(pictures, ["g0", "g1", "g2"])
    with pytest.raises(DataError, match="hold out 0 of the 3 groups"):
        hold_out_groups(pictures, [])
    with pytest.raises(DataError, match="hold out 4 of the 3 groups"):
        hold_out_groups(pictures, 4, np.random.default_rng(0))
    with pytest.raises(UsageError, match="random generator"):
        hold_out_groups(pictures, 1)


def test_a_share_of_the_classes_is_held_out() -> None:
    pictures = pictures_of([2] * 10, 2)
    train, held_out = hold_out_classes(pictures, 0.3, np.random.default_rng(4))
    assert (train.n_classes, held_out.n_classes) == (7, 3)
    again = hold_out_classes(pictures, 0.3, np.random.default_rng(4))[1]
    assert again.class_names == held_out.class_names


def test_parts_of_one_seed_have_nothing_in_common_and_are_all_there_is() -> None:
    pictures = pictures_of([2] * 12, 4)
    for plan in ({"n_groups": 1, "class_share": 0.0}, {"n_groups": 0, "class_share": 0.25}):
        held = [
            hold_out(pictures, **plan, part=part, seed=5)[1]  # type: ignore[arg-type]
            for part in range(4)
        ]
        names = [name for each in held if each for name in each.class_names]
        assert sorted(names) == sorted(pictures.class_names)
        with pytest.raises(DataError, match="in 4 parts, numbered from 0"):
            hold_out(pictures, **plan, part=4, seed=5)  # type: ignore[arg-type]


def test_shares_that_leave_a_side_empty_are_refused() -> None:
    rng = np.random.default_rng(0)
    for share in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="between 0 and 1"):
            hold_out_classes(pictures_of([2] * 10), share, rng)
    for share in (0.01, 0.99):
        with pytest.raises(DataError, match="of the 10 classes of things"):
            hold_out_classes(pictures_of([2] * 10), share, rng)


def test_pictures_are_chosen_by_who_drew_them() -> None:
    pictures = pictures_of([4, 2, 1])
    chosen = by_drawer(pictures, [1, 3])
    np.testing.assert_array_equal(chosen.drawers, [1, 3, 1])
    assert chosen.class_names == ("c0", "c1")


def test_drawers_who_drew_nothing_are_refused() -> None:
    with pytest.raises(DataError, match=r"no pictures by drawer 7; choose among drawers 0 to 3"):
        by_drawer(pictures_of([4, 2]), [0, 7])
    with pytest.raises(DataError, match="no drawer at all"):
        by_drawer(pictures_of([4, 2]), [])


def test_single_pictures_are_left_out_of_learning_and_named() -> None:
    pictures, lone = without_singletons(pictures_of([2, 1, 3, 1]))
    assert lone == ("c1", "c3")
    assert pictures.class_names == ("c0", "c2")
    assert len(pictures) == 5
    whole = pictures_of([2, 2])
    assert without_singletons(whole) == (whole, ())


def test_too_few_classes_with_pairs_are_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"has 1 \(fewer: c0, c1, c2, c3, c4 and 1 more\)"):
        without_singletons(pictures_of([1, 1, 1, 1, 1, 1, 5]))
    with pytest.raises(DataError, match="has 1; add"):
        without_singletons(pictures_of([5]))


def test_classes_on_both_sides_are_found() -> None:
    pictures = pictures_of([2] * 6, 3)
    with pytest.raises(DataError, match=r"6 classes are both .*c0, c1, c2, c3"):
        require_no_shared_classes(pictures, pictures)


def test_classes_of_the_parts_of_one_set_are_told_by_their_names() -> None:
    train = replace(pictures_of([2, 2]), name="set:train", group_names=("set:train",))
    other = replace(train, name="set:val", group_names=("set:val",))
    with pytest.raises(DataError, match=r"2 classes are both in the training and .*\(c0, c1\)"):
        require_no_shared_classes(train, other)
    with pytest.raises(DataError, match=r"2 classes are both in set:train and in set:val \(c0, c1"):
        join(train, other)
    # In another set they may be something else.
    elsewhere = replace(other, name="another", group_names=("another",))
    require_no_shared_classes(train, elsewhere)


def test_groups_of_one_name_are_one_group_of_two_sets_joined() -> None:
    first = pictures_of([2, 3], n_groups=2)
    second = replace(
        pictures_of([2, 2], n_groups=2), class_names=("x", "y"), group_names=("g1", "h")
    )
    both = join(first, second)
    assert both.group_names == ("g0", "g1", "h")
    assert both.class_groups.tolist() == [0, 1, 1, 2]


def test_two_sets_are_joined_and_each_keeps_its_own() -> None:
    first = pictures_of([2, 3], n_groups=2)
    second = replace(
        pictures_of([1, 2, 2]), name="others", class_names=("x", "y", "z"), group_names=("h",)
    )
    both = join(first, second)
    assert both.labels.tolist() == [0, 0, 1, 1, 1, 2, 3, 3, 4, 4]
    assert both.groups.tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 2, 2]
    assert both.full_names == [*first.full_names, *second.full_names]
    assert both.pixels[:, 0, 0, 0].tolist() == [0, 0, 1, 1, 1, 0, 1, 1, 2, 2]
    assert np.array_equal(both.digests, np.concatenate([first.digests, second.digests]))
    assert both.fingerprint not in (first.fingerprint, second.fingerprint)


def test_sets_that_cannot_be_joined_are_refused() -> None:
    first = pictures_of([2, 3])
    with pytest.raises(DataError, match=r"2 classes are both in things and in things \(c0"):
        join(first, first)
    wider = replace(first, pixels=np.zeros((5, 2, 1, 1), np.uint8), class_names=("x", "y"))
    with pytest.raises(ShapeError, match="pack both by the same preprocessing"):
        join(first, wider)


def test_a_flat_folder_is_told_what_learning_needs() -> None:
    with pytest.raises(DataError, match=r"one picture of each class: enough .* a folder of"):
        without_singletons(pictures_of([1] * 5))
