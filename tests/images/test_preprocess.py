from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from firstsight.errors import ModelFolderError, PictureError, ShapeError, UsageError
from firstsight.images.decode import DecodeLimits
from firstsight.images.preprocess import Preprocessing

PREPROCESSINGS = st.builds(
    Preprocessing,
    size=st.integers(1, 24),
    mode=st.sampled_from(["grey", "rgb"]),
    invert=st.booleans(),
    fit=st.sampled_from(["squash", "crop", "pad", "ink"]),
    mean=st.tuples(st.floats(-1, 1)),
    deviation=st.tuples(st.floats(0.1, 2)),
)


@given(PREPROCESSINGS, st.integers(1, 60), st.integers(1, 60))
def test_any_picture_becomes_a_square_of_the_right_size(
    preprocessing: Preprocessing, width: int, height: int
) -> None:
    pixels = preprocessing.pixels(np.full((height, width), 255, np.uint8))
    assert pixels.shape == (preprocessing.size, preprocessing.size, preprocessing.channels)
    assert pixels.dtype == np.uint8
    assert (pixels == 255).all()


@given(PREPROCESSINGS)
def test_preprocessing_survives_json(preprocessing: Preprocessing) -> None:
    text = json.dumps(preprocessing.to_json())
    assert Preprocessing.from_json(json.loads(text)) == preprocessing


def test_a_picture_of_the_right_size_is_not_touched() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (9, 9), dtype=np.uint8)
    for fit in ("squash", "crop", "pad"):
        seen = Preprocessing(9, fit=fit).pixels(picture)
        np.testing.assert_array_equal(seen[:, :, 0], picture)


def test_pixels_are_as_seen_even_where_the_network_gets_ink_as_one() -> None:
    picture = np.array([[0, 255], [255, 255]], np.uint8)
    np.testing.assert_array_equal(Preprocessing(2, invert=True).pixels(picture)[:, :, 0], picture)


def test_reduction_weighs_every_source_pixel_by_a_triangle() -> None:
    # One row of 8 to 2: each result is centred between its four pixels, with weights falling to
    # zero four source pixels away; at the border what lies outside is left out.
    row = np.array([0, 80, 40, 200, 120, 10, 250, 90], np.uint8)
    places = np.arange(8) + 0.5
    expected = []
    for centre in (2.0, 6.0):
        weights = np.clip(1 - np.abs(places - centre) / 4, 0, None)
        expected.append(float((weights * row).sum() / weights.sum()))
    seen = Preprocessing(2).pixels(np.tile(row, (8, 1)))[:, :, 0]
    np.testing.assert_allclose(seen, np.tile(expected, (2, 1)), atol=1)


def test_thin_strokes_keep_their_ink_wherever_they_lie() -> None:
    # A 3 px stroke on Omniglot's 105 px canvas, moved px by px: its share of ink must not flicker.
    ink = []
    for left in range(40, 60):
        drawing = np.full((105, 105), 255, np.uint8)
        drawing[:, left : left + 3] = 0
        ink.append(255 - Preprocessing(32).pixels(drawing).mean())
    wanted = 255 * 3 / 105
    np.testing.assert_allclose(ink, wanted, rtol=0.06)


def test_crop_takes_the_middle_square() -> None:
    picture = np.zeros((10, 30), np.uint8)
    picture[:, 10:20] = 255
    assert (Preprocessing(10, fit="crop").pixels(picture) == 255).all()
    assert (Preprocessing(10, fit="crop").pixels(picture.T) == 255).all()


def test_squash_keeps_everything() -> None:
    picture = np.zeros((10, 30), np.uint8)
    picture[:, 15:] = 255
    seen = Preprocessing(10).pixels(picture)[:, :, 0]
    assert (seen[:, :4] == 0).all()
    assert (seen[:, 6:] == 255).all()


def test_pad_keeps_the_shape_and_fills_with_white() -> None:
    picture = np.zeros((10, 30), np.uint8)
    seen = Preprocessing(30, fit="pad").pixels(picture)[:, :, 0]
    assert (seen[10:20] == 0).all()
    assert (seen[:10] == 255).all()
    assert (seen[20:] == 255).all()


def test_a_photo_decoded_small_looks_like_one_decoded_whole() -> None:
    x, y = np.meshgrid(np.linspace(0, 255, 900), np.linspace(0, 255, 700))
    photo = Image.fromarray(np.stack([x, y, 255 - x], axis=2).astype(np.uint8))
    jpeg, png = BytesIO(), BytesIO()
    photo.save(jpeg, "JPEG", quality=95)
    photo.save(png, "PNG")
    preprocessing = Preprocessing(64, mode="rgb", fit="crop")
    small = preprocessing.pixels(jpeg.getvalue()).astype(int)
    whole = preprocessing.pixels(png.getvalue()).astype(int)
    assert np.abs(small - whole).mean() < 2


def test_errors_carry_the_given_name_and_limits_hold() -> None:
    preprocessing = Preprocessing(8)
    with pytest.raises(PictureError, match="the mug"):
        preprocessing.pixels(b"no picture", name="the mug")
    with pytest.raises(PictureError, match="more than"):
        preprocessing.pixels(np.zeros((9, 9), np.uint8), DecodeLimits(max_pixels=80))


def test_normalising_follows_the_formula() -> None:
    pixels = np.array([[[[0, 51, 255]]]], np.uint8)  # (1, 1, 1, 3)
    plain = Preprocessing(1, mode="rgb")
    np.testing.assert_allclose(plain.normalise(pixels).ravel(), [0, 0.2, 1], rtol=1e-6)
    inverted = Preprocessing(1, mode="rgb", invert=True)
    np.testing.assert_allclose(inverted.normalise(pixels).ravel(), [1, 0.8, 0], rtol=1e-6)
    scaled = Preprocessing(1, mode="rgb", mean=(0.0, 0.2, 0.5), deviation=(1.0, 2.0, 0.25))
    np.testing.assert_allclose(scaled.normalise(pixels).ravel(), [0, 0, 2], atol=1e-6)


def test_normalising_puts_channels_first_in_contiguous_float32() -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    values = Preprocessing(4, mode="rgb").normalise(pixels)
    assert values.shape == (5, 3, 4, 4)
    assert values.dtype == np.float32
    assert values.flags.c_contiguous
    for b in range(5):
        for c in range(3):
            np.testing.assert_allclose(values[b, c], pixels[b, :, :, c] / 255, rtol=1e-6)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((1, 5, 4, 1), np.uint8),
        np.zeros((1, 4, 4, 1), np.float32),
    ],
)
def test_pixels_of_another_shape_are_refused(pixels: Any) -> None:
    with pytest.raises(ShapeError, match=r"\(B, 4, 4, 1\)"):
        Preprocessing(4).normalise(pixels)


IMPOSSIBLE = [
    {"size": 0},
    {"size": 5000},
    {"size": True},
    {"size": 8.0},
    {"mode": "gray"},
    {"mode": ["grey"]},
    {"fit": "stretch"},
    {"invert": 1},
    {"mean": ()},
    {"mean": (0.1, 0.2)},
    {"mean": 0.5},
    {"mean": (float("nan"),)},
    {"mean": ("0",)},
    {"deviation": (0.0,)},
    {"deviation": (-1.0,)},
    {"deviation": (float("inf"),)},
]


@pytest.mark.parametrize("change", IMPOSSIBLE)
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    (key,) = change
    with pytest.raises(UsageError, match=f"^{key} is"):
        Preprocessing(**({"size": 8} | change))


@pytest.mark.parametrize("change", IMPOSSIBLE)
def test_impossible_settings_in_a_model_make_it_damaged(change: dict[str, Any]) -> None:
    with pytest.raises(ModelFolderError, match="damaged"):
        Preprocessing.from_json(Preprocessing(8).to_json() | change)


def test_a_model_with_unknown_or_missing_settings_is_refused() -> None:
    record = Preprocessing(8).to_json()
    with pytest.raises(ModelFolderError, match="'rotate' is unknown"):
        Preprocessing.from_json(record | {"rotate": 90})
    del record["invert"]
    with pytest.raises(ModelFolderError, match="'invert' is missing"):
        Preprocessing.from_json(record)
    with pytest.raises(ModelFolderError, match="table"):
        Preprocessing.from_json([8])


def test_an_omniglot_drawing_stays_dark_ink_on_light_paper(data_root: Path) -> None:
    from firstsight.data.manifest import Source

    archive = data_root / "omniglot" / "images_background.zip"
    member = "images_background/Greek/character01/0394_01.png"
    pixels = Preprocessing(32).pixels(Source(archive, member).read())
    assert pixels.max() == 255
    assert pixels.min() < 100
    assert 200 < pixels.mean() < 254
