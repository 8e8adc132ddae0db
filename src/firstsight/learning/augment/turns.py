"""Rotations by quarter turns, and mirror images, as classes of their own.

A drawing turned by 90 degrees is another character (Vinyals et al. 2016, section 4.1.1). The
turned pictures are never stored: picture number v stands for picture v mod N, turned v // N times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["TurnedClasses", "turn"]

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class TurnedClasses:
    """Labels and groups of N pictures seen `n_turns` ways: 1, 4 (turns) or 8 (mirrored too)."""

    labels: Indices
    groups: Indices
    n_turns: int

    @property
    def n_pictures(self) -> int:
        return len(self.labels) * self.n_turns

    @property
    def n_classes(self) -> int:
        return (int(self.labels.max()) + 1) * self.n_turns

    @property
    def turned_labels(self) -> Indices:
        return self._repeat(self.labels)

    @property
    def turned_groups(self) -> Indices:
        return self._repeat(self.groups)

    def split(self, numbers: Indices) -> tuple[Indices, Indices]:
        """Virtual picture numbers to (real rows, turn 0..n_turns-1)."""
        return numbers % len(self.labels), numbers // len(self.labels)

    def _repeat(self, values: Indices) -> Indices:
        step = int(values.max()) + 1
        return np.concatenate([values + way * step for way in range(self.n_turns)])


def turn(pictures: Tensor, ways: Tensor) -> Tensor:
    """Turn each of (B, C, H, W) by its own way (B,): 0-3 quarter turns, 4-7 the same mirrored."""
    turned = pictures.clone()
    for way in torch.unique(ways).tolist():
        if way == 0:
            continue
        chosen = ways == way
        some = pictures[chosen]
        if way >= 4:
            some = some.flip(3)
        turned[chosen] = torch.rot90(some, way % 4, dims=(2, 3))
    return turned
