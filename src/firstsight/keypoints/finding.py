"""Keypoints: the blobs of a picture, each with a direction and a description of what is around it.

Lowe (IJCV 2004), sections 5 and 6; compared as Arandjelović and Zisserman do, by the square roots
of a description's shares (Three Things Everyone Should Know to Improve Object Retrieval, CVPR
2012): RootSIFT.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.keypoints.scales import find_blobs, octaves_of, sigma_at

__all__ = ["FORMAT", "Keypoints", "find_keypoints"]

Floats = npt.NDArray[np.float32]

FORMAT = 2  # of `to_bytes`, and of what is found: what another found is found anew
MOST = 250  # keypoints of a picture
LONGEST_SIDE = 384  # pixels; as large as pictures are kept
COLOURS = 32  # pixels of the longest side of what is kept of the colours

GREY = 4  # of 255, that red, green and blue of a picture without colours differ by
DIRECTIONS = 36  # of a histogram
NEARLY_THE_MOST = 0.8  # of its highest peak: a second direction
REACH = 4.5  # sigmas around a blob that its direction is seen from
SQUARES, BINS = 4, 8  # a description: so many squares a side, so many directions in each
SQUARE = 3.0  # sigmas a side
MOST_OF_ONE = 0.2  # what a bright edge may be of a description of length 1

_AROUND = np.linspace(-REACH, REACH, 17, dtype=np.float32)
_AROUND_Y, _AROUND_X = (axis.ravel() for axis in np.meshgrid(_AROUND, _AROUND, indexing="ij"))
_NEAR = np.exp(-(_AROUND_Y**2 + _AROUND_X**2) / (2 * 1.5**2))

# 16 x 16 places in a description's frame, in squares from its middle; each counts for the squares
# that it is near to, less towards the rim.
_PLACES = (np.arange(16, dtype=np.float32) - 7.5) / 4
_PLACE_Y, _PLACE_X = (axis.ravel() for axis in np.meshgrid(_PLACES, _PLACES, indexing="ij"))
_MIDDLES = np.arange(SQUARES, dtype=np.float32) - 1.5
_BY_Y, _BY_X = (
    np.maximum(0, 1 - np.abs(place[:, None] - _MIDDLES)) for place in (_PLACE_Y, _PLACE_X)
)
_RIM = np.exp(-(_PLACE_Y**2 + _PLACE_X**2) / (2 * (SQUARES / 2) ** 2))
_SQUARES_OF = (_BY_Y[:, :, None] * _BY_X[:, None, :]).reshape(-1, SQUARES**2) * _RIM[:, None]

_LENGTH = SQUARES**2 * BINS
_NO_DESCRIPTIONS = np.zeros((0, _LENGTH), np.uint8)
_FINE = 512.0  # a description's root is below 1/2, mostly: as a byte


@dataclass(frozen=True, eq=False)
class Keypoints:
    """N of one picture.

    at: (N, 2) x and y from the picture's middle, its longest side being 1. size: (N,) sigma, in the
    same unit. angle: (N,) radians, clockwise from the right as the picture is seen.
    descriptions: (N, 128) uint8, 512 times the square root of each one's shares. colours: (H, W, 3)
    uint8, the picture made very small.
    """

    at: Floats
    size: Floats
    angle: Floats
    descriptions: npt.NDArray[np.uint8]
    colours: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.at)

    @cached_property
    def roots(self) -> Floats:
        """(N, 128) of length 1, or 0 where there was nothing to describe."""
        roots = self.descriptions.astype(np.float32)
        length = np.linalg.norm(roots, axis=1, keepdims=True)
        return np.asarray(roots / np.maximum(length, 1), np.float32)

    @cached_property
    def is_grey(self) -> bool:
        """Whether it was taken without colours, but for what JPEG adds."""
        return bool(np.ptp(self.colours.astype(np.int16), axis=2).max(initial=0) <= GREY)

    @property
    def reach(self) -> Floats:
        """(2,) the largest x and y, of its edges."""
        height, width = self.colours.shape[:2]
        return np.asarray(np.array([width, height]) / (2 * max(height, width)), np.float32)

    def colours_at(self, places: Floats) -> Floats:
        """(N, 3) red, green and blue, 0..1, of (N, 2) places, between the pixels."""
        height, width = self.colours.shape[:2]
        pixels = places * max(height, width) + (np.array([width, height]) - 1) / 2
        channels = (self.colours[:, :, c].astype(np.float32) / 255 for c in range(3))
        return np.stack([_between(each, pixels[:, 1], pixels[:, 0]) for each in channels], axis=1)

    def to_bytes(self) -> bytes:
        shape = bytes(self.colours.shape[:2])
        where = np.column_stack([self.at, self.size, self.angle]).astype("<f4")
        return shape + self.colours.tobytes() + where.tobytes() + self.descriptions.tobytes()

    @classmethod
    def from_bytes(cls, packed: bytes) -> Keypoints:
        """Raises ValueError for anything that `to_bytes` does not write."""
        height, width = packed[:2].ljust(2, b"\0")
        begin = 2 + height * width * 3
        n, rest = divmod(len(packed) - begin, 16 + _LENGTH)
        if (
            rest
            or not 0 <= n <= MOST
            or not 2 <= min(height, width) <= max(height, width) <= COLOURS
        ):
            raise ValueError(f"{len(packed)} bytes are no whole number of keypoints up to {MOST}")
        colours = np.frombuffer(packed, np.uint8, begin - 2, offset=2).reshape(height, width, 3)
        where = np.frombuffer(packed, "<f4", 4 * n, offset=begin).reshape(n, 4).astype(np.float32)
        if not np.isfinite(where).all() or (where[:, 2] <= 0).any():
            raise ValueError("a keypoint lies nowhere")
        descriptions = np.frombuffer(packed, np.uint8, offset=begin + 16 * n).reshape(n, _LENGTH)
        return cls(where[:, :2], where[:, 2], where[:, 3], descriptions, colours)


def find_keypoints(image: Image.Image, most: int = MOST) -> Keypoints:
    """Those of the most contrast, falling; the longest side is at most LONGEST_SIDE for it."""
    small = image.convert("L")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    grey = np.asarray(small)
    octaves = octaves_of(grey)
    blobs = find_blobs(octaves, most)
    places, sizes, angles, contrasts = (list[Floats]() for _ in range(4))
    descriptions = list[npt.NDArray[np.uint8]]()
    seen_in = blobs.octave * 100 + blobs.level
    for group in np.unique(seen_in):
        own = blobs.at(np.flatnonzero(seen_in == group))
        octave = octaves[group // 100]
        slopes = _slopes(octave.images[group % 100])
        sigma = sigma_at(own.scale)
        row, angle = _directions(slopes, own.y, own.x, sigma)
        own, sigma = own.at(row), sigma[row]
        descriptions.append(_described(slopes, own.y, own.x, sigma, angle))
        places.append(np.column_stack([own.x, own.y]) * octave.pixel)
        sizes.append(sigma * octave.pixel)
        angles.append(angle)
        contrasts.append(own.contrast)
    colours = _made_small(image)
    if not places:
        none = np.zeros(0, np.float32)
        return Keypoints(none.reshape(0, 2), none, none, _NO_DESCRIPTIONS, colours)
    contrast = np.concatenate(contrasts)
    kept = np.argsort(-contrast, kind="stable")[:most]
    middle, side = (np.array(small.size, np.float32) - 1) / 2, max(small.size)
    return Keypoints(
        ((np.concatenate(places)[kept] - middle) / side).astype(np.float32),
        (np.concatenate(sizes)[kept] / side).astype(np.float32),
        np.concatenate(angles)[kept].astype(np.float32),
        np.concatenate(descriptions)[kept],
        colours,
    )


def _made_small(image: Image.Image) -> npt.NDArray[np.uint8]:
    """(H, W, 3), the longest side COLOURS, the other 2 at least; each pixel the mean of its own."""
    share = COLOURS / max(image.size)
    width, height = (max(2, round(side * share)) for side in image.size)
    small = image.convert("RGB").resize((width, height), Image.Resampling.BOX)
    return np.asarray(small, np.uint8)


def _slopes(image: Floats) -> npt.NDArray[np.complex64]:
    """(H, W): how grey changes to the right, and downwards as the imaginary part."""
    slopes = np.zeros(image.shape, np.complex64)
    slopes.real[:, 1:-1] = image[:, 2:] - image[:, :-2]
    slopes.imag[1:-1] = image[2:] - image[:-2]
    return slopes


def _between(values: npt.NDArray[Any], y: Floats, x: Floats) -> npt.NDArray[Any]:
    """Of (H, W), at places between the pixels, whatever their shape; outside as at the edge.

    H, W: 2 at least.
    """
    height, width = values.shape
    y, x = np.clip(y, 0, height - 1.001), np.clip(x, 0, width - 1.001)
    row, column = y.astype(np.intp), x.astype(np.intp)
    down, right = (y - row).astype(np.float32), (x - column).astype(np.float32)
    at = partial(np.take, values.ravel())
    first = row * width + column
    above = at(first) * (1 - right) + at(first + 1) * right
    below = at(first + width) * (1 - right) + at(first + width + 1) * right
    return np.asarray(above * (1 - down) + below * down, values.dtype)


def _directions(
    slopes: npt.NDArray[np.complex64], y: Floats, x: Floats, sigma: Floats
) -> tuple[npt.NDArray[np.intp], Floats]:
    """Rows and angles of the directions that most slopes around a blob have: one or more each."""
    around = _between(
        slopes, y[:, None] + _AROUND_Y * sigma[:, None], x[:, None] + _AROUND_X * sigma[:, None]
    )
    exact = np.angle(around) * (DIRECTIONS / (2 * np.pi))
    below = np.floor(exact)
    share = exact - below
    weight = np.abs(around) * _NEAR
    first = np.arange(len(y))[:, None] * DIRECTIONS
    counted = np.zeros(len(y) * DIRECTIONS)
    for add, part in ((0, 1 - share), (1, share)):
        direction = first + (below.astype(np.intp) + add) % DIRECTIONS
        counted += np.bincount(direction.ravel(), (weight * part).ravel(), counted.size)
    histogram = counted.reshape(len(y), DIRECTIONS)
    for _ in range(2):
        histogram = (np.roll(histogram, 1, 1) + histogram + np.roll(histogram, -1, 1)) / 3
    left, right = np.roll(histogram, 1, 1), np.roll(histogram, -1, 1)
    high = histogram >= NEARLY_THE_MOST * histogram.max(axis=1, keepdims=True)
    row, peak = np.nonzero((histogram > left) & (histogram >= right) & high)
    a, b, c = (side[row, peak] for side in (left, histogram, right))
    top = peak + 0.5 * (a - c) / (a - 2 * b + c)
    return row, (top * (2 * np.pi / DIRECTIONS)).astype(np.float32)


def _described(
    slopes: npt.NDArray[np.complex64], y: Floats, x: Floats, sigma: Floats, angle: Floats
) -> npt.NDArray[np.uint8]:
    """(N, 128): how much grey changes in which direction, square by square, seen from `angle`."""
    side = SQUARE * sigma[:, None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    down = np.asarray(side * (sin * _PLACE_X + cos * _PLACE_Y), np.float32)
    right = np.asarray(side * (cos * _PLACE_X - sin * _PLACE_Y), np.float32)
    around = _between(slopes, y[:, None] + down, x[:, None] + right)
    turned = (np.angle(around) - angle[:, None]) * (BINS / (2 * np.pi)) % BINS
    apart = np.abs(turned[:, :, None] - np.arange(BINS, dtype=np.float32))
    shares = np.maximum(0, 1 - np.minimum(apart, BINS - apart))
    slope = (np.abs(around)[:, :, None] * shares).astype(np.float32)
    described = np.matmul(_SQUARES_OF.T.astype(np.float32), slope).reshape(-1, _LENGTH)
    tiny = np.float32(1e-9)
    described /= np.linalg.norm(described, axis=1, keepdims=True) + tiny
    described = np.minimum(described, MOST_OF_ONE)
    described /= described.sum(axis=1, keepdims=True) + tiny
    return np.asarray(np.minimum(np.rint(_FINE * np.sqrt(described)), 255), np.uint8)
