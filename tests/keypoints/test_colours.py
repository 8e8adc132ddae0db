"""The same print in the same colours, or in others."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from firstsight.keypoints import Keypoints, agreeing, compare_colours, find_keypoints
from tests.keypoints.prints import in_other_colours, photographed, printed

RED, BLUE, GREEN = (200, 30, 30), (30, 30, 200), (30, 200, 30)


def told(asked: Image.Image, enrolled: Image.Image) -> float:
    one, other = find_keypoints(asked), find_keypoints(enrolled)
    return compare_colours(one, other, agreeing(one, other)).other


def in_light(photo: Image.Image, light: tuple[float, float, float]) -> Image.Image:
    return Image.fromarray((np.asarray(photo) * light).astype(np.uint8))


@pytest.mark.parametrize("light", [(1, 1, 1), (1, 0.8, 0.55), (0.6, 0.7, 0.9)])
@pytest.mark.parametrize("number", range(4))
def test_light_changes_no_colours(number: int, light: tuple[float, float, float]) -> None:
    photo = in_light(photographed(printed(number), number), light)
    assert told(photo, printed(number)) < 0.08


@pytest.mark.parametrize("number", range(4))
def test_one_print_in_other_colours_is_told(number: int) -> None:
    photo = photographed(in_other_colours(printed(number)), number)
    assert told(photo, printed(number)) > 0.16


def test_without_colours_nothing_is_told() -> None:
    sister = in_other_colours(printed(1))
    photo = photographed(sister, 1).convert("L")
    assert told(photo, printed(1)) == 0
    assert told(photographed(sister, 1), printed(1).convert("L")) == 0


def painted(quarter: tuple[int, int, int], *, size: float = 1.0) -> Keypoints:
    """Sixteen keypoints, in rows and columns, of a picture red on the left and blue on the right,
    but for the quarter at the bottom right. size: of what is shown, beside the whole picture.
    """
    steps = np.linspace(-0.45, 0.45, 4)
    at = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2) * size
    colours = np.empty((32, 32, 3), np.uint8)
    colours[:, :16], colours[:, 16:], colours[16:, 16:] = RED, BLUE, quarter
    rng = np.random.default_rng(0)
    return Keypoints(
        at.astype(np.float32),
        np.full(16, 0.01 * size, np.float32),
        np.zeros(16, np.float32),
        rng.integers(0, 40, (16, 128)).astype(np.uint8),
        colours,
    )


def test_places_are_counted_by_how_near_to_the_middle_they_lie() -> None:
    enrolled = painted(BLUE)
    agreement = agreeing(enrolled, enrolled)
    assert len(agreement) == 16
    assert compare_colours(enrolled, enrolled, agreement).other == 0
    # A quarter of the places, as far from the middle as those of the other quarters.
    found = compare_colours(painted(GREEN), enrolled, agreement)
    assert found.other == pytest.approx(0.25, abs=1e-6)
    at = enrolled.at[agreement.second]
    np.testing.assert_array_equal(found.same, (at < 0).any(axis=1))


def test_hardly_anything_in_sight_tells_nothing() -> None:
    # Asked is a corner of what is enrolled: the rest lies outside.
    enrolled, near = painted(BLUE), painted(GREEN, size=6.0)
    agreement = agreeing(near, enrolled)
    assert len(agreement) == 16
    assert compare_colours(near, enrolled, agreement).other == 0
    assert compare_colours(near, enrolled, agreement.where(np.zeros(16, np.bool_))).other == 0
