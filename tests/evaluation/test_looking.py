"""What pictures are taken for, on a line where distances are read off."""

from __future__ import annotations

import numpy as np
import pytest

from firstsight.errors import DataError, ShapeError
from firstsight.evaluation.atlas import chart, project
from firstsight.evaluation.looking import Neighbourhood, look_around
from firstsight.similarity import Euclidean

# Class 0 at 0 and 1, class 1 at 3 and 7, class 2 at 6 alone.
PLACES = np.array([[0.0], [1.0], [3.0], [7.0], [6.0]])
LABELS = np.array([0, 0, 1, 1, 2])


@pytest.fixture
def around() -> Neighbourhood:
    return look_around(PLACES, LABELS, Euclidean(), np.random.default_rng(0))


def test_pictures_alone_in_their_class_are_found_but_not_asked(around: Neighbourhood) -> None:
    assert around.query.tolist() == [0, 1, 2, 3]
    assert around.nearest[3].tolist() == [4, 2, 1, 0]


def test_the_worst_mistake_has_the_right_picture_farthest_behind(around: Neighbourhood) -> None:
    worst, next_one = around.mistakes()
    # 7 is nearest to 6 (1 away), its own class at 3 (4 away); 3 to 1 (2 away), its own 4 away.
    assert (worst.query, worst.taken_for, worst.right, worst.excess) == (3, 4, 2, 3.0)
    assert (next_one.query, next_one.taken_for, next_one.right, next_one.excess) == (2, 1, 3, 2.0)


def test_a_tie_is_a_mistake() -> None:
    places = np.array([[0.0], [1.0], [-1.0]])
    around = look_around(places, np.array([0, 0, 1]), Euclidean(), np.random.default_rng(0))
    assert [each.query for each in around.mistakes()] == [0]


def test_confusions_count_both_directions() -> None:
    places = np.array([[0.0], [10.0], [0.5], [10.5], [99.0], [99.1]])
    labels = np.array([0, 0, 1, 1, 2, 2])
    around = look_around(places, labels, Euclidean(), np.random.default_rng(0))
    (confusion,) = around.confusions()
    assert (confusion.classes, confusion.count, confusion.n_queries) == ((0, 1), 4, 4)
    assert confusion.share == 1.0


def test_lookalikes_are_of_different_classes_while_there_are_some(around: Neighbourhood) -> None:
    drawn = around.lookalikes(2, np.random.default_rng(3))
    assert {int(LABELS[each.query]) for each in drawn} == {0, 1}
    first = next(each for each in drawn if LABELS[each.query] == 0)
    assert first.right == (True, False, False, False)


def test_no_more_are_asked_than_wanted() -> None:
    rng = np.random.default_rng(0)
    around = look_around(PLACES, LABELS, Euclidean(), rng, most_queries=2)
    assert len(around.query) == 2


def test_one_class_alone_cannot_be_looked_up() -> None:
    with pytest.raises(DataError, match="1 classes"):
        look_around(PLACES, np.zeros(5, np.int64), Euclidean(), np.random.default_rng(0))


def test_embeddings_and_labels_must_match() -> None:
    with pytest.raises(ShapeError, match="one label a row"):
        look_around(PLACES, LABELS[:3], Euclidean(), np.random.default_rng(0))


def test_a_plane_holds_what_differs_most() -> None:
    # Along the first coordinate squares sum to 2 * 9, along the second to 2 * 4, the third 2 * 1.
    vectors = np.diag([3.0, 2.0, 1.0])
    positions, explained = project(np.concatenate([vectors, -vectors]))
    assert explained == pytest.approx((18 + 8) / (18 + 8 + 2))
    assert sorted(np.abs(positions[:, 0]).round(6)) == [0, 0, 0, 0, 3, 3]
    assert sorted(np.abs(positions[:, 1]).round(6)) == [0, 0, 0, 0, 2, 2]


def test_equal_embeddings_lie_on_one_place() -> None:
    positions, explained = project(np.ones((4, 3)))
    assert not positions.any()
    assert explained == 0.0


def test_a_chart_takes_eight_classes_and_twenty_pictures_of_each() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(12), 30)
    atlas = chart(rng.normal(size=(360, 4)), labels, rng, unit=True)
    assert len(set(atlas.classes)) == 8
    assert np.bincount(labels[atlas.rows])[list(atlas.classes)].tolist() == [20] * 8
    assert atlas.n_classes == 12
