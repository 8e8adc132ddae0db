"""From feature maps to one number a channel, or one for each part of the picture."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Pooling"]

_LEAST = 1e-6  # so that the root's slope stays finite


class Pooling(nn.Module):
    """The generalised mean over the places of a map (Radenović et al. 2019, "Fine-tuning CNN image
    retrieval with no human annotation", eq. 2): (B, C, h, w) to (B, C * grid * grid).

    power: 1 averages; the larger, the more the strongest places count. Above 1 features must not
        be negative; what is below 0 counts as 0.
    grid: the map is parted into grid x grid, and each part has a mean of its own: where a thing's
        parts lie tells things apart that are always shown alike, as faces are.
    window: standard deviation, in sides of the map, of a Gaussian in its middle by which places
        are weighed: what a picture is of stands in its middle most often. None weighs all alike.
    """

    def __init__(self, power: float = 1.0, window: float | None = None, grid: int = 1) -> None:
        super().__init__()
        self.power, self.window, self.grid = power, window, grid

    def forward(self, maps: Tensor) -> Tensor:
        if self.power != 1:
            maps = maps.clamp_min(_LEAST).pow(self.power)
        if self.grid > 1:
            means = F.adaptive_avg_pool2d(maps, self.grid).flatten(1)
        elif self.window is not None:
            means = self._weighed(maps, self.window)
        else:
            means = maps.mean((2, 3))
        return means if self.power == 1 else means.pow(1 / self.power)

    def extra_repr(self) -> str:
        return f"power={self.power}, window={self.window}, grid={self.grid}"

    @staticmethod
    def _weighed(maps: Tensor, window: float) -> Tensor:
        down, across = (_gaussian(side, window, maps) for side in maps.shape[2:])
        return ((maps * across).sum(3) * down).sum(2)


def _gaussian(side: int, window: float, like: Tensor) -> Tensor:
    """(side,): weights of places along a side, 1 in all."""
    places = (torch.arange(side, device=like.device) - (side - 1) / 2) / side
    weights = torch.exp(-((places / window) ** 2) / 2)
    return (weights / weights.sum()).to(like.dtype)
