from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.drawing.heat import ABOVE, BELOW, heat_over, heat_strip, square_on
from firstsight.images.preprocess import Fit


def halves(left: float, right: float) -> npt.NDArray[np.float32]:
    heat = np.full((32, 32), left, np.float32)
    heat[:, 16:] = right
    return heat


def paper(height: int = 100, width: int = 100) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), 255, np.uint8)


def colour_at(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    pixel = image.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return tuple(int(value) for value in pixel)


def lightness(colour: tuple[int, int, int]) -> float:
    """CIE L*, from sRGB."""
    linear = [
        v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4
        for v in (c / 255 for c in colour)
    ]
    y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return float(116 * y ** (1 / 3) - 16)


def test_the_two_colours_are_equally_light() -> None:
    assert abs(lightness(ABOVE) - lightness(BELOW)) < 1.5


def test_orange_is_above_zero_blue_below_and_nothing_is_nothing() -> None:
    drawn = heat_over(paper(), halves(1, -1), 100, largest=1, fit="squash")
    red, _, blue = colour_at(drawn, 20, 50)
    assert red > blue + 100
    red, _, blue = colour_at(drawn, 80, 50)
    assert blue > red + 100
    still = heat_over(paper(), halves(0, 0), 100, largest=1, fit="squash")
    assert still.getcolors() == [(100 * 100, (255, 255, 255))]


def test_a_number_twice_as_large_shows_twice_the_colour() -> None:
    drawn = heat_over(paper(), halves(0.4, 0.8), 100, largest=1, fit="squash")
    # White to orange, blue channel: 255 - 255 * 0.85 * share.
    assert colour_at(drawn, 20, 50)[2] == round(255 * (1 - 0.85 * 0.4))
    assert colour_at(drawn, 80, 50)[2] == round(255 * (1 - 0.85 * 0.8))


def test_where_every_number_is_zero_nothing_is_divided_by_it() -> None:
    drawn = heat_over(paper(), halves(0, 0), 50, largest=0, fit="squash")
    assert drawn.getcolors() == [(50 * 50, (255, 255, 255))]


def test_the_square_lies_where_the_model_took_it_from() -> None:
    wanted: dict[Fit, tuple[int, int, int, int]] = {
        "squash": (0, 0, 90, 60),
        "crop": (15, 0, 75, 60),
        "pad": (0, -15, 90, 75),
    }
    assert {fit: square_on((90, 60), fit) for fit in wanted} == wanted


def test_a_map_is_laid_where_the_model_saw_it() -> None:
    wide = paper(60, 90)
    squashed = heat_over(wide, halves(1, 0), 90, largest=1, fit="squash")
    assert squashed.size == (90, 60)
    assert colour_at(squashed, 30, 30)[2] < 60 and colour_at(squashed, 60, 30) == (255, 255, 255)
    cropped = heat_over(wide, halves(1, 1), 90, largest=1, fit="crop")
    # Beyond the middle square the white fades into the sheet's paper, (252, 252, 250).
    assert colour_at(cropped, 5, 30) == colour_at(cropped, 85, 30) == (253, 253, 251)
    assert colour_at(cropped, 20, 30)[2] < 60
    upper = np.zeros((32, 32), np.float32)
    upper[:16] = 1
    padded = heat_over(wide, upper, 90, largest=1, fit="pad")
    assert colour_at(padded, 45, 20)[2] < 60 and colour_at(padded, 45, 45) == (255, 255, 255)


def test_the_strip_goes_from_blue_through_paper_to_orange() -> None:
    strip = heat_strip(101, 8)
    assert strip.size == (101, 8)
    assert colour_at(strip, 50, 4) == (252, 252, 250)
    assert colour_at(strip, 0, 4)[2] > colour_at(strip, 0, 4)[0] + 100
    assert colour_at(strip, 100, 4)[0] > colour_at(strip, 100, 4)[2] + 100
