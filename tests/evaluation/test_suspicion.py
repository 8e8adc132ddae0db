"""What looks too good is said, and what does not is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from firstsight.data.packed import PackedPictures
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.suspicion import Acquaintance, Twins, count_twins, suspicions


def card(value: float, **changes: Any) -> Scorecard:
    settings: dict[str, Any] = {
        "protocol": "nway",
        "measure": "accuracy",
        "value": value,
        "interval": (value - 0.02, min(1.0, value + 0.02)),
        "n": 1000,
        "seed": 0,
        "data_name": "things",
        "data_fingerprint": "",
        "details": {"chance": 0.05},
    }
    return Scorecard(**{**settings, **changes})


def kinds(one: Scorecard, **beside: Any) -> list[str]:
    return [each.kind for each in suspicions(one, **beside)]


def test_an_honest_figure_is_left_alone() -> None:
    others = {"a constant": card(0.05), "raw pixels": card(0.3), "untrained network": card(0.4)}
    assert kinds(card(0.9), others=others, twins=Twins(0, 0)) == []


@pytest.mark.parametrize(
    ("one", "doubted"),
    [
        (card(0.996), True),
        (card(0.994), False),
        (card(1.0, n=40), False),
        (card(0.002, measure="error_rate"), True),
        (card(0.01, measure="error_rate"), False),
    ],
)
def test_nearly_perfect_is_doubted_over_enough_trials(one: Scorecard, doubted: bool) -> None:
    assert ("nearly perfect" in kinds(one)) == doubted


def test_what_the_model_knew_before_is_doubted() -> None:
    (learned,) = suspicions(card(0.9), known=Acquaintance(3, 1200, False, False))
    assert learned.kind == "learned"
    assert learned.told.startswith("3 of the 1,200 pictures were learned from, byte for byte")
    (fitted,) = suspicions(card(0.9), known=Acquaintance(0, 1200, True, False))
    assert "calibrated the model, so" in fitted.told
    (both,) = suspicions(card(0.9), known=Acquaintance(0, 1200, True, True))
    assert "calibrated the model and chose its weights, so" in both.told
    assert kinds(card(0.9), known=Acquaintance(0, 1200, False, True)) == []


def test_a_constant_above_chance_gives_the_trials_away() -> None:
    assert kinds(card(0.9), others={"a constant": card(0.051)}) == ["constant"]
    assert kinds(card(0.9, details={}), others={"a constant": card(0.051)}) == []


def test_a_baseline_inside_the_interval_shows_that_nothing_was_learned() -> None:
    assert kinds(card(0.9), others={"raw pixels": card(0.885)}) == ["nothing learned"]
    assert kinds(card(0.9), others={"raw pixels": card(0.87)}) == []
    errors = card(0.10, measure="error_rate")
    better = card(0.11, measure="error_rate")
    assert kinds(errors, others={"untrained network": better}) == ["nothing learned"]


def shelf(digests: list[int], labels: list[int]) -> PackedPictures:
    n_classes = max(labels) + 1
    return PackedPictures.of(
        name="shelf",
        pixels=np.zeros((len(labels), 1, 1, 1), np.uint8),
        labels=np.array(labels),
        drawers=np.zeros(len(labels), np.int64),
        class_names=tuple(map(str, range(n_classes))),
        class_groups=np.zeros(n_classes, np.int64),
        group_names=("all",),
        digests=np.repeat(np.array(digests, np.uint8)[:, None], 32, axis=1),
    )


def test_twins_are_counted_within_classes_and_across_them() -> None:
    assert count_twins(shelf([1, 2, 3, 4], [0, 0, 1, 1])) == Twins(0, 0)
    assert count_twins(shelf([1, 1, 1, 4, 5, 5], [0, 0, 1, 1, 1, 1])) == Twins(4, 3)


def test_twins_are_told_with_the_remedy() -> None:
    found = suspicions(card(0.9), twins=Twins(4, 2))
    assert [each.kind for each in found] == ["twins", "mislabelled twins"]
    assert "4 pictures are the same file as another of their class" in found[0].told
    assert "mend the labels" in found[1].told
