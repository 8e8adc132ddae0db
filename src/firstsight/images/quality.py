"""What is likely to be wrong with a picture.

The limits were measured with this code on 1,500 photos of snacks, 400 faces (AT&T) and 3,000
Omniglot drawings, as they are and spoilt on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.images.likeness import Picture, as_image
from firstsight.images.modes import flatten

__all__ = ["Flaw", "FlawKind", "picture_flaws"]

FlawKind = Literal["tiny", "blank", "dark", "bright", "blurred"]
Grey = npt.NDArray[np.float32]  # (H, W), 0 black to 1 white

_JUDGED_SIDE = 256  # px of the longest side; sharpness means something at a fixed size only
_SMALLEST_SIDE = 24  # px; the smallest pictures that people train on (MNIST) have 28
# Brightness of the lightest and the darkest spot, 3 x 3 px. Photos reach at least 0.51 and at
# most 0.45; at a quarter of the light at most 0.25, washed out to a quarter at least 0.75.
_DARK, _BRIGHT = 0.3, 0.7
# Standard deviation of brightness. Photos have at least 0.056, drawings 0.09.
_BLANK = 0.04
_NO_RANGE = 0.06  # between the darkest and the lightest spot: not even a badly lit thing
# Deviation of the Laplacian over that of the brightness. Below it fall 1 of 1,500 photos, no face,
# no drawing (those have at least 0.92); blurred by 2 px, 95 % of the photos and every face.
_BLURRED = 0.10


@dataclass(frozen=True)
class Flaw:
    """told: one phrase for a person, without the picture's name."""

    kind: FlawKind
    told: str


def picture_flaws(picture: Picture) -> list[Flaw]:
    """What a person would better do again: tiny, blank, too dark or bright, blurred.

    picture: upright, as `Reading.image` gives it; an array is (H, W), (H, W, 1) or (H, W, 3) uint8.
    """
    image = flatten(as_image(picture), "L")
    if min(image.size) < _SMALLEST_SIDE:
        return [Flaw("tiny", "it is too small, or too narrow, to show much; give a larger one")]
    grey = _levels(image)
    spots = _spots(grey)
    darkest, lightest, contrast = float(spots.min()), float(spots.max()), float(grey.std())
    if lightest - darkest < _NO_RANGE:
        return [Flaw("blank", _BLANK_TOLD)]
    if lightest < _DARK:
        return [Flaw("dark", "it is very dark; take it with more light")]
    if darkest > _BRIGHT:
        return [Flaw("bright", "it is washed out; take it with less light")]
    if contrast < _BLANK:
        return [Flaw("blank", _BLANK_TOLD)]
    if _laplacian(grey).std() < _BLURRED * contrast:
        return [Flaw("blurred", "it is blurred; hold still and let the camera focus")]
    return []


_BLANK_TOLD = "it is nearly blank; fill the picture with the thing"


def _levels(image: Image.Image) -> Grey:
    """(H, W) in 0..1, the longest side at most 256; pictures are never enlarged."""
    ratio = _JUDGED_SIDE / max(image.size)
    if ratio < 1:
        width, height = (max(3, round(side * ratio)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(image).astype(np.float32) / np.float32(255)


def _spots(grey: Grey) -> Grey:
    """Means of 3 x 3 px: one hot pixel is no light."""
    rows = grey[:-2] + grey[1:-1] + grey[2:]
    means: Grey = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / np.float32(9)
    return means


def _laplacian(grey: Grey) -> Grey:
    """How much each pixel differs from its four neighbours (H - 2, W - 2)."""
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    result: Grey = around - 4 * grey[1:-1, 1:-1]
    return result
