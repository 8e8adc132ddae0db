"""Light, colour and framing of photographs varied by kornia, on the batch, on its device.

kornia draws from torch's global generator, which every training step seeds by its own number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from kornia.augmentation import ColorJitter, RandomResizedCrop
from torch import Tensor, nn

__all__ = ["PhotoRanges", "PhotoVariation"]


@dataclass(frozen=True)
class PhotoRanges:
    """How far each may go; every picture draws its own.

    brightness, contrast, saturation: factors of 1 - x to 1 + x. hue: a turn of up to this share of
        the colour circle either way.
    crop: lowest and highest share of the area that is kept. aspect: width / height of what is
        kept, which is stretched to the whole again.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    crop: tuple[float, float] = (1.0, 1.0)
    aspect: tuple[float, float] = (0.75, 1.3333)


class PhotoVariation:
    """Varies normalised pictures (B, 3, S, S).

    mean, deviation: what they were normalised by; colours are mixed as they were in 0..1.
    """

    def __init__(
        self, ranges: PhotoRanges, size: int, mean: Sequence[float], deviation: Sequence[float]
    ) -> None:
        self._mean = torch.tensor(mean).view(1, -1, 1, 1)
        self._deviation = torch.tensor(deviation).view(1, -1, 1, 1)
        steps: list[nn.Module] = []
        if ranges.crop != (1.0, 1.0):
            steps.append(RandomResizedCrop((size, size), ranges.crop, ranges.aspect))
        if ranges.brightness or ranges.contrast or ranges.saturation or ranges.hue:
            steps.append(
                ColorJitter(ranges.brightness, ranges.contrast, ranges.saturation, ranges.hue)
            )
        self._steps = steps

    def __call__(self, pictures: Tensor) -> Tensor:
        mean, deviation = self._mean.to(pictures), self._deviation.to(pictures)
        seen = (pictures * deviation + mean).clamp(0, 1)
        for step in self._steps:
            seen = step(seen)
        return (seen - mean) / deviation
