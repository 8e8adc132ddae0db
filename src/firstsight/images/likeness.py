"""What a picture looks like, in a few bits, and whether two pictures are nearly the same one."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.images.modes import flatten

__all__ = [
    "NEAR_BITS",
    "Likeness",
    "Picture",
    "as_image",
    "likeness",
    "near",
    "overlap",
    "perceptual_hash",
]

Picture = Image.Image | npt.NDArray[np.uint8]

_SIDE = 32
_FREQUENCIES = slice(1, 9)
# Of 255, between the channels of a pixel: grey pictures stored as colour JPEG have some.
_MOST_TINT = 8
# Of 64 bits, up to which two pictures are nearly the same whatever else is known of them. Of the 23
# million pairs of the snacks photographs 5 that are no byte duplicates differ by at most 8, and all
# 5 were found right by eye; of the 5 pairs at 10 bits 2 were. Drawings are alike anyway: of
# different ones 3 in a million pairs differ by at most 4.
NEAR_BITS = {"colour": 8, "grey": 2}
_SKETCH_SIDE = 96
_CUT_SHARES = (0.02, 0.04, 0.06, 0.08, 0.1)  # of the width and height
_CUT_PLACES = (0.0, 0.25, 0.5, 0.75, 1.0)  # how much of that on the left, or at the top
_NOT_UNLIKE = 0.6  # copies cut by a tenth have 0.67 and more, other photographs of a thing little


@dataclass(frozen=True)
class Likeness:
    """hashed: the perceptual hash, 64 bits. is_grey: no pixel has colour. sketch: the picture,
    grey and small, to be laid over another; None where nobody will.
    """

    hashed: int
    is_grey: bool
    sketch: Image.Image | None = field(default=None, repr=False, compare=False)


def likeness(picture: Picture) -> Likeness:
    """Of an upright picture; an array is (H, W), (H, W, 1) or (H, W, 3) uint8."""
    image = as_image(picture)
    is_grey = image.mode in ("1", "L") or _tint(flatten(image, "RGB")) <= _MOST_TINT
    return Likeness(perceptual_hash(image), is_grey, _sketch(image))


def overlap(a: Likeness, b: Likeness) -> float:
    """How well two pictures lie over each other, in -1..1; nan where one has no sketch.

    The correlation of their pixels at 32 x 32, the best over cutting up to a tenth of the width
    and height off either, where whole they are not quite unlike. One of a single colour overlaps
    nothing: 0.
    """
    if a.sketch is None or b.sketch is None:
        return float("nan")
    whole = float(_pixels([_cut(a.sketch)])[0] @ _pixels([_cut(b.sketch)])[0])
    if whole < _NOT_UNLIKE:
        return whole
    cut_a, cut_b = _pixels(_cuttings(a.sketch)), _pixels(_cuttings(b.sketch))
    return float(max((cut_a @ cut_b[0]).max(), (cut_b @ cut_a[0]).max()))


def near(a: int, b: int, *, bits: int) -> bool:
    """Whether two perceptual hashes differ by at most `bits`."""
    return (a ^ b).bit_count() <= bits


def perceptual_hash(picture: Picture) -> int:
    """64 bits that hardly change when a picture is saved again or made smaller.

    The signs, about their median, of the 8 x 8 lowest frequencies that are no mean, of the picture
    at 32 x 32 (Zauner 2010, Implementation and Benchmarking of Perceptual Image Hash Functions,
    section 3.2.1, without its blurring).
    """
    small = _shrunk(flatten(as_image(picture), "L"))
    waves = _cosine_waves()
    frequencies = waves @ np.asarray(small, np.float64) @ waves.T
    bits = np.packbits(frequencies > np.median(frequencies))
    return int.from_bytes(bits.tobytes())


def as_image(picture: Picture) -> Image.Image:
    if isinstance(picture, Image.Image):
        return picture
    flat = picture[:, :, 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    return Image.fromarray(np.ascontiguousarray(flat))


def _tint(image: Image.Image) -> int:
    """The largest difference between the channels of a pixel, of the picture at 32 x 32."""
    return int(np.ptp(np.asarray(_shrunk(image)), axis=2).max())


def _shrunk(image: Image.Image) -> Image.Image:
    return image.resize((_SIDE, _SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0)


def _sketch(image: Image.Image) -> Image.Image:
    side = (_SKETCH_SIDE, _SKETCH_SIDE)
    return flatten(image, "L").resize(side, Image.Resampling.BOX, reducing_gap=3.0)


def _cuttings(sketch: Image.Image) -> list[Image.Image]:
    """The sketch at 32 x 32, whole first, then cut at its edges."""
    cut = [_cut(sketch)]
    for share, left, top in product(_CUT_SHARES, _CUT_PLACES, _CUT_PLACES):
        cut.append(_cut(sketch, share, left, top))
    return cut


def _cut(
    sketch: Image.Image, share: float = 0.0, left: float = 0.0, top: float = 0.0
) -> Image.Image:
    """Without a share of the width and height; left, top: how much of it on these sides."""
    x, y, side = (_SKETCH_SIDE * each for each in (share * left, share * top, 1 - share))
    box = (x, y, x + side, y + side)
    return sketch.resize((_SIDE, _SIDE), Image.Resampling.BOX, box=box)


def _pixels(pictures: list[Image.Image]) -> npt.NDArray[np.float64]:
    """(N, 32 * 32) pixels of each, centred and of length 1; of a single colour 0."""
    pixels = np.stack([np.asarray(each, np.float64).ravel() for each in pictures])
    pixels -= pixels.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(pixels, axis=1, keepdims=True)
    units: npt.NDArray[np.float64] = pixels / np.where(lengths > 0, lengths, 1)
    return units


def _cosine_waves() -> npt.NDArray[np.float64]:
    """(8, 32): the discrete cosine transform's rows for the frequencies that are kept."""
    frequency = np.arange(_SIDE)[_FREQUENCIES, None]
    place = np.arange(_SIDE)[None]
    return np.cos(np.pi * (2 * place + 1) * frequency / (2 * _SIDE))
