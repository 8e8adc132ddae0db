"""The protocol `openset`: a gallery of half the things, asked about them and about strangers."""

from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.app.contestants import Contestant
from firstsight.app.open_set import judge_open_set
from firstsight.app.trials import Trials
from firstsight.data.packed import PackedPictures
from firstsight.errors import EpisodeError
from firstsight.evaluation.scorecard import Scorecard
from firstsight.similarity import Euclidean

A_CLASS = 4


def things(n: int) -> PackedPictures:
    """(1, 2, 1) pictures: which thing, and which of its pictures."""
    labels = np.repeat(np.arange(n), A_CLASS)
    number = np.tile(np.arange(A_CLASS), n)
    return PackedPictures.of(
        name="things",
        pixels=np.stack([labels, number], axis=1).astype(np.uint8).reshape(-1, 1, 2, 1),
        labels=labels,
        drawers=number,
        class_names=tuple(map(str, range(n))),
        class_groups=np.zeros(n, np.int64),
        group_names=("all",),
    )


def well_apart(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Things 100 apart on a line, pictures of one thing at most 3 apart."""
    thing, number = pixels[:, 0, :, 0].astype(np.float32).T
    line: npt.NDArray[np.float32] = (100 * thing + number)[:, None]
    return line


WELL_APART = Contestant("well apart", well_apart, Euclidean())


def test_things_well_apart_get_their_names_and_strangers_few() -> None:
    trials = Trials("openset", k_shot=2, false_accepts=0.1)
    card = judge_open_set(WELL_APART, things(80), trials)
    assert (card.protocol, card.measure, card.value) == ("openset", "misses", 0)
    assert card.details["basis"] == "gallery"  # 40 things are enough for a share of a tenth
    assert card.details["false_accepts"] <= 0.1
    assert (card.details["things"], card.details["k_shot"]) == (40, 2)
    assert (card.n, card.details["strangers"]) == (40 * 2, 40 * A_CLASS)
    assert card.details["misses_at_own_false_accepts"]["0.1"] == 0
    assert Scorecard.from_json(json.loads(json.dumps(card.to_json()))) == card


def test_without_a_threshold_nobody_gets_a_name_and_all_are_missed() -> None:
    card = judge_open_set(WELL_APART, things(12), Trials("openset", k_shot=2, false_accepts=0.01))
    assert (card.value, card.details["false_accepts"]) == (1, 0)
    assert card.details["threshold"] is None and card.details["basis"] == "none"
    assert "not calibrated" in card.details["kept"]


def test_too_few_pictures_are_refused() -> None:
    with pytest.raises(EpisodeError, match="lower k_shot"):
        judge_open_set(WELL_APART, things(12), Trials("openset", k_shot=A_CLASS))
