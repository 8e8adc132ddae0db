"""EfficientNet-Lite (Liu 2020, "Higher accuracy on vision models with EfficientNet-Lite"):
EfficientNet (Tan and Le 2019, table 1) without squeeze-and-excitation and with ReLU6, so that
small machines run it fast. Lite1 and Lite2 are Lite0 deeper, and Lite2 is wider too.
"""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["EfficientNetLite", "LiteVersion"]

LiteVersion = Literal["0", "1", "2"]

# Kernel, stride, expansion, channels, blocks of Lite0; a stage a line.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_STEM = 32
_FINER = 5  # the last stage that halves the sides
# Of channels, of blocks (Tan and Le 2019, section 3.3).
_SCALES: dict[LiteVersion, tuple[float, float]] = {"0": (1, 1), "1": (1, 1.1), "2": (1.1, 1.2)}


class EfficientNetLite(nn.Module):
    """RGB pictures (B, 3, S, S), (x - 127) / 128 of 0..255, to 1,000 class scores (B, 1000).

    `features` gives (B, n_channels, h, w) feature maps in 0..6. S is 224,
    240 and 260 by habit. The layer of `features` at `finer_at` expands maps of twice as many
    places a side to `n_finer` channels, in 0..6 too.
    """

    n_channels = 1280

    def __init__(self, version: LiteVersion = "0") -> None:
        super().__init__()
        width, depth = _SCALES[version]
        layers: list[nn.Module] = [_Convolution(3, _STEM, 3, stride=2)]
        before = _STEM
        for place, (kernel, stride, expansion, channels, n_blocks) in enumerate(_STAGES):
            channels = _widened(channels, width)
            if place not in (0, len(_STAGES) - 1):  # of the Lites, these two keep their depth
                n_blocks = math.ceil(n_blocks * depth)
            for number in range(n_blocks):
                step = stride if number == 0 else 1
                if place == _FINER and number == 0:
                    self.finer_at, self.n_finer = len(layers), before * expansion
                layers.append(_Bottleneck(before, channels, kernel, step, expansion))
                before = channels
        layers.append(_Convolution(before, self.n_channels, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(self.n_channels, 1000)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.classifier(self.features(pictures).mean((2, 3)))  # type: ignore[no-any-return]


def _widened(channels: int, width: float) -> int:
    """Channels times width, to the nearest multiple of 8, but not below nine tenths of it."""
    wanted = channels * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * wanted else rounded + 8


class _Convolution(nn.Sequential):
    """Convolution, batch norm and, unless `linear`, ReLU6; padded as TensorFlow's "SAME"."""

    def __init__(
        self, before: int, after: int, kernel: int, *, stride: int = 1, depthwise: bool = False,
        linear: bool = False,
    ) -> None:  # fmt: skip
        groups = before if depthwise else 1
        layers: list[nn.Module] = [
            nn.Conv2d(
                before,
                after,
                kernel,
                stride,
                padding=kernel // 2 if stride == 1 else 0,
                groups=groups,
                bias=False,
            ),
            nn.BatchNorm2d(after, eps=1e-3, momentum=0.01),
        ]
        if not linear:
            layers.append(nn.ReLU6(inplace=True))
        super().__init__(*layers)
        self._kernel, self._stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        if self._stride > 1:
            x = _pad_same(x, self._kernel, self._stride)
        return super().forward(x)  # type: ignore[no-any-return, no-untyped-call]


class _Bottleneck(nn.Module):
    """Expand, filter each channel on its own, project; a shortcut where the shape stays
    (Sandler et al. 2018, "MobileNetV2")."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = before * expansion
        self.expand = _Convolution(before, wide, 1) if expansion > 1 else nn.Identity()
        self.depthwise = _Convolution(wide, wide, kernel, stride=stride, depthwise=True)
        self.project = _Convolution(wide, after, 1, linear=True)
        self.shortcut = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.project(self.depthwise(self.expand(x)))
        return x + inner if self.shortcut else inner


def _pad_same(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Zeros around so that ceil(side / stride) come out; an odd one goes right and below."""

    def total(side: int) -> int:
        return max((-(-side // stride) - 1) * stride + kernel - side, 0)

    down, across = total(x.shape[2]), total(x.shape[3])
    return F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
