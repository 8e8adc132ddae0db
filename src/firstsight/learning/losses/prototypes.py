"""Prototypical networks: a class is the mean of its support pictures (Snell et al. 2017)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from firstsight.errors import ShapeError

__all__ = ["prototypes", "prototypical_loss"]


def prototypes(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each class (equation 1).

    embeddings: (B, D); labels: (B,) int64.
    Returns (C, D) means and the (C,) labels they are of, in rising order.
    """
    classes, place = torch.unique(labels, return_inverse=True)
    sums = embeddings.new_zeros(len(classes), embeddings.shape[1]).index_add(0, place, embeddings)
    return sums / torch.bincount(place)[:, None], classes


def prototypical_loss(divergence: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of softmax(-divergence) (equation 2).

    divergence: (Q, C) from each query to each prototype; the paper's is the squared Euclidean
        distance, times a scale where embeddings have length 1.
    truth: (Q,) int64, the place of each query's class.
    Returns the scalar mean. Raises ShapeError where the shapes do not fit.
    """
    if divergence.dim() != 2 or truth.shape != divergence.shape[:1]:
        raise ShapeError(
            f"got divergences {tuple(divergence.shape)} for {len(truth)} queries; "
            "wanted (Q, C) and (Q,)"
        )
    return F.cross_entropy(-divergence, truth)
