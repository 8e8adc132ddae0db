"""The losses of pytorch-metric-learning that a recipe may name, one line each.

That library compares embeddings by a distance of its own, at length 1 unless told otherwise. Here
each loss is given the distance that the recipe's head compares by, so that what is trained is what
is used. Settings, their types and defaults, and the batches a loss needs stand in
`recipes.schema.catalogue`, which needs no PyTorch.

Left out, and why:

- needing memory of the cube of a batch (or of pairs times pairs): TripletMarginLoss (here:
  `triplet`), MarginLoss, HistogramLoss, SmoothAPLoss, PNPLoss, NTXentLoss (here:
  supervised_contrastive, the same with several positives), LiftedStructureLoss (here:
  generalized_lifted_structure), TupletMarginLoss
- by a distance that no head has: NPairsLoss (dot products), AngularLoss (mixes lengths and angles),
  LargeMarginSoftmaxLoss and SphereFaceLoss (lengths), SignalToNoiseRatioContrastiveLoss
- remembering things outside a checkpoint, or changing weights beside the optimiser, so that a
  resumed training would differ: DynamicSoftMarginLoss, P2SGradLoss
- additions to another loss rather than losses: IntraPairVarianceLoss,
  ThresholdConsistentMarginLoss
- for pictures without labels: SelfSupervisedLoss, VICRegLoss, InstanceLoss, ManifoldLoss
- our own, tested against it: ContrastiveLoss on pairs, CosFaceLoss, CrossBatchMemory
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytorch_metric_learning import distances, losses
from torch import nn

from firstsight.learning.recipes.schema.catalogue import CatalogueLoss
from firstsight.learning.recipes.schema.network import HeadKind

__all__ = ["CATALOGUE", "CatalogueEntry", "build_catalogued"]

Distance = Callable[[], distances.BaseDistance]


@dataclass(frozen=True)
class CatalogueEntry:
    """loss: the library's class. distance: what it is given to compare by, which rises or falls
    with the distance of `head` and nothing else.

    arguments: the library's name for each setting of the recipe's table.
    per_class: whether it holds weights for every class.
    """

    loss: type[nn.Module]
    head: HeadKind
    distance: Distance
    arguments: Mapping[str, str] = field(default_factory=dict)
    per_class: bool = False


def _euclidean() -> distances.BaseDistance:
    return distances.LpDistance(normalize_embeddings=False, p=2, power=1)


def _squared_euclidean() -> distances.BaseDistance:
    return distances.LpDistance(normalize_embeddings=False, p=2, power=2)


def _squared_chord() -> distances.BaseDistance:
    """Between embeddings at length 1: twice the cosine distance."""
    return distances.LpDistance(normalize_embeddings=True, p=2, power=2)


_cosine = distances.CosineSimilarity

CATALOGUE: Mapping[str, CatalogueEntry] = {
    "arcface": CatalogueEntry(
        losses.ArcFaceLoss, "cosine", _cosine, {"margin_deg": "margin", "scale": "scale"}, True
    ),
    "subcenter_arcface": CatalogueEntry(
        losses.SubCenterArcFaceLoss,
        "cosine",
        _cosine,
        {"margin_deg": "margin", "scale": "scale", "n_centres": "sub_centers"},
        True,
    ),
    "normalized_softmax": CatalogueEntry(
        losses.NormalizedSoftmaxLoss, "cosine", _cosine, {"temperature": "temperature"}, True
    ),
    "proxy_anchor": CatalogueEntry(
        losses.ProxyAnchorLoss, "cosine", _cosine, {"margin": "margin", "alpha": "alpha"}, True
    ),
    "proxy_nca": CatalogueEntry(
        losses.ProxyNCALoss, "euclidean", _squared_euclidean, {"scale": "softmax_scale"}, True
    ),
    "soft_triple": CatalogueEntry(
        losses.SoftTripleLoss,
        "cosine",
        _cosine,
        {"n_centres": "centers_per_class", "scale": "la", "gamma": "gamma", "margin": "margin"},
        True,
    ),
    "supervised_contrastive": CatalogueEntry(
        losses.SupConLoss, "cosine", _cosine, {"temperature": "temperature"}
    ),
    "multi_similarity": CatalogueEntry(
        losses.MultiSimilarityLoss,
        "cosine",
        _cosine,
        {"alpha": "alpha", "beta": "beta", "base": "base"},
    ),
    "circle": CatalogueEntry(
        losses.CircleLoss, "cosine", _cosine, {"margin": "m", "gamma": "gamma"}
    ),
    "contrastive_in_batch": CatalogueEntry(
        losses.ContrastiveLoss,
        "euclidean",
        _euclidean,
        {"positive_margin": "pos_margin", "negative_margin": "neg_margin"},
    ),
    "generalized_lifted_structure": CatalogueEntry(
        losses.GeneralizedLiftedStructureLoss,
        "euclidean",
        _euclidean,
        {"positive_margin": "pos_margin", "negative_margin": "neg_margin"},
    ),
    "nca": CatalogueEntry(
        losses.NCALoss, "euclidean", _squared_euclidean, {"scale": "softmax_scale"}
    ),
    "fast_ap": CatalogueEntry(losses.FastAPLoss, "cosine", _squared_chord, {"n_bins": "num_bins"}),
    "ranked_list": CatalogueEntry(
        losses.RankedListLoss,
        "euclidean",
        _euclidean,
        {
            "margin": "margin",
            "boundary": "alpha",
            "negative_temperature": "Tn",
            "positive_temperature": "Tp",
            "imbalance": "imbalance",
        },
    ),
}


def build_catalogued(settings: CatalogueLoss, n_classes: int, embedding_size: int) -> nn.Module:
    """forward(embeddings (B, D), labels (B,)) -> scalar loss, by the recipe's settings."""
    entry = CATALOGUE[settings.kind]
    chosen: dict[str, Any] = settings.model_dump(include=set(entry.arguments))
    given = {entry.arguments[ours]: value for ours, value in chosen.items()}
    if entry.per_class:
        given |= {"num_classes": n_classes, "embedding_size": embedding_size}
    return entry.loss(distance=entry.distance(), **given)
