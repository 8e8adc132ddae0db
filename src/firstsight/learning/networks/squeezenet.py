"""SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer
parameters", table 1; 1.1 as its authors published it in 2016: 2.4 times less work).

Layers are numbered and named as in torchvision, so that published weights load by name.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["SqueezeNet", "Version"]

Version = Literal["1.0", "1.1"]


class SqueezeNet(nn.Module):
    """RGB pictures (B, 3, S, S), normalised as for ImageNet, to 1,000 class scores (B, 1000).

    `features` gives (B, n_channels, h, w) feature maps, all at least 0. S is 224 by habit and
    must be 25 or more.
    """

    n_channels = 512

    def __init__(self, version: Version) -> None:
        super().__init__()
        self.features = nn.Sequential(*(_layers_1_0() if version == "1.0" else _layers_1_1()))
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Conv2d(self.n_channels, 1000, 1), nn.ReLU(inplace=True)
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Convolutions by He et al. 2015 (uniform), the classifier N(0, 0.01), biases zero."""
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                if layer.out_channels == 1000:
                    nn.init.normal_(layer.weight, 0.0, 0.01)
                else:
                    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
                assert layer.bias is not None
                nn.init.zeros_(layer.bias)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.classifier(self.features(pictures)).mean((2, 3))  # type: ignore[no-any-return]


class Fire(nn.Module):
    """Squeeze to few channels, then expand by 1x1 and 3x3 convolutions side by side."""

    def __init__(self, before: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(before, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.squeeze(x))
        return F.relu(torch.cat([self.expand1x1(x), self.expand3x3(x)], 1))


def _layers_1_0() -> list[nn.Module]:
    return [
        nn.Conv2d(3, 96, 7, stride=2),
        nn.ReLU(inplace=True),
        _pool(),
        Fire(96, 16, 64),
        Fire(128, 16, 64),
        Fire(128, 32, 128),
        _pool(),
        Fire(256, 32, 128),
        Fire(256, 48, 192),
        Fire(384, 48, 192),
        Fire(384, 64, 256),
        _pool(),
        Fire(512, 64, 256),
    ]


def _layers_1_1() -> list[nn.Module]:
    return [
        nn.Conv2d(3, 64, 3, stride=2),
        nn.ReLU(inplace=True),
        _pool(),
        Fire(64, 16, 64),
        Fire(128, 16, 64),
        _pool(),
        Fire(128, 32, 128),
        Fire(256, 32, 128),
        _pool(),
        Fire(256, 48, 192),
        Fire(384, 48, 192),
        Fire(384, 64, 256),
        Fire(512, 64, 256),
    ]


def _pool() -> nn.MaxPool2d:
    # Rounding up keeps the last column, as Caffe did, where the weights come from.
    return nn.MaxPool2d(3, stride=2, ceil_mode=True)
