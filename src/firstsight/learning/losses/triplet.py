"""Triplet loss with mining inside the batch (Schroff et al. 2015, "FaceNet", section 3).

A batch of B pictures has up to B^3 triplets. They are never listed: each anchor's negatives are
sorted once, and what a positive meets among them follows from its place in that order. Nothing
here is larger than (B, B).
"""

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
    positive &= (~same).any(1)[:, None]  # an anchor without a negative makes no triplet
    if not bool(positive.any()):
        return distance.sum() * 0.0, distance.new_zeros(())
    return _MINERS[mining](distance, positive, ~same, margin)


def _hard(
    distance: Tensor, positive: Tensor, negative: Tensor, margin: float
) -> tuple[Tensor, Tensor]:
    anchors = positive.any(1)
    farthest = distance.masked_fill(~positive, -torch.inf).amax(1)[anchors]
    nearest = distance.masked_fill(~negative, torch.inf).amin(1)[anchors]
    return _mean((farthest - nearest + margin).clamp(min=0))


def _semi_hard(
    distance: Tensor, positive: Tensor, negative: Tensor, margin: float
) -> tuple[Tensor, Tensor]:
    rivals, n_rivals = _sorted_rivals(distance, negative)
    # The first rival farther than the positive, or the last one.
    place = torch.searchsorted(rivals.detach(), distance.detach(), right=True)
    to_negative = rivals.gather(1, torch.minimum(place, n_rivals[:, None] - 1).clamp(min=0))
    return _mean((distance - to_negative + margin)[positive].clamp(min=0))


def _all(
    distance: Tensor, positive: Tensor, negative: Tensor, margin: float
) -> tuple[Tensor, Tensor]:
    rivals, n_rivals = _sorted_rivals(distance, negative)
    reach = (distance + margin)[positive].double()  # (P,) nearer rivals cost something
    anchor = torch.nonzero(positive, as_tuple=True)[0]
    place = torch.searchsorted(rivals.detach(), (distance + margin).detach())[positive]
    nearer = torch.where(rivals.isinf(), 0.0, rivals).double().cumsum(1)
    nearer = torch.cat([nearer.new_zeros(len(nearer), 1), nearer], 1)  # sums of the first 0..B
    costs = place * reach - nearer[anchor, place]
    n_active = place.sum()
    loss = (costs.sum() / n_active.clamp(min=1)).to(distance.dtype)
    return loss, n_active / n_rivals[anchor].sum()


def _sorted_rivals(distance: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
    """Each anchor's distances to its negatives, rising, infinite beyond them; their numbers."""
    return distance.masked_fill(~negative, torch.inf).sort(1).values, negative.sum(1)


def _mean(costs: Tensor) -> tuple[Tensor, Tensor]:
    return costs.mean(), (costs > 0).float().mean()


_MINERS = {"all": _all, "hard": _hard, "semi_hard": _semi_hard}
