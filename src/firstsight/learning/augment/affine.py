"""Random affine and elastic distortion of a whole batch at once, on the training device."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

__all__ = ["AffineDistortion", "AffineRanges"]

GRID_POINTS = 5  # of the elastic displacement, along each side


@dataclass(frozen=True)
class AffineRanges:
    """How far each component may go; every picture draws its own, uniformly.

    rotation_deg: up to this many degrees either way.
    shear: up to this either way, for x and y apart.
    scale: (lowest, highest), for x and y apart unless `keep_aspect`.
    shift: up to this share of the picture's side either way, for x and y apart.
    elastic: standard deviation of a smooth displacement, as a share of the picture's side
        (Simard, Steinkraus and Platt 2003, with a coarse grid in place of their blur).
    probability: each of the affine components takes part with this probability, on its own.
    """

    rotation_deg: float = 0.0
    shear: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shift: float = 0.0
    elastic: float = 0.0
    probability: float = 1.0
    keep_aspect: bool = False


class AffineDistortion:
    """Warps (B, C, H, W) pictures about their centre; what comes in from outside is zero."""

    def __init__(self, ranges: AffineRanges) -> None:
        self.ranges = ranges

    def __call__(self, pictures: Tensor, generator: Generator | None = None) -> Tensor:
        matrices = self.matrices(len(pictures), pictures.device, generator)
        grid = F.affine_grid(matrices, list(pictures.shape), align_corners=False)
        if self.ranges.elastic:
            grid = grid + self.displacements(pictures, generator)
        return F.grid_sample(pictures, grid.to(pictures.dtype), align_corners=False)

    def displacements(self, pictures: Tensor, generator: Generator | None = None) -> Tensor:
        """(B, H, W, 2): how far beside its place each point is fetched from, drawn on a grid."""
        n, _, height, width = pictures.shape
        # Normal numbers on few points, joined smoothly: neighbouring strokes move together.
        drawn = torch.randn(
            n, 2, GRID_POINTS, GRID_POINTS, device=pictures.device, generator=generator
        )
        smooth = F.interpolate(drawn, (height, width), mode="bicubic", align_corners=True)
        # As in `matrices`, a whole side is 2.
        return smooth.permute(0, 2, 3, 1) * (2 * self.ranges.elastic)

    def matrices(self, n: int, device: torch.device, generator: Generator | None = None) -> Tensor:
        """(n, 2, 3): where each output point is fetched from, in affine_grid's coordinates.

        The picture goes through scale, shear, rotation and shift, in this order; this is the
        inverse map.
        """
        ranges = self.ranges
        # Rows: rotation, shear x, shear y, scale x, scale y, shift x, shift y; in -1..1.
        draws = torch.rand(7, n, device=device, generator=generator) * 2 - 1
        taken = torch.rand(7, n, device=device, generator=generator) < ranges.probability
        if ranges.keep_aspect:
            draws[4], taken[4] = draws[3], taken[3]
        angle = draws[0] * taken[0] * math.radians(ranges.rotation_deg)
        shear = draws[1:3] * taken[1:3] * ranges.shear
        low, high = ranges.scale
        scale = torch.where(taken[3:5], low + (draws[3:5] + 1) / 2 * (high - low), 1.0)
        # affine_grid measures from -1 to 1: a whole side is 2.
        shift = draws[5:7] * taken[5:7] * ranges.shift * 2
        forward = _rotation(angle) @ _shear(shear) @ torch.diag_embed(scale.T)
        inverse = torch.linalg.inv(forward)
        return torch.cat([inverse, -inverse @ shift.T[:, :, None]], dim=2)


def _rotation(angle: Tensor) -> Tensor:
    """(n,) radians to (n, 2, 2)."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    return torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)


def _shear(shear: Tensor) -> Tensor:
    """(2, n) to (n, 2, 2)."""
    one = torch.ones_like(shear[0])
    return torch.stack([torch.stack([one, shear[0]], 1), torch.stack([shear[1], one], 1)], 1)
