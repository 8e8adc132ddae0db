"""What is drawn, freed from its paper."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from firstsight.images.ink import ink_frame
from firstsight.images.paper import levelled
from firstsight.images.preprocess import Preprocessing

SIDE = 200


def drawn() -> Image.Image:
    """A cross and a ring, black on white."""
    page = Image.new("L", (SIDE, SIDE), 255)
    pen = ImageDraw.Draw(page)
    pen.line((40, 40, 120, 160), 0, 8)
    pen.line((120, 40, 40, 160), 0, 8)
    pen.ellipse((110, 60, 170, 120), outline=0, width=8)
    return page


def photographed(page: Image.Image, light: NDArray[np.float64], ink: float = 0.3) -> Image.Image:
    """Ink reflects this share of the light that paper does; the camera adds a little noise."""
    soft = page.filter(ImageFilter.GaussianBlur(0.7))
    reflected = ink + (1 - ink) * np.asarray(soft, np.float64) / 255
    noise = np.random.default_rng(0).normal(0, 2, (SIDE, SIDE))
    return Image.fromarray((light * reflected + noise).clip(0, 255).round().astype(np.uint8))


def slope() -> NDArray[np.float64]:
    across, down = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    return np.asarray(120 + 80 * across + 40 * down)


def shadow() -> NDArray[np.float64]:
    light = np.full((SIDE, SIDE), 220.0)
    light[:, 90:] = 150  # with a hard edge, across the drawing
    return light


def test_black_on_white_stays_as_it_is() -> None:
    np.testing.assert_array_equal(np.asarray(levelled(drawn())), np.asarray(drawn()))


@pytest.mark.parametrize("light", [np.full((SIDE, SIDE), 160.0), slope(), shadow()])
def test_paper_becomes_white_and_ink_black_in_any_light(light: NDArray[np.float64]) -> None:
    page = drawn()
    clear = np.asarray(levelled(photographed(page, light)), np.float64)
    wanted = np.asarray(page)
    # The paper alone differs from place to place, by up to a half of its light.
    assert np.abs(clear[wanted == 255].mean() - 255) < 6
    assert clear[wanted == 0].mean() < 25


def bulb() -> NDArray[np.float64]:
    """A lamp in the middle: darker towards all edges."""
    across, down = np.meshgrid(np.linspace(-1, 1, SIDE), np.linspace(-1, 1, SIDE))
    return np.asarray(230 * (1 - 0.25 * (across**2 + down**2)))


def corner() -> NDArray[np.float64]:
    across, down = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    return np.asarray(80 + 80 * across + 80 * down)


def glare() -> NDArray[np.float64]:
    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    return np.asarray(180 + 60 * np.exp(-((across - 190) ** 2 + (down - 10) ** 2) / 800))


@pytest.mark.parametrize(
    ("light", "ink"),
    # The edge of so hard a shadow would be taken for pencil.
    [
        (shadow(), 0.3),
        *((each, ink) for each in (slope(), bulb(), corner(), glare()) for ink in (0.3, 0.6)),
    ],
)
def test_the_frame_is_that_of_the_clean_drawing(light: NDArray[np.float64], ink: float) -> None:
    clean = ink_frame(drawn())
    found = ink_frame(levelled(photographed(drawn(), light, ink)))
    assert clean is not None
    assert found is not None
    assert (found.centre_x, found.centre_y) == pytest.approx(
        (clean.centre_x, clean.centre_y), abs=3
    )
    assert found.side == pytest.approx(clean.side, rel=0.05)


@pytest.mark.parametrize("shade", [30, 160, 220, 240])
@pytest.mark.parametrize("spread", [1, 3])
def test_the_grain_of_an_empty_page_is_no_ink(shade: int, spread: int) -> None:
    for seed in range(5):
        noise = np.random.default_rng(seed).normal(shade, spread, (150, 150))
        page = Image.fromarray(noise.clip(0, 255).round().astype(np.uint8))
        np.testing.assert_array_equal(np.asarray(levelled(page)), np.asarray(page))


def test_a_wide_black_shape_stays_full() -> None:
    page = Image.new("L", (105, 105), 255)
    ImageDraw.Draw(page).ellipse((15, 15, 90, 90), fill=1)
    assert np.asarray(levelled(page))[52, 52] <= 1


def test_chalk_on_a_board_is_ink_on_paper() -> None:
    grey = photographed(drawn(), slope())
    chalk = Image.fromarray(255 - np.asarray(grey))
    gap = np.abs(np.asarray(levelled(chalk), np.int16) - np.asarray(levelled(grey), np.int16))
    assert gap.max() <= 4  # where means are rounded


def test_faint_pencil_beside_glare_is_still_the_ink() -> None:
    light = np.full((SIDE, SIDE), 180.0)
    light[:40, 150:] = 245
    clear = np.asarray(levelled(photographed(drawn(), light, ink=0.7)))
    assert clear[np.asarray(drawn()) == 0].mean() < 60


@pytest.mark.parametrize("shade", [0, 90, 255])
def test_an_empty_page_stays_empty(shade: int) -> None:
    clear = np.asarray(levelled(Image.new("L", (50, 30), shade)))
    assert (clear == shade).all()


def test_a_large_page_is_made_smaller() -> None:
    clear = levelled(drawn().resize((4000, 2000)))
    assert clear.size == (1000, 500)
    assert clear.getextrema() == (0, 255)


@settings(max_examples=40, deadline=None)
@given(width=st.integers(1, 40), height=st.integers(1, 40), seed=st.integers(0, 99))
def test_any_picture_gives_one_of_its_size(width: int, height: int, seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    assert levelled(Image.fromarray(noise)).size == (width, height)


def test_a_network_sees_a_photographed_drawing_as_it_sees_a_clean_one() -> None:
    seen = Preprocessing(32, fit="ink")
    clean = seen.pixels(drawn()).astype(np.float64)
    bright = seen.pixels(photographed(drawn(), slope())).astype(np.float64)
    assert np.abs(bright - clean).mean() < 8
