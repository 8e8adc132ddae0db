from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps

from firstsight.images.likeness import Likeness, likeness, near, overlap, perceptual_hash
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


def photograph() -> Image.Image:
    return tiled().filter(ImageFilter.GaussianBlur(20))


def test_a_picture_lies_over_itself_and_over_what_was_cut_from_it() -> None:
    picture = photograph()
    whole = likeness(picture)
    assert overlap(whole, whole) == pytest.approx(1)
    wide, high = picture.size
    for share in (0.04, 0.08):
        for left in (0.0, share / 2, share):
            box = (left * wide, 0.0, (1 - share + left) * wide, (1 - share) * high)
            cut = likeness(picture.crop(box))
            assert overlap(whole, cut) > 0.98
            assert overlap(cut, whole) == pytest.approx(overlap(whole, cut))


def test_other_pictures_do_not_lie_over_each_other() -> None:
    whole = likeness(photograph())
    assert overlap(whole, likeness(ImageOps.mirror(photograph()))) < 0.9
    assert overlap(whole, likeness(Image.new("L", (40, 30), 80))) == 0
    assert np.isnan(overlap(whole, Likeness(0, is_grey=True)))


def test_grey_copies_of_real_pictures_lie_over_and_others_do_not(data_root: Path) -> None:
    greys = [image.convert("L") for image in photos(data_root, 30)]
    looks = [likeness(image) for image in greys]
    for image, look in zip(greys, looks, strict=True):
        assert overlap(look, likeness(saved_again(image, 50, 0.5))) > 0.985
    assert max(overlap(a, b) for a, b in combinations(looks, 2)) < 0.9
