from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

from firstsight.images.quality import FlawKind, picture_flaws
from tests.images.samples import drawings, photos, tiled


def kinds(picture: Image.Image | NDArray[np.uint8]) -> list[FlawKind]:
    return [flaw.kind for flaw in picture_flaws(picture)]


def test_a_sharp_picture_has_no_flaw() -> None:
    assert picture_flaws(tiled()) == []
    assert picture_flaws(np.asarray(tiled())) == []
    assert picture_flaws(np.asarray(tiled().convert("L"))[:, :, None]) == []


@pytest.mark.parametrize("size", [(20, 200), (1, 1), (23, 23), (384, 1)])
def test_a_picture_of_few_pixels_is_tiny(size: tuple[int, int]) -> None:
    assert kinds(tiled().resize(size)) == ["tiny"]
    assert kinds(tiled().resize((24, 24))) == []


@pytest.mark.parametrize("level", [0, 90, 255])
def test_paper_without_a_thing_on_it_is_blank(level: int) -> None:
    noise = np.random.default_rng(1).normal(level, 4, (300, 200))
    assert kinds(noise.clip(0, 255).astype(np.uint8)) == ["blank"]


def test_a_wall_in_uneven_light_is_blank() -> None:
    slope = np.tile(np.linspace(120, 150, 200), (300, 1)).astype(np.uint8)  # deviation 0.034
    assert kinds(slope) == ["blank"]


def test_too_little_and_too_much_light_are_told_apart() -> None:
    assert kinds(tiled().point(lambda level: level / 4)) == ["dark"]
    assert kinds(tiled().point(lambda level: 255 - (255 - level) / 4)) == ["bright"]
    assert kinds(tiled().point(lambda level: level / 2)) == []


def test_one_lamp_does_not_light_a_dark_picture_but_a_thin_stroke_is_a_drawing() -> None:
    dark = tiled().point(lambda level: level / 6)
    dark.putpixel((5, 5), (255, 255, 255))
    assert kinds(dark) == ["dark"]
    page = Image.new("L", (105, 105), 255)
    page.paste(0, (50, 20, 53, 80))  # 1.6 % of the page
    assert kinds(page) == kinds(ImageOps.invert(page)) == []


def test_a_blurred_picture_is_told_at_any_size() -> None:
    for scale in (1, 2, 4):
        image = tiled(side=32 * scale)  # 256, 512 and 1024 px
        assert kinds(image) == []
        assert kinds(image.filter(ImageFilter.GaussianBlur(4 * scale))) == ["blurred"]


def test_no_omniglot_drawing_is_called_blank_or_blurred(data_root: Path) -> None:
    for drawing in drawings(data_root, 200):
        assert kinds(drawing) == []
        assert kinds(ImageOps.invert(drawing)) == []


def test_real_photos_are_nearly_all_well_and_spoilt_ones_nearly_all_found(data_root: Path) -> None:
    images = photos(data_root, 60)
    assert sum(bool(kinds(image)) for image in images) <= 1
    blurred = [image.filter(ImageFilter.GaussianBlur(4)) for image in images]  # 2.7 px at 256
    assert sum(kinds(image) == ["blurred"] for image in blurred) >= 55
    assert all(kinds(image.point(lambda level: level / 4)) == ["dark"] for image in images)
