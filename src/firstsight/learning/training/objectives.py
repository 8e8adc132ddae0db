"""One way to call every loss: embeddings and labels of a batch in, a scalar to minimise out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from firstsight.learning.losses.classes import CosFace
from firstsight.learning.losses.pairs import contrastive_loss, cross_entropy_on_pairs
from firstsight.learning.losses.triplet import triplet_loss
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.recipes.schema import Contrastive, Recipe, Triplet

__all__ = ["Objective", "build_objective"]


class Objective(nn.Module):
    """forward(embeddings (B, D) float32, labels (B,) int64) -> scalar loss.

    `report` holds figures of the last batch worth logging (active_triplets, for one).
    """

    def __init__(self) -> None:
        super().__init__()
        self.report: dict[str, Tensor] = {}


class PairObjective(Objective):
    """Row i and row B/2 + i are twins; they are the same where their labels agree."""

    def __init__(self, head: HeadModule, *, margin: float | None) -> None:
        super().__init__()
        self.head, self.margin = head, margin

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        first, second = embeddings.chunk(2)
        same = torch.eq(*labels.chunk(2))
        distance = self.head(first, second)
        if self.margin is None:
            return cross_entropy_on_pairs(distance, same)
        return contrastive_loss(distance, same, margin=self.margin)


class TripletObjective(Objective):
    def __init__(self, head: HeadModule, loss: Triplet) -> None:
        super().__init__()
        self.head, self.loss = head, loss

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        n = len(embeddings)
        distance = self.head(embeddings.repeat_interleave(n, 0), embeddings.repeat(n, 1)).view(n, n)
        cost, active = triplet_loss(
            distance, labels, margin=self.loss.margin, mining=self.loss.mining
        )
        self.report = {"active_triplets": active.detach()}
        return cost


class ClassObjective(Objective):
    def __init__(self, softmax: CosFace) -> None:
        super().__init__()
        self.softmax = softmax

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        cost: Tensor = self.softmax(embeddings, labels)
        return cost


def build_objective(recipe: Recipe, head: HeadModule, n_classes: int) -> Objective:
    loss = recipe.loss
    if isinstance(loss, Contrastive):
        return PairObjective(head, margin=loss.margin)
    if isinstance(loss, Triplet):
        return TripletObjective(head, loss)
    if loss.kind == "cross_entropy_on_pairs":
        return PairObjective(head, margin=None)
    size = recipe.network.embedding_size
    return ClassObjective(CosFace(n_classes, size, scale=loss.scale, margin=loss.margin))
