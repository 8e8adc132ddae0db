"""A second, closer look at a picture that is larger than what a network was made for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CloserLook"]


class CloserLook(nn.Module):
    """Pictures (B, C, L, L) as a network of S px can see them: whole, or their middle in detail.

    size: S. shown: L, above S. weight: of the middle beside the whole's 1; 0: the whole alone.
    """

    smaller: Tensor

    def __init__(self, size: int, shown: int, weight: float) -> None:
        super().__init__()
        self.size, self.shown, self.weight = size, shown, weight
        # The triangle filter, widened by the reduction, as preprocessing has it, is linear along
        # each axis: a matrix (S, L), which every runtime computes alike.
        every = torch.eye(shown)[None, None]
        lines = F.interpolate(every, size=(size, shown), mode="bilinear", antialias=True)
        self.register_buffer("smaller", lines[0, 0], persistent=False)

    def whole(self, pictures: Tensor) -> Tensor:
        """All of each picture, (B, C, S, S)."""
        return self.smaller @ pictures @ self.smaller.T

    def middle(self, pictures: Tensor) -> Tensor:
        """The middle of each picture, pixel by pixel, in a mirror: (B, C, S, S).

        So the two looks also differ in which way things face, and that counts less.
        """
        start = (self.shown - self.size) // 2
        end = start + self.size
        return pictures[:, :, start:end, start:end].flip(3)

    def extra_repr(self) -> str:
        return f"{self.size}, {self.shown}, weight={self.weight}"
