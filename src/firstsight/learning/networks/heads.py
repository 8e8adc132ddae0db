"""Comparison heads while they are trained: the distance between twin embeddings, lower is closer.

`frozen()` gives the same head for recognising (firstsight.similarity), which needs no PyTorch.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from firstsight import similarity

__all__ = ["CosineHead", "EuclideanHead", "HeadModule", "WeightedL1Head"]


class HeadModule(nn.Module, ABC):
    """Compares row i of `a` with row i of `b`: (B, D), (B, D) -> (B,)."""

    def between(self, a: Tensor, b: Tensor) -> Tensor:
        """Each of `a` with each of `b`: (N, D), (M, D) -> (N, M)."""
        distance: Tensor = self(a.repeat_interleave(len(b), 0), b.repeat(len(a), 1))
        return distance.view(len(a), len(b))

    @abstractmethod
    def frozen(self) -> similarity.Head:
        """The head as it is now, for NumPy."""


class EuclideanHead(HeadModule):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        # The root has no gradient at zero; identical twins must not poison a batch with NaN.
        return (a - b).square().sum(1).clamp(min=1e-12).sqrt()

    def between(self, a: Tensor, b: Tensor) -> Tensor:
        # By differences: the quicker |a|^2 + |b|^2 - 2ab loses what tells near neighbours apart.
        return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")

    def frozen(self) -> similarity.Head:
        return similarity.Euclidean()


class CosineHead(HeadModule):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return 1 - F.cosine_similarity(a, b, dim=1)

    def between(self, a: Tensor, b: Tensor) -> Tensor:
        return 1 - F.normalize(a) @ F.normalize(b).T

    def frozen(self) -> similarity.Head:
        return similarity.Cosine()


class WeightedL1Head(HeadModule):
    """Minus the logit of "same": -(sum_d w_d |a_d - b_d| + bias) (Koch et al. 2015, section 3.1).

    The paper's formula has no bias; without one, two identical pictures could never get a
    probability other than one half.
    """

    def __init__(self, embedding_size: int) -> None:
        super().__init__()
        self.logit = nn.Linear(embedding_size, 1)
        nn.init.normal_(self.logit.weight, 0.0, 0.2)
        nn.init.normal_(self.logit.bias, 0.5, 0.01)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return -self.logit((a - b).abs()).squeeze(1)  # type: ignore[no-any-return]

    def frozen(self) -> similarity.Head:
        with torch.no_grad():
            weights = self.logit.weight[0].float().cpu().numpy().copy()
            return similarity.WeightedL1(weights=weights, bias=float(self.logit.bias))
