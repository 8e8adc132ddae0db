from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import ImageFilter, ImageOps

from firstsight.images.likeness import likeness, near, perceptual_hash
from tests.images.samples import drawings, photos, saved_again, tiled


def test_a_hash_is_that_of_the_whole_picture_and_of_64_bits() -> None:
    hashed = perceptual_hash(tiled())
    assert 0 <= hashed < 2**64
    assert hashed == perceptual_hash(np.asarray(tiled()))
    assert hashed.bit_count() == 32  # half lie above the median


def test_near_counts_the_bits_that_differ() -> None:
    assert near(0b1011, 0b0100, bits=4)
    assert not near(0b1011, 0b0100, bits=3)


@pytest.mark.parametrize(("quality", "scale"), [(75, 1.0), (60, 1.0), (75, 0.5)])
def test_saving_again_leaves_a_picture_near(quality: int, scale: float) -> None:
    image = tiled().filter(ImageFilter.GaussianBlur(20))
    again = saved_again(image, quality, scale)
    assert near(perceptual_hash(image), perceptual_hash(again), bits=4)
    assert not near(perceptual_hash(image), perceptual_hash(ImageOps.mirror(image)), bits=8)


def test_real_pictures_saved_again_are_near_and_different_ones_are_not(data_root: Path) -> None:
    images = drawings(data_root, 150) + photos(data_root, 60)
    hashes = [perceptual_hash(image) for image in images]
    for image, hashed in zip(images, hashes, strict=True):
        assert near(hashed, perceptual_hash(saved_again(image, 60)), bits=4)
    assert not any(near(a, b, bits=4) for a, b in combinations(hashes, 2))


def test_grey_is_what_has_no_colour_however_it_is_stored() -> None:
    grey = tiled().convert("L")
    assert likeness(grey).is_grey
    assert likeness(grey.convert("RGB")).is_grey
    assert likeness(saved_again(grey.convert("RGB"), 60)).is_grey
    assert not likeness(tiled()).is_grey
    assert likeness(tiled()).hashed == perceptual_hash(tiled())
