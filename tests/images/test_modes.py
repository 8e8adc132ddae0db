from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from firstsight.images.modes import flatten


def grey(image: Image.Image) -> NDArray[np.uint8]:
    result = flatten(image, "L")
    assert result.mode == "L"
    return np.asarray(result)


def reopened(image: Image.Image, file_format: str, **options: int) -> Image.Image:
    stream = BytesIO()
    image.save(stream, file_format, **options)
    again = Image.open(stream)
    again.load()
    return again


def test_transparency_lies_over_white() -> None:
    # Red at alpha 0, 51 (a fifth) and 255: white, a fifth of the way to red, red.
    pixels = np.array([[[255, 0, 0, 0], [255, 0, 0, 51], [255, 0, 0, 255]]], np.uint8)
    seen = np.asarray(flatten(Image.fromarray(pixels), "RGB"))
    np.testing.assert_array_equal(seen, [[[255, 255, 255], [255, 204, 204], [255, 0, 0]]])


@pytest.mark.parametrize("mode", ["LA", "La", "PA", "RGBa"])
def test_every_mode_with_alpha_shows_white_where_it_is_clear(mode: str) -> None:
    pixels = np.zeros((1, 2, 4), np.uint8)
    pixels[0, 1, 3] = 255
    image = Image.fromarray(pixels)
    if mode in ("La", "PA"):  # Pillow reaches these by one way only.
        image = image.convert({"La": "LA", "PA": "P"}[mode])
    np.testing.assert_array_equal(grey(image.convert(mode)), [[255, 0]])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_the_colour_declared_transparent_becomes_white(mode: str) -> None:
    image = Image.fromarray(np.array([[0, 255]], np.uint8)).convert(mode)
    key = (0, 0, 0) if mode == "RGB" else 0
    again = reopened(image, "PNG", transparency=key)  # type: ignore[arg-type]
    assert again.has_transparency_data
    np.testing.assert_array_equal(grey(again), [[255, 255]])


def test_palettes_with_graded_transparency_lie_over_white() -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = bytes([0, 255])
    seen = np.asarray(flatten(image, "RGB"))
    np.testing.assert_array_equal(seen, [[[255, 255, 255], [0, 0, 255]]])


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=20))
def test_sixteen_bit_grey_is_scaled_not_clipped(values: list[int]) -> None:
    image = Image.fromarray(np.array([values], np.uint16))
    assert image.mode == "I;16"
    np.testing.assert_array_equal(grey(image)[0], [round(value / 257) for value in values])


def test_big_endian_sixteen_bit_grey_is_scaled_too() -> None:
    image = Image.frombytes("I;16B", (2, 1), bytes([0xFF, 0xFF, 0x01, 0x01]))
    np.testing.assert_array_equal(grey(image), [[255, 1]])


def test_a_transparent_key_among_sixteen_bit_greys_becomes_white() -> None:
    image = Image.fromarray(np.array([[0, 257, 514]], np.uint16))
    image.info["transparency"] = 257
    np.testing.assert_array_equal(grey(image), [[0, 255, 2]])


def test_twelve_bit_tiff_is_scaled_by_its_own_white() -> None:
    image = reopened(Image.fromarray(np.array([[0, 4095]], np.uint16)), "TIFF")
    image.tag_v2._tags_v2[258] = (12,)  # type: ignore[attr-defined]
    np.testing.assert_array_equal(grey(image), [[0, 255]])


def test_sixteen_bit_tiff_whose_zero_is_white_is_turned_round() -> None:
    image = reopened(Image.fromarray(np.array([[0, 65535]], np.uint16)), "TIFF")
    image.tag_v2._tags_v2[262] = 0  # type: ignore[attr-defined]
    np.testing.assert_array_equal(grey(image), [[255, 0]])


def test_whole_numbers_up_to_16_bits_keep_that_range_and_larger_ones_are_stretched() -> None:
    small = Image.fromarray(np.array([[0, 257, 65535]], np.int32))
    np.testing.assert_array_equal(grey(small), [[0, 1, 255]])
    large = Image.fromarray(np.array([[-100_000, 0, 100_000]], np.int32))
    np.testing.assert_array_equal(grey(large), [[0, 128, 255]])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.2, 1.0], [0, 51, 255]),
        ([0.0, 51.0, 255.0], [0, 51, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([0.0, np.nan, 1.0], [0, 0, 255]),
        ([0.0, np.inf, 1.0], [0, 255, 255]),
        ([-3.0, -3.0, -3.0], [0, 0, 0]),
        ([np.nan, np.nan, np.nan], [0, 0, 0]),
    ],
)
def test_floats_are_read_by_their_range(values: list[float], expected: list[int]) -> None:
    image = Image.fromarray(np.array([values], np.float32))
    np.testing.assert_array_equal(grey(image), [expected])


def test_lab_black_white_and_red_are_what_they_are() -> None:
    # L* 0..100 is stored as 0..255; a*, b* as signed bytes. sRGB red is Lab (53.2, 80.1, 67.2);
    # lcms works from D50, where it is (54.3, 80.8, 69.9).
    stored = bytes([0, 0, 0, 255, 0, 0, 138, 81, 70])
    image = Image.frombytes("LAB", (3, 1), stored)
    seen = np.asarray(flatten(image, "RGB")).astype(int)
    np.testing.assert_allclose(seen, [[[0, 0, 0], [255, 255, 255], [255, 0, 0]]], atol=8)


def test_cmyk_inks_darken() -> None:
    image = Image.new("CMYK", (2, 1))
    image.putpixel((1, 0), (0, 0, 0, 255))
    np.testing.assert_array_equal(grey(image), [[255, 0]])


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"])
def test_every_other_mode_becomes_grey_and_rgb(mode: str) -> None:
    image = Image.new(mode, (3, 2))
    assert flatten(image, "RGB").mode == "RGB"
    assert grey(image).shape == (2, 3)


def test_whole_numbers_that_need_8_bits_are_8_bit_grey() -> None:
    """As Pillow's own `convert("I")` makes them; with one value beyond they are of 16 bits."""
    shades = np.array([[0, 100, 255]], np.int32)
    assert np.asarray(flatten(Image.fromarray(shades), "L")).tolist() == [[0, 100, 255]]
    deep = np.array([[0, 257, 25700]], np.int32)
    assert np.asarray(flatten(Image.fromarray(deep), "L")).tolist() == [[0, 1, 100]]
