"""[loss] tables for losses of pytorch-metric-learning; `learning.losses.catalogue` builds them.

Names and defaults are that library's, but for units in names and for defaults that its papers
chose for other scales.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from firstsight.learning.recipes.schema.losses import ClassWeightLoss, LossTable

__all__ = [
    "ArcFace",
    "CatalogueLoss",
    "Circle",
    "ContrastiveInBatch",
    "FastAP",
    "GeneralizedLifted",
    "MultiSimilarity",
    "NeighbourhoodComponents",
    "NormalizedSoftmax",
    "ProxyAnchor",
    "ProxyNeighbourhoodComponents",
    "RankedList",
    "SoftTriple",
    "SubCenterArcFace",
    "SupervisedContrastive",
    "TupleLoss",
]


class TupleLoss(LossTable):
    """Compares pictures of a batch with each other, and with those of earlier batches."""

    batches = ("classes",)

    memory: int | None = Field(
        None,
        ge=2,
        description="embeddings of earlier batches to compare with too (cross-batch memory)",
    )


class ArcFace(ClassWeightLoss):
    kind: Literal["arcface"]
    margin_deg: float = Field(28.6, gt=0, lt=90, description="added to the true class's angle")
    scale: float = Field(16.0, gt=0, description="of the cosines, before the softmax")


class SubCenterArcFace(ClassWeightLoss):
    kind: Literal["subcenter_arcface"]
    margin_deg: float = Field(28.6, gt=0, lt=90, description="added to the true class's angle")
    scale: float = Field(16.0, gt=0, description="of the cosines, before the softmax")
    n_centres: int = Field(3, ge=1, description="centres of each class; the nearest counts")


class NormalizedSoftmax(ClassWeightLoss):
    kind: Literal["normalized_softmax"]
    temperature: float = Field(0.05, gt=0, description="cosines are divided by it")


class ProxyAnchor(ClassWeightLoss):
    kind: Literal["proxy_anchor"]
    margin: float = Field(0.1, ge=0, lt=1, description="slack of the cosine to a proxy")
    alpha: float = Field(32.0, gt=0, description="how much the hardest pictures count")


class ProxyNeighbourhoodComponents(ClassWeightLoss):
    heads = ("euclidean",)

    kind: Literal["proxy_nca"]
    scale: float = Field(1.0, gt=0, description="of the squared distances, before the softmax")


class SoftTriple(ClassWeightLoss):
    kind: Literal["soft_triple"]
    n_centres: int = Field(10, ge=1, description="centres of each class")
    scale: float = Field(20.0, gt=0, description="of the similarities, before the softmax")
    gamma: float = Field(0.1, gt=0, description="how softly a picture chooses among centres")
    margin: float = Field(0.01, ge=0, lt=1, description="taken off the true class's similarity")


class SupervisedContrastive(TupleLoss):
    heads = ("cosine",)

    kind: Literal["supervised_contrastive"]
    temperature: float = Field(0.1, gt=0, description="cosines are divided by it")


class MultiSimilarity(TupleLoss):
    heads = ("cosine",)

    kind: Literal["multi_similarity"]
    alpha: float = Field(2.0, gt=0, description="how much the hardest positives count")
    beta: float = Field(50.0, gt=0, description="how much the hardest negatives count")
    base: float = Field(0.5, gt=-1, lt=1, description="cosine between near and far")


class Circle(TupleLoss):
    heads = ("cosine",)

    kind: Literal["circle"]
    margin: float = Field(0.4, gt=0, lt=1, description="slack of the cosines")
    gamma: float = Field(80.0, gt=0, description="scale of the weighted cosines")


class ContrastiveInBatch(TupleLoss):
    heads = ("euclidean",)

    kind: Literal["contrastive_in_batch"]
    positive_margin: float = Field(
        0.0, ge=0, description="distance within which pictures of one class cost nothing"
    )
    negative_margin: float = Field(
        1.0, gt=0, description="distance beyond which others cost nothing"
    )


class GeneralizedLifted(TupleLoss):
    heads = ("euclidean",)

    kind: Literal["generalized_lifted_structure"]
    positive_margin: float = Field(0.0, ge=0, description="taken off distances within a class")
    negative_margin: float = Field(1.0, gt=0, description="that distances to others are taken off")


class NeighbourhoodComponents(LossTable):
    heads = ("euclidean",)
    batches = ("classes",)

    kind: Literal["nca"]
    scale: float = Field(1.0, gt=0, description="of the squared distances, before the softmax")


class FastAP(LossTable):
    heads = ("cosine",)
    batches = ("classes",)

    kind: Literal["fast_ap"]
    n_bins: int = Field(10, ge=2, description="of the histogram of distances")


class RankedList(LossTable):
    heads = ("euclidean",)
    batches = ("classes",)

    kind: Literal["ranked_list"]
    margin: float = Field(0.4, gt=0, description="between the farthest positive and negatives")
    boundary: float = Field(1.2, gt=0, description="distance that negatives are pushed beyond")
    negative_temperature: float = Field(
        2.5, ge=0, le=5, description="how much the nearest negatives count"
    )
    positive_temperature: float = Field(
        0.0, ge=0, le=5, description="how much the farthest positives count"
    )
    imbalance: float = Field(0.5, ge=0, le=1, description="weight of negatives beside positives")


CatalogueLoss = (
    ArcFace
    | SubCenterArcFace
    | NormalizedSoftmax
    | ProxyAnchor
    | ProxyNeighbourhoodComponents
    | SoftTriple
    | SupervisedContrastive
    | MultiSimilarity
    | Circle
    | ContrastiveInBatch
    | GeneralizedLifted
    | NeighbourhoodComponents
    | FastAP
    | RankedList
)
