"""Losses on pairs. Label polarity: True is "same", here as everywhere in firstsight."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from firstsight.errors import ShapeError

__all__ = ["contrastive_loss", "cross_entropy_on_pairs"]


def contrastive_loss(distance: Tensor, same: Tensor, *, margin: float = 1.0) -> Tensor:
    """Pull same-class pairs together; push others `margin` apart (Hadsell et al. 2006, eq. 4).

    distance: (B,) embedding distances, >= 0.
    same: (B,) bool, True where both pictures share a class.
    Returns the scalar mean. Raises ShapeError where the lengths differ.
    """
    require_same_length(distance, same)
    shortfall = (margin - distance).clamp(min=0)
    return torch.where(same, distance.square(), shortfall.square()).mean()


def cross_entropy_on_pairs(distance: Tensor, same: Tensor) -> Tensor:
    """Binary cross-entropy of sigmoid(-distance) against "same" (Koch et al. 2015, section 3.2,
    with the minus sign that the printed formula lacks).

    distance: (B,) minus the logit of "same", any real number.
    same: (B,) bool. Returns the scalar mean. Raises ShapeError where the lengths differ.
    """
    require_same_length(distance, same)
    return F.binary_cross_entropy_with_logits(-distance, same.to(distance.dtype))


def require_same_length(distance: Tensor, same: Tensor) -> None:
    if distance.shape != same.shape or distance.dim() != 1:
        raise ShapeError(
            f"got distances {tuple(distance.shape)} and labels {tuple(same.shape)}; "
            "wanted one label for each distance, both (B,)"
        )
