"""[loss]: what is minimised. firstsight's own losses here, those of a library in `catalogue`.

Each table also says which heads and which batches its loss makes sense with, so that a recipe
whose parts mean different distances is refused before anything starts.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from firstsight.learning.recipes.schema.batches import BatchKind
from firstsight.learning.recipes.schema.network import HeadKind
from firstsight.learning.recipes.schema.table import Table

__all__ = [
    "ClassWeightLoss",
    "Contrastive",
    "CosFaceLoss",
    "CrossEntropyOnPairs",
    "LossTable",
    "OwnPictureLoss",
    "Prototypical",
    "Triplet",
]


class LossTable(Table):
    heads: ClassVar[tuple[HeadKind, ...]]
    batches: ClassVar[tuple[BatchKind, ...]]


class ClassWeightLoss(LossTable):
    """Holds weights of its own for every training class; they are thrown away afterwards."""

    heads: ClassVar[tuple[HeadKind, ...]] = ("cosine",)
    batches = ("uniform", "half_group", "classes")

    lr_factor: float = Field(1.0, gt=0, description="class weights learn this much faster")


class CrossEntropyOnPairs(LossTable):
    heads = ("weighted_l1",)
    batches = ("pairs",)

    kind: Literal["cross_entropy_on_pairs"]


class Contrastive(LossTable):
    heads = ("euclidean", "cosine")
    batches = ("pairs",)

    kind: Literal["contrastive"]
    margin: float = Field(1.0, gt=0, description="distance beyond which others cost nothing")


class Triplet(LossTable):
    heads = ("euclidean", "cosine")
    batches = ("classes",)

    kind: Literal["triplet"]
    margin: float = Field(0.2, gt=0, description="how much farther a negative must be")
    mining: Literal["all", "hard", "semi_hard"] = Field(
        "semi_hard", description="which triplets of a batch count"
    )


class CosFaceLoss(ClassWeightLoss):
    kind: Literal["cosface"]
    margin: float = Field(0.2, ge=0, lt=1, description="taken off the true class's cosine")
    scale: float = Field(16.0, gt=0, description="of the cosines, before the softmax")


class Prototypical(LossTable):
    heads = ("euclidean", "cosine")
    batches = ("episodes",)

    kind: Literal["prototypical"]
    scale: float = Field(
        1.0, gt=0, description="of the distance (euclidean: its square), before the softmax"
    )


class OwnPictureLoss(LossTable):
    """Learns from the pictures alone; what is in them need not be known."""

    heads = ("cosine",)
    batches = ("uniform",)

    kind: Literal["own_picture"]
    temperature: float = Field(0.05, gt=0, description="of the softmax over all pictures")
    closeness: float = Field(
        1.0, ge=0, description="of the distance to the own place, beside telling it from others"
    )
