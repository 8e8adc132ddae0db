"""New drawings of seen characters beside drawings of unseen ones, by models known beforehand."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError, UsageError
from firstsight.evaluation.baselines import embed_constant
from firstsight.evaluation.protocols import DrawersPlan, drawers_12_4_4
from firstsight.evaluation.scorecard import Scorecard
from firstsight.similarity import Euclidean

PLAN = DrawersPlan(400)


def alphabets(n_alphabets: int, first: int, name: str) -> PackedPictures:
    """Five characters an alphabet by 20 drawers; one pixel, which is the character's number."""
    n_classes = 5 * n_alphabets
    labels = np.repeat(np.arange(n_classes), 20)
    return PackedPictures.of(
        name=name,
        pixels=(labels + first).astype(np.uint8)[:, None, None, None],
        labels=labels,
        drawers=np.tile(np.arange(20), n_classes),
        class_names=tuple(f"{name}/{k}" for k in range(n_classes)),
        class_groups=np.repeat(np.arange(n_alphabets), 5),
        group_names=tuple(f"{name}{k}" for k in range(n_alphabets)),
    )


SIDES = alphabets(4, 0, "seen"), alphabets(4, 100, "unseen")


def knows_the_seen(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """One of 100 for characters that it learned; all others look alike to it."""
    known: npt.NDArray[np.bool_] = pixels[:, 0, 0, :] == np.arange(100)
    return known.astype(np.float32)


def test_what_was_learned_by_heart_shows_in_the_figure_beside() -> None:
    card = drawers_12_4_4(knows_the_seen, Euclidean(), SIDES, 0, PLAN)
    assert (card.protocol, card.value, card.n) == ("omniglot-12-4-4", 1, 400)
    assert card.details["drawers_17_20"] == 1
    # Every pair of unseen characters is taken for the same: half of them are.
    assert card.details["unseen_characters"] == card.details["unseen_in_alphabet"] == 0.5
    assert card.details["told"].startswith("100.00 % (51.0 .. 100.0) of pairs are told rightly")
    assert "50.00 % (" in card.details["told"]
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_a_constant_tells_half_of_the_pairs() -> None:
    card = drawers_12_4_4(embed_constant, Euclidean(), SIDES, 0, PLAN)
    assert card.value == card.details["drawers_17_20"] == card.details["unseen_characters"] == 0.5


def test_characters_on_both_sides_and_odd_pairs_are_refused() -> None:
    with pytest.raises(DataError, match="both in the training and in the held-out"):
        drawers_12_4_4(knows_the_seen, Euclidean(), (SIDES[0], SIDES[0]), 0, PLAN)
    with pytest.raises(UsageError, match="n_pairs is 5; give an even number"):
        DrawersPlan(5)
