"""Baselines by hand, and on the real 20 runs, where their scores are known."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from firstsight.data.omniglot import read_runs
from firstsight.errors import ShapeError
from firstsight.evaluation.baselines import (
    LoaderCheck,
    embed_constant,
    embed_raw_pixels,
    loader_checks,
)
from firstsight.evaluation.hausdorff import Ink, modified_hausdorff
from firstsight.evaluation.references import REFERENCES, references_for

Pixels = npt.NDArray[np.uint8]


def naive_hausdorff(a: Pixels, b: Pixels) -> float:
    points = []
    for picture in (a, b):
        dark = [(r, c) for r, c in np.ndindex(picture.shape) if picture[r, c] < 128]
        row, column = (sum(each) / len(dark) for each in zip(*dark, strict=True))
        points.append([(r - row, c - column) for r, c in dark])
    means = []
    for ours, theirs in (points, points[::-1]):
        nearest = [min(np.hypot(r - s, c - d) for s, d in theirs) for r, c in ours]
        means.append(sum(nearest) / len(nearest))
    return float(max(means))


def drawings(height: int, width: int) -> st.SearchStrategy[Pixels]:
    grey = arrays(np.uint8, (height, width), elements=st.sampled_from([0, 127, 128, 255]))
    return grey.filter(lambda picture: bool((picture < 128).any()))


@settings(deadline=None)
@given(drawings(5, 7), st.one_of(drawings(5, 7), drawings(9, 4)))
def test_hausdorff_distance_equals_a_naive_loop(a: Pixels, b: Pixels) -> None:
    distance = modified_hausdorff(Ink.of(a), Ink.of(b))
    assert distance == pytest.approx(naive_hausdorff(a, b), abs=1e-9)
    assert distance == modified_hausdorff(Ink.of(b), Ink.of(a))


def test_a_drawing_moved_as_a_whole_is_no_distance_away() -> None:
    picture = np.full((12, 12, 1), 255, np.uint8)
    picture[2:5, 3] = 0
    picture[4, 3:7] = 0
    moved = np.roll(picture, (5, 2), axis=(0, 1))
    assert modified_hausdorff(Ink.of(picture), Ink.of(moved)) == pytest.approx(0, abs=1e-12)


def test_a_drawing_without_ink_is_infinitely_far() -> None:
    blank, dot = np.full((4, 4), 255, np.uint8), np.zeros((4, 4), np.uint8)
    assert modified_hausdorff(Ink.of(blank), Ink.of(dot)) == np.inf
    assert modified_hausdorff(Ink.of(blank), Ink.of(blank)) == np.inf


def test_ink_of_a_coloured_picture_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"\(4, 4, 3\); give \(H, W\) or \(H, W, 1\)"):
        Ink.of(np.zeros((4, 4, 3), np.uint8))


def test_raw_pixels_are_ink_and_constants_are_constant() -> None:
    pixels = np.array([[[[0], [255]], [[51], [255]]]], np.uint8)
    np.testing.assert_allclose(embed_raw_pixels(pixels), [[1, 0, 0.8, 0]], rtol=1e-6)
    assert embed_raw_pixels(pixels).dtype == embed_constant(pixels).dtype == np.float32
    assert len(np.unique(embed_constant(np.zeros((5, 2, 2, 1), np.uint8)), axis=0)) == 1


def test_the_loader_gives_the_known_figures_on_the_real_runs(data_root: Path) -> None:
    started = time.process_time()
    hausdorff, raw_pixels = loader_checks(read_runs())
    assert hausdorff.measured_percent == pytest.approx(38.75, abs=0.3)
    assert raw_pixels.measured_percent == pytest.approx(78.25, abs=0.3)
    assert hausdorff.passed
    assert raw_pixels.passed
    assert time.process_time() - started < 60  # some seconds on an idle core


def test_a_loader_check_says_whether_it_passed() -> None:
    assert str(LoaderCheck("raw pixels", 78.25, 0.3, 78.5)).endswith(
        "78.50 % error on the 20 runs, expected 78.25 within 0.3 (as expected)"
    )
    assert "NOT as expected" in str(LoaderCheck("raw pixels", 78.25, 0.3, 61.0))


def test_published_figures_are_those_of_the_papers_and_keep_their_mark() -> None:
    by_method = {each.method: each for each in references_for("lake2015")}
    assert by_method["humans (40 people)"].error_percent == 4.5
    assert by_method["Bayesian program learning"].error_percent == 3.3
    assert by_method["convolutional Siamese network"].error_percent == 8.0
    percents = [each.error_percent for each in references_for("lake2015")]
    assert percents == sorted(percents)
    for each in REFERENCES:
        assert ("(m)" in str(each)) == each.from_memory
    assert {each.method for each in REFERENCES if each.from_memory} == {
        "recursive cortical network",
        "prototypical networks",
        "best that answers each query by itself",
    }
    assert references_for("dense") == ()
