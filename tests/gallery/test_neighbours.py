from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.gallery import neighbours
from firstsight.gallery.neighbours import (
    UsualMargin,
    ask_without,
    draw_rows,
    find_neighbours,
    usual_margin,
)
from firstsight.gallery.records import PhotoVectors
from firstsight.similarity import Cosine, Euclidean, Head, WeightedL1

SIZES = [3, 1, 5, 2]


def photo_vectors(vectors: npt.NDArray[Any], sizes: list[int]) -> PhotoVectors:
    """Photos 100, 101, ... of things 10, 11, ..."""
    n, t = len(vectors), len(sizes)
    starts = np.cumsum([0, *sizes[:-1]])
    return PhotoVectors(np.arange(n) + 100, vectors.astype(np.float32), np.arange(t) + 10, starts)


def on_a_line(*things: list[float]) -> PhotoVectors:
    values = np.array([value for thing in things for value in thing])
    return photo_vectors(values[:, None], [len(thing) for thing in things])


@pytest.mark.parametrize(
    "head",
    [Euclidean(), Cosine(), WeightedL1(np.array([1.0, -0.2, 2.0]), 0.5)],
    ids=lambda head: str(head.kind),
)
def test_neighbours_are_those_of_a_naive_loop(head: Head, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CHUNK_CELLS", 25)  # two photos at a time
    vectors = photo_vectors(np.random.default_rng(0).normal(size=(11, 3)), SIZES)
    thing = np.repeat(range(4), SIZES)
    distances = head.distance(vectors.vectors, vectors.vectors)
    found = find_neighbours(head, vectors, np.arange(11))
    for row in range(11):
        kin = [other for other in range(11) if thing[other] == thing[row] and other != row]
        rest = [other for other in range(11) if thing[other] != thing[row]]
        assert found.things[row] == thing[row]
        nearest = min(rest, key=lambda other: distances[row, other])
        assert (found.other[row], found.other_rows[row]) == (distances[row, nearest], nearest)
        if kin:
            nearest = min(kin, key=lambda other: distances[row, other])
            assert (found.own[row], found.own_rows[row]) == (distances[row, nearest], nearest)
        else:
            assert found.own[row] == np.inf


def test_broken_vectors_are_near_to_nothing() -> None:
    found = find_neighbours(Euclidean(), on_a_line([0, 1], [np.nan, 3]), np.arange(4))
    assert found.own.tolist() == [1, 1, np.inf, np.inf]
    assert found.other.tolist() == [3, 2, np.inf, 2]


@pytest.mark.parametrize("seed", range(5))
def test_asking_only_where_needed_gives_what_asking_anew_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = photo_vectors(rng.normal(size=(11, 2)), SIZES)
    asked = np.sort(rng.choice(11, 8, replace=False))
    dropped = np.sort(rng.choice(11, 3, replace=False)) if seed else np.array([3])  # a whole thing
    found = find_neighbours(Euclidean(), vectors, asked)
    rest, left = ask_without(Euclidean(), vectors, found, dropped)
    assert rest.photos.tolist() == [100 + row for row in range(11) if row not in dropped]
    kept_things = np.repeat(range(4), SIZES)[[row for row in range(11) if row not in dropped]]
    assert rest.things.tolist() == (10 + np.unique(kept_things)).tolist()
    anew = find_neighbours(Euclidean(), rest, left.rows)
    assert rest.photos[left.rows].tolist() == [100 + r for r in asked if r not in dropped]
    for name in ("rows", "things", "own", "other", "other_rows"):
        assert getattr(left, name).tolist() == getattr(anew, name).tolist()


def test_all_photos_may_be_set_aside() -> None:
    vectors = on_a_line([0], [1])
    found = find_neighbours(Euclidean(), vectors, np.arange(2))
    rest, left = ask_without(Euclidean(), vectors, found, np.arange(2))
    assert len(rest) == len(left) == len(rest.starts) == 0


def test_whole_things_are_drawn() -> None:
    vectors = photo_vectors(np.zeros((40, 1)), [4] * 10)
    rows = draw_rows(vectors, 12, np.random.default_rng(0))
    assert len(rows) == 12 and (np.diff(rows) > 0).all()
    assert np.bincount(rows // 4).tolist().count(4) == 3
    assert draw_rows(vectors, 40, np.random.default_rng(0)).tolist() == list(range(40))


def test_the_usual_margin_is_a_median_that_one_odd_photo_does_not_move() -> None:
    # Margins: 8, 7 | -0.5, -0.5, 0.5 | 7, 8, 7 and the odd photo -19 (see test_doctor).
    vectors = on_a_line([20, 21, 0.5], [0, 1, 2], [10, 11, 12])
    usual = usual_margin(find_neighbours(Euclidean(), vectors, np.arange(9)))
    assert usual is not None
    assert (usual.middle, usual.n) == (7, 9)
    assert usual.spread == pytest.approx(1.4826)
    assert usual_margin(find_neighbours(Euclidean(), vectors, np.arange(7))) is None


def test_a_photo_is_misplaced_where_it_is_far_off_and_its_kin_agree() -> None:
    usual = UsualMargin(middle=4, spread=1, n=100)
    near, far = np.array([1.0, 1, 1]), np.array([5.0, 5, 5])
    assert usual.is_misplaced(6, 1, near, far)
    assert usual.is_misplaced(5, 1, near, far)  # as far on the wrong side as usual on the right
    assert not usual.is_misplaced(4.9, 1, near, far)
    assert not usual.is_misplaced(6, 1, near[:1], far[:1])  # one other photo is no agreement
    assert not usual.is_misplaced(6, 1, np.full(3, 6.0), far)  # no farther than its kin are
    assert not usual.is_misplaced(6, 1, near, near)  # the thing is confused altogether
    # Among 100 photos an outlier lies 3.5 deviations off; here that is 4 - 3.5 * 3 = -6.6.
    assert not UsualMargin(4, 3, 100).is_misplaced(6, 1, near, far)
    assert not UsualMargin(0, 0, 100).is_misplaced(6, 1, near, far)  # a model that tells nothing
