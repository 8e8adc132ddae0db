from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.keypoints import Keypoints, agreeing, find_keypoints
from tests.keypoints.prints import photographed, printed

BLACK = np.zeros((32, 32, 3), np.uint8)


def planted(n: int, seed: int) -> Keypoints:
    rng = np.random.default_rng(seed)
    return Keypoints(
        rng.uniform(-0.3, 0.3, (n, 2)).astype(np.float32),
        rng.uniform(0.005, 0.02, n).astype(np.float32),
        rng.uniform(-3, 3, n).astype(np.float32),
        rng.integers(0, 40, (n, 128)).astype(np.uint8),
        BLACK,
    )


def moved(points: Keypoints, *, turn: float, size: float, shift: tuple[float, float]) -> Keypoints:
    cos, sin = size * np.cos(turn), size * np.sin(turn)
    at = points.at @ np.array([[cos, sin], [-sin, cos]]) + shift
    return Keypoints(
        at.astype(np.float32),
        (points.size * size).astype(np.float32),
        (points.angle + turn).astype(np.float32),
        points.descriptions,
        points.colours,
    )


def rows(points: Keypoints, kept: list[int]) -> Keypoints:
    return replace(
        points,
        at=points.at[kept],
        size=points.size[kept],
        angle=points.angle[kept],
        descriptions=points.descriptions[kept],
    )


def joined(one: Keypoints, other: Keypoints) -> Keypoints:
    names = ("at", "size", "angle", "descriptions")
    both = {k: np.concatenate([getattr(one, k), getattr(other, k)]) for k in names}
    return Keypoints(**both, colours=one.colours)


@settings(max_examples=50, deadline=None)
@given(
    turn=st.floats(-3.1, 3.1),
    size=st.floats(0.3, 3),
    shift=st.tuples(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2)),
    seed=st.integers(0, 1000),
)
def test_what_moved_together_agrees_and_nothing_else(
    turn: float, size: float, shift: tuple[float, float], seed: int
) -> None:
    points = planted(20, seed)
    there = moved(points, turn=turn, size=size, shift=shift)
    # The first six went elsewhere: far off, each to another place.
    at = there.at.copy()
    at[:6] += np.array([[2 + k, -3 + 2 * k] for k in range(6)], np.float32)
    other = joined(planted(10, seed + 5000), replace(there, at=at))
    agreement = agreeing(points, other)
    assert agreement.first.tolist() == list(range(6, 20))
    assert agreement.second.tolist() == list(range(16, 30))


def test_middles_count_and_rims_do_not() -> None:
    points = planted(8, 3)
    at = np.array([[0, 0], [0.2, 0], [0, 0.4], [-0.2, 0.2], *points.at[4:]], np.float32)
    one = replace(points, at=at)
    middle = agreeing(one, one).middle
    assert middle[:4] == pytest.approx(np.exp([0, -0.5, -2, -1]))
    # Of both pictures the one where it lies farther out.
    other = moved(one, turn=0, size=1, shift=(0.4, 0))
    assert agreeing(one, other).middle[0] == pytest.approx(np.exp(-2))


@pytest.mark.parametrize("n", [0, 1, 4])
def test_a_few_places_agree_on_anything_and_so_on_nothing(n: int) -> None:
    points = planted(n, 0)
    assert len(agreeing(points, points)) == 0


def test_a_mirror_image_does_not_agree() -> None:
    points = planted(12, 1)
    mirrored = Keypoints(
        points.at * np.array([-1, 1], np.float32),
        points.size,
        np.pi - points.angle,
        points.descriptions,
        points.colours,
    )
    assert len(agreeing(points, mirrored)) == 0


def test_one_place_with_two_directions_counts_once() -> None:
    points = planted(9, 2)
    twice = joined(points, rows(points, [0, 1]))
    other = replace(twice, descriptions=np.roll(twice.descriptions, 0))
    descriptions = other.descriptions.copy()
    descriptions[9:] = 255 - descriptions[9:]  # another direction is described otherwise
    both = replace(twice, descriptions=descriptions)
    assert len(agreeing(both, both)) == 9


def test_a_print_photographed_anew_agrees_with_itself_alone() -> None:
    covers = [find_keypoints(printed(number)) for number in range(6)]
    for number in range(6):
        asked = find_keypoints(photographed(printed(number), number))
        agree = [agreeing(asked, cover).middle.sum() for cover in covers]
        assert agree[number] > 5
        assert max(agree[:number] + agree[number + 1 :]) < 1.5
