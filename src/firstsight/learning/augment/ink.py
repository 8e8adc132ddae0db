"""Thicker and thinner strokes: another pen, another pressure."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

__all__ = ["StrokeThickness", "thickened"]


class StrokeThickness:
    """Every picture of (B, C, H, W) draws how much its strokes, the bright part, grow or shrink.

    most_px: up to this much on each side of a stroke, uniformly, either way.
    """

    def __init__(self, most_px: float) -> None:
        self.most_px = most_px

    def __call__(self, pictures: Tensor, generator: Generator | None = None) -> Tensor:
        draws = torch.rand(len(pictures), device=pictures.device, generator=generator)
        return thickened(pictures, (2 * draws - 1) * self.most_px)


def thickened(pictures: Tensor, by_px: Tensor) -> Tensor:
    """Grow (or, below 0, shrink) what is bright in each of (B, C, H, W) by its `by_px` (B,).

    Whole pixels by the largest (smallest) of the 3x3 pixels around, once each; the rest of a pixel
    by going that share of one more such step.
    """
    grown = _stepwise(pictures, by_px.clamp(min=0))
    # Shrinking what is bright is growing what is dark.
    return -_stepwise(-grown, (-by_px).clamp(min=0))


def _stepwise(pictures: Tensor, by_px: Tensor) -> Tensor:
    for step in range(int(torch.ceil(by_px.max()))):
        share = (by_px - step).clamp(0, 1).view(-1, 1, 1, 1)
        pictures = torch.lerp(pictures, F.max_pool2d(pictures, 3, stride=1, padding=1), share)
    return pictures
