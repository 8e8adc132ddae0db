"""Every class judged once, by a network that never saw it."""

from __future__ import annotations

import numpy as np
import pytest

from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError
from firstsight.evaluation.crossed import (
    Part,
    crossed_ranking,
    crossed_retrieval,
    crossed_verification,
    gains,
)
from firstsight.similarity import Euclidean

LABELS = [0, 1, 0, 1, 2, 2, 3, 3]


@pytest.fixture
def pictures() -> PackedPictures:
    """Eight pictures of four classes; classes 0 and 1 lie in turn."""
    return PackedPictures.of(
        name="rows",
        pixels=np.arange(8, dtype=np.uint8).reshape(-1, 1, 1, 1),
        labels=np.array(LABELS),
        drawers=np.zeros(8, np.int64),
        class_names=tuple("abcd"),
        class_groups=np.zeros(4, np.int64),
        group_names=("all",),
    )


def part(rows: list[int], places: list[float]) -> Part:
    """Pictures at places of a line; the threshold comes from two classes 1 wide and 10 apart."""
    return Part(
        rows=np.array(rows),
        embeddings=np.array(places, np.float32)[:, None],
        head=Euclidean(),
        watched=np.array([0, 1, 10, 11], np.float32)[:, None],
        watched_labels=np.array([0, 0, 1, 1]),
    )


def test_rates_are_means_over_the_parts_and_thresholds_come_from_watched_classes(
    pictures: PackedPictures,
) -> None:
    # First part: a at 0 and 2, b at 20 and 22: told apart. The threshold is halfway from 1 to 9.
    # Second: c at 0 and 9, d at 3 and 30. Genuine 9, 27; impostors 3, 30, 6, 21; at 5: 1 of 4.
    parts = [part([0, 1, 2, 3], [0, 20, 2, 22]), part([4, 5, 6, 7], [0, 9, 3, 30])]
    card = crossed_verification(parts, pictures, 0)
    assert card.measure == "equal_error_rate"
    assert card.details["thresholds"] == [5, 5]
    assert card.details["equal_error_rate_by_part"] == [0, 0.5]
    assert card.value == 0.25
    # Genuine 9 is nearer than 30 and 21, 27 than 30: 3 of 8.
    assert card.details["auc"] == pytest.approx((1 + 3 / 8) / 2)
    assert card.details["false_accepts_at_threshold"] == pytest.approx((0 + 1 / 4) / 2)
    assert card.details["misses_at_threshold"] == pytest.approx((0 + 1) / 2)
    assert (card.n, card.details["genuine_pairs"]) == (12, 4)
    assert card.interval[0] <= card.value <= card.interval[1]


def test_a_part_of_one_class_cannot_be_judged(pictures: PackedPictures) -> None:
    with pytest.raises(DataError, match="2 pictures of 1 classes make no pairs of both kinds"):
        crossed_verification([part([0, 2], [0, 1])], pictures, 0)


def test_retrieval_asks_within_a_part_and_speaks_of_rows_of_the_whole(
    pictures: PackedPictures,
) -> None:
    # b's pictures are nearest each other, a's are not; c and d find their own.
    good = part([4, 5, 6, 7], [0, 1, 10, 11])
    ranking = crossed_ranking([part([0, 1, 2, 3], [0, 10, 30, 11]), good], pictures)
    assert ranking.query.tolist() == list(range(8))
    assert ranking.neighbours[:, 0].tolist() == [1, 3, 3, 1, 5, 4, 7, 6]
    card = crossed_retrieval(ranking, pictures, 0)
    assert card.value == 6 / 8
    assert card.details["recall_at_5"] == 1
    better = crossed_ranking([part([0, 1, 2, 3], [0, 10, 1, 11]), good], pictures)
    gain, (low, high) = gains(ranking, better, pictures, 0)["precision_at_1"]
    assert gain == 2 / 8
    assert low <= gain <= high
    assert gains(ranking, ranking, pictures, 0)["map_at_r"] == (0, (0, 0))
