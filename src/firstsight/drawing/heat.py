"""A map of numbers of two signs laid over a picture, and the strip that tells its colours.

Orange and blue, which colour-blind people tell apart, equally light (CIE L* 60), so that equal
numbers look equally strong. A number shows as how much of the colour there is: none for 0.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.drawing.tiles import PAPER, Box, Picture, as_rgb
from firstsight.images.preprocess import Fit

__all__ = ["ABOVE", "BELOW", "heat_over", "heat_strip", "square_on"]

Floats = npt.NDArray[np.float32]

ABOVE = (224, 120, 0)
BELOW = (62, 150, 220)
STRONGEST = 0.85  # of the colour; the picture must still show through
GLOW = 0.3  # how bright the colour stays on black
STEPS = 16  # windows overlap too much for a map to hold finer detail than this across
UNSEEN = 0.75  # how far what the model does not see fades into the paper


def heat_over(
    picture: Picture, heat: Floats, side: int, *, largest: float, fit: Fit
) -> Image.Image:
    """The picture in grey, `side` px along its longer side, with the map in colour over it.

    heat: (H, W), over the square that a model's preprocessing made of the picture by `fit`; what
    that left out is drawn faded. largest: the number with the strongest colour; where it is 0
    nothing is coloured.
    """
    image = as_rgb(picture)
    ratio = side / max(image.size)
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    grey = image.convert("L").resize(size, Image.Resampling.LANCZOS)
    # Dark parts are lifted, or no colour could be seen on them.
    light = 70 + np.asarray(grey, np.float32) * (185 / 255)
    left, top, right, bottom = square_on(size, fit)
    square = _smooth(heat, (right - left, bottom - top))
    laid, covered = Image.new("F", size), Image.new("L", size)
    laid.paste(square, (left, top))
    covered.paste(255, (left, top, right, bottom))
    numbers, seen = np.asarray(laid), np.asarray(covered) > 0
    share = numbers / largest if largest > 0 else np.zeros_like(numbers)
    page = np.repeat(light[:, :, None], 3, axis=2)
    page = np.where(seen[:, :, None], page, page + (np.array(PAPER) - page) * UNSEEN)
    return Image.fromarray(_coloured(page, share))


def square_on(size: tuple[int, int], fit: Fit) -> Box:
    """Where the square that a model's preprocessing makes lies on a picture of `size`.

    Left, top, right, bottom, the last two exclusive; with "pad" it reaches beyond the picture.
    """
    if fit == "squash":
        return 0, 0, *size
    side = min(size) if fit == "crop" else max(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return left, top, left + side, top + side


def heat_strip(width: int, height: int) -> Image.Image:
    """The colours from the most negative number, at the left, through 0 to the most positive."""
    share = np.broadcast_to(np.linspace(-1, 1, width), (height, width))
    return Image.fromarray(_coloured(np.full((height, width, 3), PAPER, np.float32), share))


def _smooth(heat: Floats, size: tuple[int, int]) -> Image.Image:
    """The map at `size`, without the steps of the windows that it was averaged from."""
    coarse = tuple(min(STEPS, length) for length in heat.shape[::-1])
    return (
        Image.fromarray(heat)
        .resize(coarse, Image.Resampling.BOX)
        .resize(size, Image.Resampling.BICUBIC)
    )


def _coloured(
    page: npt.NDArray[np.floating], share: npt.NDArray[np.floating]
) -> npt.NDArray[np.uint8]:
    """page (H, W, 3) 0..255 mixed with the colours by share (H, W) in -1..1."""
    colour = np.where((share > 0)[:, :, None], np.array(ABOVE), np.array(BELOW))
    weight = STRONGEST * np.clip(np.abs(share), 0, 1)[:, :, None]
    # Strokes stay darker than paper under the colour, yet dark parts take some of it too.
    tinted = colour * (GLOW + (1 - GLOW) * page / 255)
    mixed = page + (tinted - page) * weight
    coloured: npt.NDArray[np.uint8] = np.rint(mixed).astype(np.uint8)
    return coloured
