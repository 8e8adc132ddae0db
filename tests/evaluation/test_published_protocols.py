"""Vinyals, Koch, MNIST and the K-shot curve, with models whose scores are known beforehand."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError, EpisodeError, UsageError
from firstsight.evaluation.baselines import embed_constant
from firstsight.evaluation.protocols import (
    PROTOCOLS,
    KochPlan,
    VinyalsPlan,
    koch2015,
    kshot,
    mnist,
    vinyals,
)
from firstsight.evaluation.references import references_for
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.vinyals import embed_turned
from firstsight.metrics.calibration import Calibration
from firstsight.similarity import Cosine, Euclidean

Pixels = npt.NDArray[np.uint8]
SIDE = 2


def alphabets(n_alphabets: int, n_characters: int, n_drawers: int, name: str) -> PackedPictures:
    """Pictures (2, 2, 1): the class above left, nothing elsewhere."""
    n_classes = n_alphabets * n_characters
    labels = np.repeat(np.arange(n_classes), n_drawers)
    drawers = np.tile(np.arange(n_drawers), n_classes)
    pixels = np.zeros((len(labels), SIDE, SIDE, 1), np.uint8)
    pixels[:, 0, 0, 0] = labels + 1
    return PackedPictures.of(
        name=name,
        pixels=pixels,
        labels=labels,
        drawers=drawers,
        class_names=tuple(f"{name}/{k}" for k in range(n_classes)),
        class_groups=np.repeat(np.arange(n_alphabets), n_characters),
        group_names=tuple(f"{name}{k}" for k in range(n_alphabets)),
    )


def upper_left(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Knows the class of an upright picture, as one of 256."""
    is_it: npt.NDArray[np.bool_] = pixels[:, 0, 0, :] == np.arange(256)
    return is_it.astype(np.float32)


def corners(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Sees all four corners, so also how a picture was turned."""
    flat = pixels.reshape(len(pixels), -1)
    return np.concatenate([(flat[:, [k]] == np.arange(256)) for k in range(4)], axis=1).astype("f4")


def test_pictures_are_turned_anticlockwise() -> None:
    picture = alphabets(1, 1, 1, "one")
    seen: list[Any] = []

    def look(pixels: Pixels) -> npt.NDArray[np.float32]:
        seen.append(pixels[0, :, :, 0].tolist())
        return embed_constant(pixels)

    embed_turned(look, picture, 4)
    assert seen == [[[1, 0], [0, 0]], [[0, 0], [1, 0]], [[0, 0], [0, 1]], [[0, 1], [0, 0]]]


def test_each_quarter_turn_is_a_class_of_its_own_unless_upright() -> None:
    twice = alphabets(3, 10, 2, "a")
    plan = VinyalsPlan(n_way=5, n_tasks=200, rotated=False)
    upright = vinyals(upper_left, Cosine(), twice, 0, plan)
    assert (upright.value, upright.n) == (1, 1000)
    assert (upright.details["classes"], upright.details["form"]) == (30, "5-way 1-shot")
    turned = vinyals(upper_left, Cosine(), twice, 0, VinyalsPlan(n_way=5, n_tasks=200))
    assert turned.details["classes"] == 120
    assert 0.2 < turned.value < 0.9  # blind to turned pictures, whose corner is empty
    assert vinyals(corners, Euclidean(), twice, 0, VinyalsPlan(n_way=5, n_tasks=50)).value == 1


def test_a_constant_scores_chance_in_vinyals_and_mnist() -> None:
    pictures = alphabets(2, 15, 3, "a")
    for rotated in (True, False):
        plan = VinyalsPlan(n_way=20, n_tasks=50, rotated=rotated)
        card = vinyals(embed_constant, Euclidean(), pictures, 0, plan)
        assert card.value == pytest.approx(1 / 20, rel=1e-12)
        assert card.details["chance"] == 1 / 20
    digits = alphabets(1, 10, 4, "digit")
    assert mnist(embed_constant, Euclidean(), digits, 0, trials=99).value == pytest.approx(0.1)


def test_mnist_asks_ten_ways() -> None:
    digits = alphabets(1, 10, 4, "digit")
    card = mnist(upper_left, Cosine(), digits, 0, trials=50)
    assert (card.protocol, card.value, card.n) == ("mnist", 1, 50)
    assert card.details["n_way"] == 10
    with pytest.raises(EpisodeError, match="10-way"):
        mnist(upper_left, Cosine(), alphabets(1, 9, 4, "digit"), 0)


def test_koch_takes_its_threshold_from_other_alphabets() -> None:
    sides = alphabets(2, 22, 4, "v"), alphabets(3, 22, 4, "t")
    plan = KochPlan(n_pairs=400, n_tasks=5, calibration=Calibration(0.0, 0.0))
    card = koch2015(upper_left, Euclidean(), sides, 0, plan)
    assert (card.value, card.n) == (1, 400)
    # Equal one-hots are 0 apart, others sqrt 2; the threshold lies halfway.
    assert card.details["thresholds"] == [pytest.approx(np.sqrt(2) / 2)]
    assert card.details["threshold_from"] == "v" and card.data_name == "t"
    assert (card.details["one_shot_accuracy"], card.details["one_shot_trials"]) == (1, 100)
    # A calibration that always says one half is right on average: nothing is off.
    assert card.details["reliability_error"] == pytest.approx(0, abs=1e-12)
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_koch_refuses_shared_characters_and_odd_pairs() -> None:
    side = alphabets(2, 22, 4, "v")
    with pytest.raises(DataError, match="both in the training and in the held-out"):
        koch2015(upper_left, Euclidean(), (side, side), 0)
    with pytest.raises(UsageError, match="n_pairs is 3; give an even number"):
        KochPlan(n_pairs=3)


def test_the_kshot_curve_is_a_scorecard() -> None:
    card = kshot(upper_left, Cosine(), alphabets(2, 15, 8, "a"), 0)
    assert (card.protocol, card.value) == ("kshot", 1)
    assert [point["shots"] for point in card.details["points"]] == [1, 2, 3, 5]
    assert card.details["chance"] == 1 / 30
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card
    assert kshot(embed_constant, Cosine(), alphabets(2, 15, 8, "a"), 0, n_way=5).value == (
        pytest.approx(1 / 5)
    )


def test_published_figures_are_told_by_their_form() -> None:
    found = references_for("vinyals", "20-way 1-shot")
    assert [(each.error_percent, each.from_memory) for each in found] == [(1.9, True), (4.0, False)]
    assert len(references_for("vinyals")) == 8
    assert [each.error_percent for each in references_for("mnist")] == [29.7, 73.5]
    assert {"vinyals", "koch2015", "mnist", "kshot", "openset", "retrieval"} < set(PROTOCOLS)
