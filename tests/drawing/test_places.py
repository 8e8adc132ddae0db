from __future__ import annotations

import numpy as np
from PIL import Image

from firstsight.drawing.places import DOT, MOST_NUMBERED, numbered, places_over


def test_numbers_go_to_the_first_places_with_room_around_them() -> None:
    at = np.array([[0, 0], [0.1, 0], [0.13, 0], [0, -0.2], [0.24, 0]], np.float32)
    assert numbered(at) == [0, 2, 3]  # 0.1 is too near to the first, 0.24 to the third
    far = np.stack([np.arange(20, dtype=np.float32), np.zeros(20, np.float32)], axis=1)
    assert numbered(far) == list(range(MOST_NUMBERED))


def test_a_dot_lies_where_its_place_is() -> None:
    page = Image.new("RGB", (80, 40), "white")
    drawn = places_over(page, np.array([[0.25, -0.125], [-0.5, 0.25]], np.float32), [], 160)
    assert drawn.size == (160, 80)
    # The middle is (80, 40); a quarter of the longer side is 40 px, an eighth 20.
    assert drawn.getpixel((120, 20)) == DOT
    assert drawn.getpixel((0, 79)) == DOT
    assert drawn.getpixel((40, 40)) == (255, 255, 255)


def test_numbers_stand_beside_their_dots() -> None:
    page = Image.new("RGB", (200, 200), "white")
    at = np.array([[0, 0]], np.float32)
    without, with_number = places_over(page, at, [], 200), places_over(page, at, [0], 200)
    changed = np.argwhere((np.asarray(without) != np.asarray(with_number)).any(axis=2))
    assert len(changed) > 10
    assert (changed[:, 1] >= 100).all()  # to the right of the dot
