"""What is likely to be wrong with a picture, and whether two pictures are nearly the same one.

The limits were measured with this code on 1,500 photos of snacks, 400 faces (AT&T) and 3,000
Omniglot drawings, as they are and spoilt on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.images.modes import flatten

__all__ = ["Flaw", "FlawKind", "near", "perceptual_hash", "picture_flaws"]

FlawKind = Literal["tiny", "blank", "dark", "bright", "blurred"]
Picture = Image.Image | npt.NDArray[np.uint8]
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

_HASHED_SIDE = 32
_FREQUENCIES = slice(1, 9)
# Of 64 bits. Saved again as JPEG (quality 30 to 75, half to full size) 99 % of photos and drawings
# differ by at most 4; of pairs of different drawings 3 in a million do, of photos none in 180,000.
_NEAR = 4


@dataclass(frozen=True)
class Flaw:
    """told: one phrase for a person, without the picture's name."""

    kind: FlawKind
    told: str


def picture_flaws(picture: Picture) -> list[Flaw]:
    """What a person would better do again: tiny, blank, too dark or bright, blurred.

    picture: upright, as `Reading.image` gives it; an array is (H, W), (H, W, 1) or (H, W, 3) uint8.
    """
    image = _as_grey(picture)
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


def perceptual_hash(picture: Picture) -> int:
    """64 bits that hardly change when a picture is saved again or made smaller.

    The signs, about their median, of the 8 x 8 lowest frequencies that are no mean, of the picture
    at 32 x 32 (Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions,
    section 3.2.1, without its blurring).
    """
    small = _as_grey(picture).resize(
        (_HASHED_SIDE, _HASHED_SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0
    )
    waves = _cosine_waves()
    frequencies = waves @ np.asarray(small, np.float64) @ waves.T
    bits = np.packbits(frequencies > np.median(frequencies))
    return int.from_bytes(bits.tobytes())


def near(a: int, b: int, *, bits: int = _NEAR) -> bool:
    """Whether two perceptual hashes differ by at most `bits`: nearly the same picture."""
    return (a ^ b).bit_count() <= bits


def _as_grey(picture: Picture) -> Image.Image:
    if isinstance(picture, np.ndarray):
        flat = picture[:, :, 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
        picture = Image.fromarray(np.ascontiguousarray(flat))
    return flatten(picture, "L")


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


def _cosine_waves() -> npt.NDArray[np.float64]:
    """(8, 32): the discrete cosine transform's rows for the frequencies that are kept."""
    frequency = np.arange(_HASHED_SIDE)[_FREQUENCIES, None]
    place = np.arange(_HASHED_SIDE)[None]
    return np.cos(np.pi * (2 * place + 1) * frequency / (2 * _HASHED_SIDE))
