"""Margin softmax over the training classes; the class weights are thrown away afterwards."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["CosFace"]


class CosFace(nn.Module):
    """Large margin cosine loss (Wang et al. 2018, eq. 4).

    Cross-entropy of scale * (cos(theta_j) - margin * [j is the true class]).
    """

    def __init__(
        self, n_classes: int, embedding_size: int, *, scale: float = 24.0, margin: float = 0.25
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_classes, embedding_size))
        nn.init.normal_(self.weight, std=0.01)
        self.scale, self.margin = scale, margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """embeddings: (B, D), any length; labels: (B,) int64. Returns the scalar mean."""
        cosine = F.linear(F.normalize(embeddings), F.normalize(self.weight))  # (B, N)
        target = F.one_hot(labels, cosine.shape[1]).to(cosine.dtype)
        return F.cross_entropy(self.scale * (cosine - self.margin * target), labels)
