"""Other photographs of what a picture shows, made from that picture alone.

The thing is shown larger or smaller, turned, leaning, before another background, in another light
and less sharp: what a second photograph of it would most likely change. In the wild it is also seen
from the side, in coloured light and from far away.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from kornia.augmentation import RandomPerspective
from kornia.filters import gaussian_blur2d
from torch import Tensor

from firstsight.learning.augment.affine import AffineDistortion, AffineRanges
from firstsight.learning.augment.photo import PhotoRanges, PhotoVariation

__all__ = ["OtherViews", "SomeOtherViews"]

_PLACING = AffineRanges(
    rotation_deg=20, shear=0.15, scale=(0.6, 1.5), shift=0.12, elastic=0.01, keep_aspect=True
)
_LIGHT = PhotoRanges(brightness=0.35, contrast=0.3, saturation=0.3, hue=0.02)
_PLAIN_SHARE = 1 / 3
_BLUR_SHARE = 1 / 2
_BLUR = (0.5, 1.5)  # standard deviation in px at 224
# In the wild.
_LEAN, _LEANING_SHARE = 0.4, 0.7
_GAIN, _OFFSET = (0.75, 1.25), (-0.15, 0.15)  # of each colour, as normalised
_FAR, _FAR_SHARE = (0.25, 0.67), 0.3  # sides of the picture that are left


class OtherViews:
    """Pictures (B, 3, S, S), normalised, B at least 2, to one other view of each.

    mean, deviation: what they were normalised by. in_the_wild: see above. All draws come from
    torch's global generator.
    """

    def __init__(
        self,
        size: int,
        mean: Sequence[float],
        deviation: Sequence[float],
        *,
        in_the_wild: bool = False,
    ) -> None:
        self._wild = in_the_wild
        self._lean = RandomPerspective(_LEAN, p=_LEANING_SHARE)
        self._place = AffineDistortion(_PLACING)
        self._light = PhotoVariation(_LIGHT, size, mean, deviation)
        self._blur_unit = size / 224

    def __call__(self, pictures: Tensor) -> Tensor:
        n = len(pictures)
        covered = torch.ones_like(pictures[:, :1])
        placed = self._place(torch.cat([pictures, covered], 1))
        if self._wild:
            placed = self._lean(placed)
        thing, covers = placed[:, :3], placed[:, 3:]
        # `thing` is zero outside and fades over its edge already.
        view = thing + (1 - covers) * self._backgrounds(pictures)
        view = self._light(view)
        if self._wild:
            view = _from_afar(_in_coloured_light(view))
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


class SomeOtherViews:
    """Pictures (B, 3, S, S) to views in the wild of about `share` of them; the rest as they are."""

    def __init__(
        self, share: float, size: int, mean: Sequence[float], deviation: Sequence[float]
    ) -> None:
        self._share = share
        self._views = OtherViews(size, mean, deviation, in_the_wild=True)

    def __call__(self, pictures: Tensor) -> Tensor:
        seen_so = _some(len(pictures), self._share).to(pictures.device)
        return torch.where(seen_so, self._views(pictures), pictures)


def _in_coloured_light(pictures: Tensor) -> Tensor:
    drawn = torch.empty(len(pictures), 3, 1, 1)
    gain, offset = drawn.uniform_(*_GAIN).to(pictures), torch.empty_like(drawn).uniform_(*_OFFSET)
    return pictures * gain + offset.to(pictures)


def _from_afar(pictures: Tensor) -> Tensor:
    """Some of them as small as a thing is that is far away, and large again."""
    seen = pictures.clone()
    side = pictures.shape[2]
    for row in torch.nonzero(torch.rand(len(pictures)) < _FAR_SHARE)[:, 0].tolist():
        small = max(1, round(side * float(torch.empty(()).uniform_(*_FAR))))
        one = pictures[row : row + 1]
        one = F.interpolate(one, size=(small, small), mode="bilinear", antialias=True)
        seen[row] = F.interpolate(one, size=(side, side), mode="bilinear")[0]
    return seen


def _some(n: int, share: float) -> Tensor:
    return torch.rand(n, 1, 1, 1) < share
