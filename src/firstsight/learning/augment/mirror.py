"""Photographs of a thing and of its mirror image show the same category of thing."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

__all__ = ["mirror_half"]


def mirror_half(pictures: Tensor, generator: Generator | None = None) -> Tensor:
    """Mirror each of (B, C, H, W), left for right, with probability one half."""
    draws = torch.rand(len(pictures), 1, 1, 1, device=pictures.device, generator=generator)
    return torch.where(draws < 0.5, pictures.flip(3), pictures)
