"""A small residual tower for two CPU cores."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CompactTower"]


class CompactTower(nn.Module):
    """Pictures (B, C, S, S) to embeddings (B, D); each stage halves the side.

    The last feature map is flattened, not averaged: where a stroke lies tells characters apart.
    """

    def __init__(
        self,
        *,
        channels: int,
        picture_size: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        embedding_size: int,
        unit_sphere: bool,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = [_convolution(channels, widths[0])]
        before, side = widths[0], picture_size
        for width, n_blocks in zip(widths, blocks, strict=True):
            for number in range(n_blocks):
                stages.append(ResidualBlock(before if number == 0 else width, width))
            stages.append(nn.MaxPool2d(2))
            before, side = width, side // 2
        self.features = nn.Sequential(*stages)
        self.project = nn.Linear(before * side * side, embedding_size, bias=False)
        self.centre = nn.BatchNorm1d(embedding_size)
        self.unit_sphere = unit_sphere

    def forward(self, pictures: Tensor) -> Tensor:
        embeddings: Tensor = self.centre(self.project(self.features(pictures).flatten(1)))
        return F.normalize(embeddings) if self.unit_sphere else embeddings


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2016)."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(before, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if before != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.inner(x) + self.shortcut(x), inplace=True)


def _convolution(before: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
