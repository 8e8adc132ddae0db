"""The frame around what is drawn."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from firstsight.images.ink import framed, ink_frame
from firstsight.images.preprocess import Preprocessing

BILINEAR = Image.Resampling.BILINEAR


def page(*blots: tuple[int, int, int, int], size: tuple[int, int] = (100, 100)) -> Image.Image:
    """White, with black boxes (left, top, right, bottom)."""
    pixels = np.full((size[1], size[0]), 255, np.uint8)
    for left, top, right, bottom in blots:
        pixels[top:bottom, left:right] = 0
    return Image.fromarray(pixels)


def moved(image: Image.Image, factor: int, shift: int) -> Image.Image:
    """100 x 100 px, each pixel made factor x factor of them, `shift` px further down."""
    side = 100 * factor
    larger = np.full((side + 2 * shift, side + 2 * shift), 255, np.uint8)
    pixels = np.kron(np.asarray(image), np.ones((factor, factor), np.uint8))
    larger[shift : shift + side, :side] = pixels
    return Image.fromarray(larger)


def test_a_square_blot_is_framed_by_hand_arithmetic() -> None:
    frame = ink_frame(page((20, 30, 40, 50)))
    assert frame is not None
    assert (frame.centre_x, frame.centre_y) == pytest.approx((30, 40))
    # 20 px wide: variance 20^2 / 12 each way; 1.5 * sqrt(66.7) = 12.25 is more than
    # 1.03 * 10 = 10.3.
    assert frame.side == pytest.approx(2 * 1.5 * sqrt(2 * 400 / 12))


def test_a_long_stroke_widens_the_frame_until_it_is_inside() -> None:
    # A dot of ink far from a heavy blot moves the centre little, and must still be inside.
    frame = ink_frame(page((10, 10, 30, 30), (90, 20, 92, 22)))
    assert frame is not None
    assert frame.centre_x + frame.side / 2 >= 92


def test_a_blank_page_has_no_frame_and_stays_blank() -> None:
    assert ink_frame(page()) is None
    assert ink_frame(Image.new("L", (10, 10), 250)) is None
    assert (np.asarray(framed(page(), 8, BILINEAR, 3.0)) == 255).all()


def test_shading_of_the_paper_is_no_ink() -> None:
    pixels = np.full((100, 100), 230, np.uint8)
    pixels[:, 60:] = 200  # a shadow
    pixels[40:60, 20:40] = 10
    frame = ink_frame(Image.fromarray(pixels))
    assert frame is not None
    assert (frame.centre_x, frame.centre_y) == pytest.approx((30, 50))


@given(
    left=st.integers(0, 60), top=st.integers(0, 60), width=st.integers(1, 38),
    height=st.integers(1, 38), factor=st.integers(1, 3), shift=st.integers(0, 40),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_the_frame_moves_and_grows_with_the_drawing(
    left: int, top: int, width: int, height: int, factor: int, shift: int
) -> None:
    first = page((left, top, left + width, top + height), (left, top, left + 2, top + 3))
    one, other = ink_frame(first), ink_frame(moved(first, factor, shift))
    assert one is not None
    assert other is not None
    assert other.side == pytest.approx(factor * one.side)
    assert other.centre_x == pytest.approx(factor * one.centre_x)
    assert other.centre_y == pytest.approx(factor * one.centre_y + shift)


@given(
    left=st.integers(0, 60), top=st.integers(0, 60), width=st.integers(16, 38),
    height=st.integers(16, 38), factor=st.integers(1, 3), shift=st.integers(0, 40),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_place_and_size_of_a_drawing_do_not_matter(
    left: int, top: int, width: int, height: int, factor: int, shift: int
) -> None:
    first = page((left, top, left + width, top + height), (left, top, left + 2, top + 3))
    one, other = (
        np.asarray(framed(each, 16, BILINEAR, 3.0), np.float32)
        for each in (first, moved(first, factor, shift))
    )
    # No drawing is made larger here, which would blur edges by the pixels it was drawn with.
    assert np.abs(one - other).mean() < 255 * 0.03


def test_both_modes_and_jpeg_of_a_small_drawing_on_a_large_page(tmp_path: Path) -> None:
    large = page((1000, 1500, 1100, 1600), size=(2000, 2000))
    path = tmp_path / "page.jpg"
    large.save(path)
    grey = Preprocessing(32, fit="ink").pixels(path)[:, :, 0]
    rgb = Preprocessing(32, mode="rgb", fit="ink").pixels(path)
    assert _share_of_ink(grey) == pytest.approx(1 / (1.5**2 * 4 / 6), abs=0.06)
    assert _share_of_ink(rgb[:, :, 1]) == pytest.approx(_share_of_ink(grey), abs=0.02)


def _share_of_ink(pixels: NDArray[np.uint8]) -> float:
    return float((255 - pixels.astype(np.float64)).mean() / 255)
