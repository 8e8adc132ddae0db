"""Where a picture has blobs, and how large they are: extrema of its scale space.

Lowe, Distinctive Image Features from Scale-Invariant Keypoints (IJCV 2004), sections 3 and 4: a
picture is blurred more and more, what one blur takes away is a difference of Gaussians, and an
extremum of that among its neighbours in place and scale is a blob of known size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Blobs", "Octave", "find_blobs", "octaves_of", "sigma_at"]

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]
Ufunc = Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.NDArray[Any]]

SIGMA = 1.6  # blur of an octave's first image, in its pixels
BLUR_OF_A_PICTURE = 0.5  # what a photograph has of itself
PER_OCTAVE = 3  # scales that double the blur
LEAST_SIDE = 16  # pixels of the smallest octave
LEAST_CONTRAST = 0.01  # of a blob, greys being 0..1
MOST_CURVED = 10.0  # of an edge along and across; a blob beyond it may lie anywhere along the edge
FARTHEST = 0.6  # steps from the grid to the extremum of the parabola through it


@dataclass(frozen=True, eq=False)
class Octave:
    """pixel: the side of one of its pixels, in the picture's. images: PER_OCTAVE + 3 of (H, W),
    each blurred more than the last."""

    pixel: float
    images: list[Floats] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Blobs:
    """N blobs. octave, level: (N,) the image that each is seen in best. y, x: (N,) there, in its
    pixels. scale: (N,) the level between levels. contrast: (N,) of the difference of Gaussians.
    """

    octave: Indices
    level: Indices
    y: Floats
    x: Floats
    scale: Floats
    contrast: Floats

    def __len__(self) -> int:
        return len(self.y)

    def joined_by(self, others: Blobs) -> Blobs:
        return Blobs(
            np.concatenate([self.octave, others.octave]),
            np.concatenate([self.level, others.level]),
            np.concatenate([self.y, others.y]),
            np.concatenate([self.x, others.x]),
            np.concatenate([self.scale, others.scale]),
            np.concatenate([self.contrast, others.contrast]),
        )

    def at(self, rows: Indices) -> Blobs:
        return Blobs(
            self.octave[rows],
            self.level[rows],
            self.y[rows],
            self.x[rows],
            self.scale[rows],
            self.contrast[rows],
        )


def sigma_at(scale: Floats) -> Floats:
    """The blur at a level, in the pixels of its octave."""
    return np.asarray(SIGMA * np.exp2(scale / PER_OCTAVE), np.float32)


def octaves_of(grey: npt.NDArray[np.uint8]) -> list[Octave]:
    """grey: (H, W). None where it is smaller than LEAST_SIDE."""
    image = _blurred((grey / 255).astype(np.float32), (SIGMA**2 - BLUR_OF_A_PICTURE**2) ** 0.5)
    step = 2 ** (1 / PER_OCTAVE)
    found = list[Octave]()
    while min(image.shape) >= LEAST_SIDE:
        images = [image]
        for level in range(PER_OCTAVE + 2):
            more = SIGMA * step**level * (step**2 - 1) ** 0.5
            images.append(_blurred(images[-1], more))
        found.append(Octave(2.0 ** len(found), images))
        image = np.ascontiguousarray(images[PER_OCTAVE][::2, ::2])
    return found


def find_blobs(octaves: list[Octave], most: int) -> Blobs:
    """Those of the most contrast, falling."""
    none = np.zeros(0, np.float32)
    found = Blobs(none.astype(np.intp), none.astype(np.intp), none, none, none, none)
    for number, octave in enumerate(octaves):
        found = found.joined_by(_blobs_of(number, octave))
    return found.at(np.argsort(-found.contrast, kind="stable")[:most])


def _blobs_of(number: int, octave: Octave) -> Blobs:
    differences = np.stack([b - a for a, b in zip(octave.images, octave.images[1:], strict=False)])
    level, y, x = _extrema(differences, LEAST_CONTRAST / 2)
    offset, contrast, good = _refined(differences, level, y, x)
    good &= contrast >= LEAST_CONTRAST
    level, y, x, offset = level[good], y[good], x[good], offset[good]
    down, right, up = (offset[:, axis].astype(np.float32) for axis in (1, 2, 0))
    octaves = np.full(len(y), number, np.intp)
    return Blobs(
        octaves,
        level,
        (y + down).astype(np.float32),
        (x + right).astype(np.float32),
        (level + up).astype(np.float32),
        contrast[good],
    )


def _extrema(stack: Floats, least: float) -> tuple[Indices, Indices, Indices]:
    """Where an inner value of (S, H, W) is beyond its 26 neighbours and beyond +-least."""
    inner = stack[1:-1, 1:-1, 1:-1]
    high = (inner > least) & (inner >= _of_neighbours(stack, np.maximum))
    low = (inner < -least) & (inner <= _of_neighbours(stack, np.minimum))
    level, y, x = np.nonzero(high | low)
    return level + 1, y + 1, x + 1


def _of_neighbours(stack: Floats, best: Ufunc) -> Floats:
    over = best(best(stack[:-2], stack[1:-1]), stack[2:])
    over = best(best(over[:, :-2], over[:, 1:-1]), over[:, 2:])
    return best(best(over[:, :, :-2], over[:, :, 1:-1]), over[:, :, 2:])


def _refined(
    stack: Floats, level: Indices, y: Indices, x: Indices
) -> tuple[npt.NDArray[np.float64], Floats, npt.NDArray[np.bool_]]:
    """(N, 3) how far from the grid each extremum lies, its (N,) contrast there, and whether it is
    a blob rather than an edge: section 4 and equation (2)."""

    def value(by_level: int, by_y: int, by_x: int) -> npt.NDArray[np.float64]:
        return stack[level + by_level, y + by_y, x + by_x].astype(np.float64)

    axes = np.eye(3, dtype=int).tolist()
    here = value(0, 0, 0)
    ahead, behind = [value(*axis) for axis in axes], [value(*(-i for i in axis)) for axis in axes]
    slope = np.stack([(a - b) / 2 for a, b in zip(ahead, behind, strict=True)], axis=1)
    bend = np.empty((len(y), 3, 3))
    for i in range(3):
        bend[:, i, i] = ahead[i] + behind[i] - 2 * here
        for j in range(i):
            both = [a + b for a, b in zip(axes[i], axes[j], strict=True)]
            one = [a - b for a, b in zip(axes[i], axes[j], strict=True)]
            same = value(*both) + value(*(-k for k in both))
            other = value(*one) + value(*(-k for k in one))
            bend[:, i, j] = bend[:, j, i] = (same - other) / 4
    # A hair on the diagonal: a flat place has no inverse.
    offset = -np.linalg.solve(bend + 1e-9 * np.eye(3), slope[:, :, None])[:, :, 0]
    offset = np.clip(offset, -FARTHEST, FARTHEST)
    contrast = np.abs(here + (slope * offset).sum(axis=1) / 2).astype(np.float32)
    trace = bend[:, 1, 1] + bend[:, 2, 2]
    area = bend[:, 1, 1] * bend[:, 2, 2] - bend[:, 1, 2] ** 2
    is_blob = (area > 0) & (trace**2 * MOST_CURVED < (MOST_CURVED + 1) ** 2 * area)
    return offset, contrast, is_blob


def _blurred(image: Floats, sigma: float) -> Floats:
    """By a Gaussian, its edge pixels going on outside."""
    radius = int(np.ceil(3 * sigma))
    exact = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    weights = (exact / exact.sum()).astype(np.float32)
    for axis in (0, 1):
        width = [(0, 0), (0, 0)]
        width[axis] = (radius, radius)
        wide = np.moveaxis(np.pad(image, width, mode="edge"), axis, 0)
        n = image.shape[axis]
        blurred: Floats = weights[radius] * wide[radius : radius + n]
        for i in range(radius):
            blurred += weights[i] * (wide[i : i + n] + wide[2 * radius - i : 2 * radius - i + n])
        image = np.moveaxis(blurred, 0, axis)
    return image
