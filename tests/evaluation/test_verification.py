"""Pairs are what they claim to be, and their figures what hand arithmetic gives."""

from __future__ import annotations

import numpy as np
import pytest

from firstsight.errors import DataError, ShapeError
from firstsight.evaluation.verification import draw_pairs, judge, pair_distances
from firstsight.similarity import Euclidean

LABELS = np.repeat(np.arange(6), 4)
GROUPS = np.repeat(np.arange(2), 12)


@pytest.mark.parametrize("groups", [None, GROUPS])
def test_half_the_pairs_are_of_one_class_and_none_of_one_picture(
    groups: np.ndarray[tuple[int], np.dtype[np.int64]] | None,
) -> None:
    pairs = draw_pairs(LABELS, groups, 600, np.random.default_rng(0))
    assert pairs.same.tolist() == [True] * 300 + [False] * 300
    assert (pairs.first != pairs.second).all()
    assert ((LABELS[pairs.first] == LABELS[pairs.second]) == pairs.same).all()
    across = GROUPS[pairs.first] != GROUPS[pairs.second]
    assert across.any() == (groups is None)


def test_the_same_seed_gives_the_same_pairs() -> None:
    one, two = (draw_pairs(LABELS, GROUPS, 100, np.random.default_rng(4)) for _ in range(2))
    np.testing.assert_array_equal(one.first, two.first)
    np.testing.assert_array_equal(one.second, two.second)


def test_distances_of_pairs_equal_a_loop() -> None:
    rng = np.random.default_rng(1)
    embeddings = rng.normal(size=(24, 3)).astype(np.float32)
    pairs = draw_pairs(LABELS, None, 50, rng)
    wanted = [
        np.linalg.norm(embeddings[a] - embeddings[b])
        for a, b in zip(pairs.first, pairs.second, strict=True)
    ]
    np.testing.assert_allclose(pair_distances(pairs, embeddings, Euclidean()), wanted, rtol=1e-5)


def test_all_figures_by_hand() -> None:
    result = judge([1, 2, 3, 12], [5, 7, 9, 11, 13, 15, 17, 19, 21, 23], threshold=4)
    assert (result.n_genuine, result.n_impostor) == (4, 10)
    # Three genuine pairs are closer than all impostors; 12 is farther than four of ten.
    assert result.auc == pytest.approx((30 + 6) / 40)
    assert result.true_accept_1 == 0.75
    assert result.true_accept_10 == 0.75
    # At 9 and at 11 misses are 1/4 and FMR 0.3 and 0.4; at 7 FMR 0.2: equal at 0.25.
    assert result.equal_error_rate == pytest.approx(0.25)
    assert result.accuracy.plain == pytest.approx(13 / 14)
    assert result.accuracy.balanced == pytest.approx((0.75 + 1) / 2)


def test_pairs_that_cannot_be_drawn_or_measured_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(DataError, match="no pairs can be drawn"):
        draw_pairs(np.arange(5), None, 10, rng)
    with pytest.raises(DataError, match="even number"):
        draw_pairs(LABELS, None, 7, rng)
    pairs = draw_pairs(LABELS, None, 500, rng)
    with pytest.raises(ShapeError, match="pairs point at picture 23"):
        pair_distances(pairs, np.ones((10, 2)), Euclidean())
