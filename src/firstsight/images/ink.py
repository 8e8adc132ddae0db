"""Where the ink is: a square frame around what is drawn, wherever and however large it stands.

People draw the same character anywhere on the page and at any size; a network that sees the page
must learn all of that away. Centring on the centre of mass and scaling by the second moments is
the old remedy of character recognition (Casey, "Moment normalization of handprinted characters",
IBM J. Res. Dev. 14, 1970).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firstsight.images.paper import levelled

__all__ = ["Frame", "framed", "ink_frame"]

# Half the frame's side in spreads (the root of both variances' sum). What sticks out widens it.
_HALF_SIDE = 1.5
_ROOM = 1.03
_FAINTEST = 0.3  # of the darkest ink: paler is the paper's shade, or a compressed edge
_LEAST_CONTRAST = 0.1  # of black on white: below it a page is blank
_MOST_SIDE = 512  # moments need no more pixels
_WHITE = 255


@dataclass(frozen=True)
class Frame:
    """A square in px of a picture; it may reach beyond the picture's edges."""

    centre_x: float
    centre_y: float
    side: float


def ink_frame(image: Image.Image) -> Frame | None:
    """The square that holds all ink, centred on its centre of mass; None for a blank page.

    image: dark ink on lighter paper, any mode that converts to grey; as `levelled` gives it.
    """
    grey = image.convert("L")
    grey.thumbnail((_MOST_SIDE, _MOST_SIDE))
    scale_x, scale_y = image.width / grey.width, image.height / grey.height
    ink = _ink(np.asarray(grey))
    if ink is None:
        return None
    mass = ink.sum()
    columns, rows = ink.sum(axis=0), ink.sum(axis=1)
    # Pixel centres, in px of the full picture.
    x = (np.arange(len(columns)) + 0.5) * scale_x
    y = (np.arange(len(rows)) + 0.5) * scale_y
    centre_x, centre_y = float(columns @ x / mass), float(rows @ y / mass)
    # A pixel is a small square, not a point: its own spread makes the frame the same at any size.
    within = (scale_x**2 + scale_y**2) / 12
    variance = (columns @ (x - centre_x) ** 2 + rows @ (y - centre_y) ** 2) / mass + within
    reach_x = np.abs(x[columns > 0] - centre_x).max() + scale_x / 2
    reach_y = np.abs(y[rows > 0] - centre_y).max() + scale_y / 2
    half = max(_HALF_SIDE * float(np.sqrt(variance)), _ROOM * float(max(reach_x, reach_y)))
    return Frame(centre_x, centre_y, 2 * half)


def framed(image: Image.Image, size: int, resample: Image.Resampling, gap: float) -> Image.Image:
    """What is drawn as size x size px of the picture's mode: black on white, and nothing beside it.

    image: of mode L or RGB, as `levelled` takes it. A blank page is squashed.
    """
    mode, image = image.mode, levelled(image)
    frame = ink_frame(image)
    if frame is None:
        return image.resize((size, size), resample, reducing_gap=gap).convert(mode)
    left, top = frame.centre_x - frame.side / 2, frame.centre_y - frame.side / 2
    # Whole pixels of white around the page, so that the frame lies within and keeps its fractions.
    before_x, before_y = max(0, int(np.ceil(-left))), max(0, int(np.ceil(-top)))
    after_x = max(0, int(np.ceil(left + frame.side - image.width)))
    after_y = max(0, int(np.ceil(top + frame.side - image.height)))
    page = image
    if before_x or before_y or after_x or after_y:
        wide = (image.width + before_x + after_x, image.height + before_y + after_y)
        page = Image.new("L", wide, _WHITE)
        page.paste(image, (before_x, before_y))
    left, top = left + before_x, top + before_y
    box = (
        max(0.0, left),
        max(0.0, top),
        min(float(page.width), left + frame.side),
        min(float(page.height), top + frame.side),
    )
    return page.resize((size, size), resample, box, gap).convert(mode)


def _ink(grey: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """(H, W) how much ink, 0..1, of a grey page; None where there is none to speak of."""
    paper, darkest = float(np.median(grey)), float(grey.min())
    if paper - darkest < 255 * _LEAST_CONTRAST:
        return None
    ink: NDArray[np.float64] = np.clip((paper - grey) / (paper - darkest), 0, 1)
    ink[ink < _FAINTEST] = 0
    return ink
