"""Other photographs of what a picture shows, made from that picture alone.

The thing is shown larger or smaller, turned, leaning, before another background, in another light
and less sharp: what a second photograph of it would most likely change.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from firstsight.learning.augment.affine import AffineDistortion, AffineRanges
from firstsight.learning.augment.photo import PhotoRanges, PhotoVariation

__all__ = ["OtherViews"]

_PLACING = AffineRanges(
    rotation_deg=20, shear=0.15, scale=(0.6, 1.5), shift=0.12, elastic=0.01, keep_aspect=True
)
_LIGHT = PhotoRanges(brightness=0.35, contrast=0.3, saturation=0.3, hue=0.02)
_PLAIN_SHARE = 1 / 3
_BLUR_SHARE = 1 / 2
_BLUR = (0.5, 1.5)  # standard deviation in px at 224


class OtherViews:
    """Pictures (B, 3, S, S), normalised, B at least 2, to one other view of each.

    mean, deviation: what they were normalised by. All draws come from torch's global generator.
    """

    def __init__(self, size: int, mean: Sequence[float], deviation: Sequence[float]) -> None:
        self._place = AffineDistortion(_PLACING)
        self._light = PhotoVariation(_LIGHT, size, mean, deviation)
        self._blur_unit = size / 224

    def __call__(self, pictures: Tensor) -> Tensor:
        n = len(pictures)
        covered = torch.ones_like(pictures[:, :1])
        placed = self._place(torch.cat([pictures, covered], 1))
        thing, covers = placed[:, :3], placed[:, 3:]
        # `thing` is zero outside and fades over its edge already.
        view = thing + (1 - covers) * self._backgrounds(pictures)
        view = self._light(view)
        sigma = torch.empty(n, 1).uniform_(*_BLUR).expand(n, 2) * self._blur_unit
        blurred = gaussian_blur2d(view, 9, sigma.to(view), separable=True)
        return torch.where(_some(n, _BLUR_SHARE).to(view.device), blurred, view)

    @staticmethod
    def _backgrounds(pictures: Tensor) -> Tensor:
        """Other pictures of the batch, or one plain grey between black and white."""
        n = len(pictures)
        others = pictures.roll(int(torch.randint(1, n, ())), 0)
        lightest, darkest = pictures.amax(), pictures.amin()
        plain = darkest + (lightest - darkest) * torch.rand(n, 1, 1, 1).to(pictures)
        return torch.where(_some(n, _PLAIN_SHARE).to(pictures.device), plain, others)


def _some(n: int, share: float) -> Tensor:
    return torch.rand(n, 1, 1, 1) < share
