from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import firstsight
from firstsight.model.folder import SHIPPED, shipped_models


def test_characters_is_shipped_small_and_without_a_pickle() -> None:
    assert "characters" in shipped_models()
    files = list((SHIPPED / "characters").iterdir())
    assert {file.name for file in files} == {"model.onnx", "model.json", "README.md"}
    assert sum(file.stat().st_size for file in files) < 5_000_000


def test_characters_tells_a_drawing_from_another_and_knows_it_again() -> None:
    characters = firstsight.load("characters")
    paper = np.full((3, 105, 105), 255, np.uint8)
    paper[0, 20:85, 50:54] = 0  # a stroke
    paper[1, 24:90, 47:51] = 0  # the same stroke, elsewhere
    paper[2, 50:54, 20:85] = 0  # a stroke across, with a bar
    paper[2, 20:85, 20:24] = 0
    stroke, again, other = characters.embed(list(paper))
    near = characters.distance(stroke[None], again[None])[0, 0]
    far = characters.distance(stroke[None], other[None])[0, 0]
    assert near < far


@pytest.mark.parametrize("protocol", ["lake2015", "dense"])
def test_the_card_says_what_a_stranger_measures(data_root: Path, protocol: str) -> None:
    scores = {score["protocol"]: score for score in firstsight.load("characters").info.scores}
    measured = firstsight.evaluate("characters", protocol=protocol)
    # One answer of 400, or of 5,000, may tip over on another processor.
    assert measured.value == pytest.approx(scores[protocol]["value"], abs=0.0026)
    assert measured.data_fingerprint == scores[protocol]["data_fingerprint"]
