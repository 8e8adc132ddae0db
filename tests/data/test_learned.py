"""Pictures that a model learned from are known again by a few bytes of each."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.data.learned import KEPT, LearnedPictures
from firstsight.errors import ModelFolderError


def digests(n: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, 32), np.uint8)


def test_every_picture_of_a_small_set_is_known_and_no_other() -> None:
    own, other = digests(500), digests(500, seed=1)
    record = LearnedPictures.from_text(LearnedPictures.of(own).to_text())
    both = np.concatenate([own, other])
    assert record.among(both).tolist() == [True] * 500 + [False] * 500
    assert record.told_of(both).all()


def test_of_a_large_set_what_is_known_is_said() -> None:
    own, other = digests(3 * KEPT), digests(3 * KEPT, seed=1)
    record = LearnedPictures.of(own)
    assert len(record.to_text()) == 8 * KEPT
    told = record.told_of(own)
    assert told.sum() == KEPT
    assert (record.among(own) == told).all()
    assert not record.among(other).any()
    assert record.told_of(other).mean() == pytest.approx(1 / 3, abs=0.02)


def test_two_records_together_are_that_of_both() -> None:
    first, second = digests(KEPT), digests(KEPT // 2, seed=1)
    both = LearnedPictures.of(first) | LearnedPictures.of(second)
    assert both.to_text() == LearnedPictures.of(np.concatenate([first, second])).to_text()


def test_a_model_without_a_record_knows_nothing() -> None:
    record = LearnedPictures.from_text("")
    assert not record.among(digests(5)).any()
    assert record.to_text() == ""


@pytest.mark.parametrize("text", ["AAAA", "no base64", 7, None])
def test_a_damaged_record_is_refused(text: object) -> None:
    with pytest.raises(ModelFolderError, match="record of the pictures it learned from is damaged"):
        LearnedPictures.from_text(text)
