"""One way to call every loss: embeddings and labels of a batch in, a scalar to minimise out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from firstsight.learning.losses.catalogue import build_catalogued
from firstsight.learning.losses.classes import CosFace
from firstsight.learning.losses.memory import CrossBatchMemory
from firstsight.learning.losses.own_picture import OwnPicture
from firstsight.learning.losses.pairs import contrastive_loss, cross_entropy_on_pairs
from firstsight.learning.losses.prototypes import prototypes, prototypical_loss
from firstsight.learning.losses.triplet import triplet_loss
from firstsight.learning.networks.heads import EuclideanHead, HeadModule
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.schema.catalogue import TupleLoss
from firstsight.learning.recipes.schema.losses import (
    Contrastive,
    CosFaceLoss,
    CrossEntropyOnPairs,
    OwnPictureLoss,
    Prototypical,
    Triplet,
)

__all__ = ["Objective", "OwnPictureObjective", "build_objective"]


class Objective(nn.Module):
    """forward(embeddings (B, D) float32, labels (B,) int64) -> scalar loss.

    `report` holds figures of the last batch worth logging (active_triplets, for one).
    by_picture: labels are the numbers of the pictures, not of their classes.
    """

    by_picture = False

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
        cost, active = triplet_loss(
            self.head.between(embeddings, embeddings),
            labels,
            margin=self.loss.margin,
            mining=self.loss.mining,
        )
        self.report = {"active_triplets": active.detach()}
        return cost


class EpisodeObjective(Objective):
    """The first `n_support` rows are the support pictures of an episode, the rest its queries."""

    def __init__(self, head: HeadModule, *, scale: float, n_support: int) -> None:
        super().__init__()
        self.head, self.scale, self.n_support = head, scale, n_support

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        n = self.n_support
        means, classes = prototypes(embeddings[:n], labels[:n])
        divergence = self.head.between(embeddings[n:], means)
        if isinstance(self.head, EuclideanHead):
            divergence = divergence.square()  # a Bregman divergence: its centre is the mean
        truth = torch.searchsorted(classes, labels[n:])
        return prototypical_loss(self.scale * divergence, truth)


class LabelObjective(Objective):
    """A loss that takes embeddings and labels as they are."""

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        cost: Tensor = self.loss(embeddings, labels)
        return cost


class OwnPictureObjective(LabelObjective):
    """`loss.settle` must have been told the places of all pictures."""

    by_picture = True
    loss: OwnPicture


def build_objective(recipe: Recipe, head: HeadModule, n_classes: int) -> Objective:
    loss, size = recipe.loss, recipe.network.embedding_size
    if isinstance(loss, CrossEntropyOnPairs):
        return PairObjective(head, margin=None)
    if isinstance(loss, Contrastive):
        return PairObjective(head, margin=loss.margin)
    if isinstance(loss, Triplet):
        return TripletObjective(head, loss)
    if isinstance(loss, Prototypical):
        assert recipe.batches.kind == "episodes"
        n_support = recipe.batches.n_way * recipe.batches.k_shot
        return EpisodeObjective(head, scale=loss.scale, n_support=n_support)
    if isinstance(loss, OwnPictureLoss):
        own = OwnPicture(temperature=loss.temperature, closeness=loss.closeness)
        return OwnPictureObjective(own)
    if isinstance(loss, CosFaceLoss):
        return LabelObjective(CosFace(n_classes, size, scale=loss.scale, margin=loss.margin))
    catalogued = build_catalogued(loss, n_classes, size)
    if isinstance(loss, TupleLoss) and loss.memory is not None:
        return LabelObjective(CrossBatchMemory(catalogued, size=loss.memory, embedding_size=size))
    return LabelObjective(catalogued)
