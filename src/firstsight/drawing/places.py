"""Places of two pictures that agree, marked on each: dots, and numbers where there is room."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from firstsight.drawing.lettering import font_of
from firstsight.drawing.tiles import PAPER, Picture, as_rgb

__all__ = ["MOST_NUMBERED", "numbered", "places_over"]

Floats = npt.NDArray[np.float32]

DOT = (0, 114, 178)  # Okabe and Ito's blue
MOST_NUMBERED = 9
ROOM = 0.12  # of the longest side, between two numbers
RADIUS = 1 / 120  # of a dot, of the drawn picture's side


def numbered(at: Floats) -> list[int]:
    """Rows of the places that get a number: the first ones with room around them.

    at: (N, 2) x and y from the picture's middle, its longest side being 1.
    """
    kept = list[int]()
    for row, place in enumerate(at):
        near = np.linalg.norm(at[kept] - place, axis=1) < ROOM
        if len(kept) < MOST_NUMBERED and not near.any():
            kept.append(row)
    return kept


def places_over(picture: Picture, at: Floats, numbers: list[int], side: int) -> Image.Image:
    """The picture, `side` px along its longer side, its places marked.

    at: as above. numbers: rows that get 1, 2 and so on.
    """
    image = as_rgb(picture)
    ratio = side / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    drawn = image.resize(size, Image.Resampling.LANCZOS)
    pen = ImageDraw.Draw(drawn)
    radius = max(2.0, side * RADIUS)
    places = at * side + np.array(size) / 2
    for x, y in places.tolist():
        pen.ellipse((x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1), fill=PAPER)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=DOT)
    font = font_of(round(max(10, side / 18)), None)
    for number, row in enumerate(numbers, start=1):
        x, y = places[row].tolist()
        pen.text(
            (x + 2 * radius, y),
            str(number),
            font=font,
            fill=DOT,
            anchor="lm",
            stroke_width=max(1, side // 120),
            stroke_fill=PAPER,
        )
    return drawn
