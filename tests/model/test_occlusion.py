from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.data.omniglot import read_runs
from firstsight.errors import ShapeError, UsageError
from firstsight.model.embedder import load
from firstsight.model.occlusion import Windows, explain_match, ground, occlusion_map
from firstsight.similarity import Euclidean

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


class QuadrantMeans:
    """A model worked out by hand: how dark, 0..255, the upper left and lower right quarters are."""

    def embed_pixels(self, pixels: Pixels) -> Floats:
        dark = 255 - pixels.astype(np.float32).mean(axis=3)
        half = dark.shape[1] // 2
        quarters = (dark[:, :half, :half], dark[:, half:, half:])
        return np.stack([quarter.mean(axis=(1, 2)) for quarter in quarters], axis=1)

    def distance(self, a: Floats, b: Floats) -> Floats:
        return Euclidean().distance(a, b)


class Collapsed(QuadrantMeans):
    def embed_pixels(self, pixels: Pixels) -> Floats:
        # Rounding makes a collapsed network's outputs differ in their last digits.
        return np.float32(3) + np.float32(4e-10) * super().embed_pixels(pixels)


def drawing(side: int = 4) -> Pixels:
    """White, with black upper left and lower right quarters."""
    picture = np.full((side, side, 1), 255, np.uint8)
    half = side // 2
    picture[:half, :half] = 0
    picture[half:, half:] = 0
    return picture


def two_strokes() -> Pixels:
    """8 x 8 white paper; in each of the two quarters that count, a black square of 2 x 2."""
    picture = np.full((8, 8, 1), 255, np.uint8)
    picture[1:3, 1:3] = picture[5:7, 5:7] = 0
    return picture


def test_only_the_part_that_the_model_looks_at_lights_up() -> None:
    picture = np.full((4, 4, 1), 255, np.uint8)
    picture[:2] = 0  # the upper right is as black, but no model looks at it
    same = np.array([255, 0], np.float32)
    heat = occlusion_map(QuadrantMeans(), picture, same, Windows(side=2, stride=2, fill=255))
    wanted = np.zeros((4, 4))
    wanted[:2, :2] = 255
    assert heat.dtype == np.float32
    np.testing.assert_array_equal(heat, wanted)


def test_what_speaks_against_a_match_is_negative() -> None:
    picture = drawing()
    bare = np.array([0, 255], np.float32)  # the same without the upper left
    heat = occlusion_map(QuadrantMeans(), picture, bare, Windows(side=2, stride=2, fill=255))
    # Hidden upper left: 255 -> 0. Hidden lower right: 255 -> |(255, -255)| = 255 * sqrt 2.
    np.testing.assert_allclose(heat[:2, :2], -255, rtol=1e-6)
    np.testing.assert_allclose(heat[2:, 2:], 255 * (math.sqrt(2) - 1), rtol=1e-6)
    assert not heat[:2, 2:].any() and not heat[2:, :2].any()


@pytest.mark.parametrize(("side", "stride"), [(3, 2), (2, 1), (1, 1), (5, 3), (2, 4)])
def test_a_pixel_has_the_mean_of_the_windows_that_cover_it(side: int, stride: int) -> None:
    rng = np.random.default_rng(side)
    picture = rng.integers(0, 256, (7, 6, 3), dtype=np.uint8)
    model, other = QuadrantMeans(), np.array([100, 30], np.float32)
    heat = occlusion_map(model, picture, other, Windows(side, stride, fill=128))

    def distance(shown: Pixels) -> float:
        return math.dist(model.embed_pixels(shown[None])[0].tolist(), other.tolist())

    def starts(length: int) -> list[int]:
        regular = [at for at in range(0, length, stride) if at + side <= length]
        return sorted({*regular, length - side})

    grown: dict[tuple[int, int], list[float]] = {}
    for top in starts(7):
        for left in starts(6):
            hidden = picture.copy()
            hidden[top : top + side, left : left + side] = 128
            for y in range(top, top + side):
                for x in range(left, left + side):
                    grown.setdefault((y, x), []).append(distance(hidden) - distance(picture))
    for y in range(7):
        for x in range(6):
            covering = grown.get((y, x), [0.0])
            assert heat[y, x] == pytest.approx(sum(covering) / len(covering), abs=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (32, 32), (105, 105), (224, 224), (30, 40)])
def test_windows_are_few_and_reach_every_edge(size: tuple[int, int]) -> None:
    side, tops, lefts = Windows().corners(*size)
    assert len(tops) * len(lefts) <= 196
    assert (tops[0], lefts[0]) == (0, 0)
    assert (tops[-1] + side, lefts[-1] + side) == size
    for starts in (tops, lefts):
        assert all(0 < later - earlier <= side for earlier, later in pairwise(starts))


def test_hidden_strokes_are_as_if_never_drawn() -> None:
    picture = two_strokes()
    assert (ground(picture, 2) == 255).all()
    on_slate = 255 - picture
    assert (ground(on_slate, 2) == 0).all()


def test_a_photograph_is_hidden_by_its_own_blur() -> None:
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 256, (60, 60, 3), dtype=np.uint8)
    photo[:, 30:] //= 4  # its right half is darker
    behind = ground(photo, 5)
    assert behind.shape == photo.shape and behind.dtype == np.uint8
    assert behind.std() < photo.std() / 1.5
    left, right = behind[:, :20].mean(), behind[:, 40:].mean()
    assert left == pytest.approx(photo[:, :20].mean(), abs=6)
    assert right == pytest.approx(photo[:, 40:].mean(), abs=6)


def test_the_part_that_would_turn_the_answer_is_found() -> None:
    # Each stroke is 4 of a quarter's 16 pixels, so the picture lies at (63.75, 63.75), and hiding
    # one pixel (the default window here) takes 255 / 16 = 15.9375 from one number.
    picture, step = two_strokes(), 255 / 16
    named = np.array([4 * step, 4 * step], np.float32)
    rival = np.array([4 * step - 5, 4 * step], np.float32)
    why = explain_match(QuadrantMeans(), picture, named, rival=rival, enrolled=picture)
    assert (why.distance, why.rival_distance) == (0, 5)
    assert why.farthest == pytest.approx(step)
    assert why.turning == (1, 1, 2, 2)
    assert why.silence is None
    assert why.lead is not None and why.enrolled is not None
    strokes = picture[:, :, 0] == 0
    for heat in (why.asked, why.enrolled):
        np.testing.assert_allclose(heat[strokes], step, rtol=1e-5)
        assert not heat[~strokes].any()
    # Upper left hidden: the rival is step - 5 away, so a lead of 5 became one of -5.
    np.testing.assert_allclose(why.lead[1:3, 1:3], 10, rtol=1e-5)
    np.testing.assert_allclose(why.lead[5:7, 5:7], 5 - (math.hypot(step, 5) - step), rtol=1e-5)


def test_no_part_turns_an_answer_that_is_far_from_its_rival() -> None:
    far = np.array([200, 200], np.float32)
    why = explain_match(QuadrantMeans(), two_strokes(), np.array([60, 60], np.float32), rival=far)
    assert why.turning is None and why.enrolled is None
    alone = explain_match(QuadrantMeans(), two_strokes(), far)
    assert alone.lead is None and alone.rival_distance is None


def test_a_picture_of_one_colour_and_a_collapsed_model_explain_nothing_and_say_so() -> None:
    named, rival = np.array([9, 9], np.float32), np.array([50, 9], np.float32)
    blank = np.full((8, 8, 3), 90, np.uint8)
    why = explain_match(QuadrantMeans(), blank, named, rival=rival)
    assert why.silence == "blank" and why.lead is not None
    assert not why.asked.any() and not why.lead.any()
    why = explain_match(Collapsed(), two_strokes(), named, rival=rival, enrolled=two_strokes())
    assert why.silence == "unmoved" and why.lead is not None and why.enrolled is not None
    assert not why.asked.any() and not why.lead.any() and not why.enrolled.any()
    assert why.turning is None


def test_senseless_windows_and_pixels_are_refused() -> None:
    model, other = QuadrantMeans(), np.zeros(2, np.float32)
    with pytest.raises(UsageError, match="side is 0"):
        Windows(side=0)
    with pytest.raises(UsageError, match="stride is -1"):
        Windows(stride=-1)
    with pytest.raises(UsageError, match="fill is 256"):
        Windows(fill=256)
    with pytest.raises(UsageError, match="9 px do not fit a picture of 8 x 8"):
        occlusion_map(model, two_strokes(), other, Windows(side=9))
    with pytest.raises(UsageError, match="makes 961 windows"):
        occlusion_map(model, np.zeros((32, 32, 1), np.uint8), other, Windows(side=2, stride=1))
    unfits: list[npt.NDArray[Any]] = [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 1)),
        np.zeros((8, 8, 4), np.uint8),
    ]
    for unfit in unfits:
        with pytest.raises(ShapeError, match="make it with the model's preprocessing"):
            occlusion_map(model, unfit, other)


def test_on_real_drawings_the_strokes_that_the_map_names_matter_most(data_root: Path) -> None:
    """A pair of the same character from each of the 20 runs: erase a fifth of the ink, where the
    map is highest, where it is lowest, or around a point of it drawn at random; the distance tells
    whether the map was right. (Pixels erased one by one are noise, which hurts in another way.)
    """
    model, runs = load("characters", threads=1), read_runs()
    seen = model.info.preprocessing
    rng = np.random.default_rng(4)
    grown = []
    for run in runs:
        a, b = (seen.pixels(s.read()) for s in (run.query[0], run.support[run.truth[0]]))
        named = model.embed_pixels(b[None])
        heat = occlusion_map(model, a, named[0])
        ink = np.argwhere(a[:, :, 0] < 160)
        coldest_first = ink[np.argsort(heat[tuple(ink.T)])]
        fifth = len(ink) // 5

        variants = [a] * 4
        away = np.abs(ink - rng.choice(ink)).sum(axis=1)
        anywhere = ink[np.argsort(away, kind="stable")]
        for number, erased in enumerate(
            (coldest_first[-fifth:], coldest_first[:fifth], anywhere[:fifth]), start=1
        ):
            variants[number] = a.copy()
            variants[number][tuple(erased.T)] = 255
        distances = model.distance(model.embed_pixels(np.stack(variants)), named)[:, 0]
        grown.append([*(distances[1:] - distances[0]), heat[a[:, :, 0] < 160].mean(), heat.mean()])
    hottest, coldest, anywhere_, on_ink, all_over = np.array(grown).T
    beyond = hottest - anywhere_  # of each pair; a fifth of the ink costs much wherever it is
    assert beyond.mean() > 4 * beyond.std(ddof=1) / np.sqrt(len(beyond))
    assert hottest.mean() > 1.3 * anywhere_.mean()
    assert hottest.mean() > 0.25 + coldest.mean()
    assert (hottest > coldest).sum() >= 18
    assert on_ink.mean() > 0.1 and on_ink.mean() > 2 * all_over.mean()
