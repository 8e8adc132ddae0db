"""A small residual tower that two CPU cores can train in minutes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CompactTower"]


class CompactTower(nn.Module):
    """Pictures (B, C, S, S) to embeddings (B, D), S a multiple of 2.

    The stem folds 2x2 pixels into channels: convolutions over one or three channels at full size
    cost most of a CPU's time and learn least. Each stage halves the side once more. The last
    feature map is flattened, not averaged: where a stroke lies tells characters apart.

    turned_views: once trained, an embedding joins those of the picture's four quarter turns.
    smoothing: standard deviation in px, 0..0.7. Distortion fetches pixels from between pixels, so
        pictures are smoother in training than those that are asked about; once trained, these are
        smoothed by so much (Touvron et al. 2019, "Fixing the train-test resolution discrepancy",
        tell of its like).
    """

    def __init__(
        self,
        *,
        channels: int,
        picture_size: int,
        stem: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        embedding_size: int,
        unit_sphere: bool,
        turned_views: bool = False,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.PixelUnshuffle(2), _convolution(4 * channels, stem)]
        before, side = stem, picture_size // 2
        for width, n_blocks in zip(widths, blocks, strict=True):
            stages.append(_convolution(before, width, stride=2))
            stages += [ResidualBlock(width) for _ in range(n_blocks)]
            before, side = width, (side + 1) // 2
        self.features = nn.Sequential(*stages)
        self.project = nn.Linear(before * side * side, embedding_size, bias=False)
        self.centre = nn.BatchNorm1d(embedding_size)
        self.unit_sphere = unit_sphere
        self.turned_views = turned_views
        self.smoothing = smoothing

    def forward(self, pictures: Tensor) -> Tensor:
        if self.training:
            return self._embed(pictures)
        pictures = self._smoothed(pictures)
        if not self.turned_views:
            return self._embed(pictures)
        mirrored = pictures.transpose(2, 3)
        turns = [pictures, mirrored.flip(2), pictures.flip((2, 3)), mirrored.flip(3)]
        embeddings = self._embed(torch.cat(turns))
        # The batch's size must stay free in the exported graph, so it is not named here.
        views = embeddings.reshape(len(turns), -1, embeddings.shape[1])
        # Four vectors of length 1 make one of length 2.
        return views.transpose(0, 1).flatten(1) / 2

    def _smoothed(self, pictures: Tensor) -> Tensor:
        if not self.smoothing:
            return pictures
        # Weights at -1, 0 and 1 px; what lies outside is paper, 0, as for distortion.
        beside = self.smoothing**2 / 2
        line = pictures.new_tensor([beside, 1 - 2 * beside, beside])
        kernel = torch.outer(line, line).expand(pictures.shape[1], 1, 3, 3)
        return F.conv2d(pictures, kernel, padding=1, groups=pictures.shape[1])

    def _embed(self, pictures: Tensor) -> Tensor:
        embeddings: Tensor = self.centre(self.project(self.features(pictures).flatten(1)))
        return F.normalize(embeddings) if self.unit_sphere else embeddings


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(width, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.inner(x))


def _convolution(before: int, width: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, width, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
    )
