"""Triplet loss with mining inside the batch (Schroff et al. 2015, "FaceNet", section 3)."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from firstsight.errors import ShapeError

__all__ = ["Mining", "triplet_loss"]

Mining = Literal["all", "hard", "semi_hard"]


def triplet_loss(
    distance: Tensor, labels: Tensor, *, margin: float = 0.2, mining: Mining = "semi_hard"
) -> tuple[Tensor, Tensor]:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), mean over the mined triplets.

    distance: (B, B) between all pictures of the batch; squared distances on the unit sphere are
        FaceNet's, plain ones are as good: the margin is in the same unit.
    labels: (B,) class numbers.
    mining, for each (anchor, positive):
        all        every negative; the mean is over those that still cost something
        hard       the anchor's farthest positive and nearest negative, one triplet an anchor
        semi_hard  the nearest negative that is farther than the positive (FaceNet, section 3.2);
                   where there is none, the farthest negative
    Returns (loss, share of mined triplets that still cost something), scalars. A batch without
    any triplet costs zero. Raises ShapeError where the shapes do not fit.
    """
    if distance.dim() != 2 or distance.shape != (len(labels), len(labels)):
        raise ShapeError(
            f"got distances {tuple(distance.shape)} for {len(labels)} labels; "
            "wanted (B, B) and (B,)"
        )
    same = labels[:, None] == labels[None, :]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    costs = _MINERS[mining](distance, positive, ~same, margin)
    if costs.numel() == 0:
        return distance.sum() * 0.0, distance.new_zeros(())
    active = (costs > 0).float().mean()
    if mining == "all":
        return costs.sum() / (costs > 0).sum().clamp(min=1), active
    return costs.mean(), active


def _hard(distance: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    anchors = positive.any(1) & negative.any(1)
    farthest = distance.masked_fill(~positive, -torch.inf).amax(1)[anchors]
    nearest = distance.masked_fill(~negative, torch.inf).amin(1)[anchors]
    return (farthest - nearest + margin).clamp(min=0)


def _semi_hard(distance: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    anchor, other = torch.nonzero(positive & negative.any(1)[:, None], as_tuple=True)
    to_positive = distance[anchor, other]  # (P,) pairs, never all B^3 triplets
    rivals = distance[anchor].masked_fill(~negative[anchor], torch.inf)  # (P, B)
    beyond = rivals.masked_fill(rivals <= to_positive[:, None], torch.inf).amin(1)
    farthest = distance.masked_fill(~negative, -torch.inf).amax(1)[anchor]
    to_negative = torch.where(beyond.isinf(), farthest, beyond)
    return (to_positive - to_negative + margin).clamp(min=0)


def _all(distance: Tensor, positive: Tensor, negative: Tensor, margin: float) -> Tensor:
    anchor, other = torch.nonzero(positive, as_tuple=True)
    costs = distance[anchor, other][:, None] - distance[anchor] + margin  # (P, B)
    return costs[negative[anchor]].clamp(min=0)


_MINERS = {"all": _all, "hard": _hard, "semi_hard": _semi_hard}
