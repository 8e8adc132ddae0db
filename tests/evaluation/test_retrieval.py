"""The protocol `retrieval` from pictures to scorecard."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.data.packed import PackedPictures
from firstsight.errors import UsageError
from firstsight.evaluation.baselines import embed_constant
from firstsight.evaluation.retrieval import RetrievalPlan, retrieval
from firstsight.evaluation.scorecard import Scorecard
from firstsight.similarity import Euclidean


def pictures(labels: list[int]) -> PackedPictures:
    """(1, 1, 1) pictures; their one pixel is their row."""
    n_classes = max(labels) + 1
    return PackedPictures.of(
        name="rows",
        pixels=np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1, 1),
        labels=np.array(labels),
        drawers=np.zeros(len(labels), np.int64),
        class_names=tuple(f"class{k}" for k in range(n_classes)),
        class_groups=np.zeros(n_classes, np.int64),
        group_names=("all",),
    )


def on_a_line(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return pixels.reshape(-1, 1).astype(np.float32) ** 2  # 0, 1, 4, 9, ...: no ties


def test_all_figures_of_a_line_of_pictures_by_hand() -> None:
    # Places 0 1 4 9 16 25, classes a a b b a c. Nearest first: of 0: 1 4 9 16; of 1: 0 4 9 16;
    # of 4: 1 0 9; of 9: 4; of 16: 9 25 4 1 0. The last is alone in its class and asks nothing.
    card = retrieval(on_a_line, Euclidean(), pictures([0, 0, 1, 1, 0, 2]), 0)
    assert (card.protocol, card.measure, card.n) == ("retrieval", "precision_at_1", 5)
    assert card.value == 3 / 5
    assert card.details["recall_at_2"] == 3 / 5
    assert card.details["recall_at_5"] == 1
    # a has R = 2: 1/2, 1/2 and 0; b has R = 1: 0 and 1.
    assert card.details["map_at_r"] == pytest.approx((1 / 2 + 1 / 2 + 0 + 0 + 1) / 5)
    assert card.details["r_precision"] == pytest.approx((1 / 2 + 1 / 2 + 0 + 0 + 1) / 5)
    assert (card.details["references"], card.details["alone_in_their_class"]) == (5, 1)
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_constant_is_at_chance() -> None:
    card = retrieval(embed_constant, Euclidean(), pictures([*range(10)] * 6), 0)
    assert card.value == pytest.approx(5 / 59)
    assert card.details["r_precision"] == pytest.approx(5 / 59)


def test_some_queries_are_drawn_by_the_seed() -> None:
    shelf = pictures([*range(12)] * 5)
    first, again, other = (
        retrieval(on_a_line, Euclidean(), shelf, seed, RetrievalPlan(n_queries=9))
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first.n == 9
    assert first.details != other.details or first.value != other.value
    assert first.details["references"] == 59


def test_where_all_is_right_the_interval_still_has_a_width() -> None:
    card = retrieval(
        lambda pixels: on_a_line(pixels // 4), Euclidean(), pictures([0] * 4 + [1] * 4), 0
    )
    assert card.value == 1
    assert card.interval[0] == pytest.approx(1 - 3.8415 / 5.8415, abs=1e-3)  # Wilson, 2 of 2


def test_no_queries_are_refused() -> None:
    with pytest.raises(UsageError, match="n_queries is 0; give at least 1"):
        RetrievalPlan(n_queries=0)
