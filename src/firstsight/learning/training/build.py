"""From a recipe's tables to modules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import nn

from firstsight.images.preprocess import Preprocessing
from firstsight.learning.augment.turns import TurnedClasses
from firstsight.learning.networks.backbones import backbone_named, build_backbone
from firstsight.learning.networks.compact import CompactTower
from firstsight.learning.networks.efficientnet import EfficientNetLite
from firstsight.learning.networks.heads import (
    CosineHead,
    EuclideanHead,
    HeadModule,
    WeightedL1Head,
)
from firstsight.learning.networks.huggingface import load_features
from firstsight.learning.networks.koch import KochTower
from firstsight.learning.networks.looks import CloserLook
from firstsight.learning.networks.pooled import Finer, PooledTower
from firstsight.learning.networks.weights import load_file, load_published
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.schema.network import (
    EfficientNetLiteNetwork,
    HuggingFaceNetwork,
    ImageNetNetwork,
    SqueezeNetNetwork,
)
from firstsight.sampling.batches import (
    BatchSource,
    ClassBatches,
    EpisodeBatches,
    HalfGroupBatches,
    UniformBatches,
)
from firstsight.sampling.pairs import BalancedPairs, FixedPairs

__all__ = [
    "build_batches",
    "build_head",
    "build_preprocessing",
    "build_tower",
    "finished_preprocessing",
]


def build_preprocessing(recipe: Recipe) -> Preprocessing:
    """How pictures are seen in training."""
    return Preprocessing(**recipe.picture.model_dump())


def finished_preprocessing(recipe: Recipe) -> Preprocessing:
    """How pictures are seen by the finished model: larger, where it takes a closer look."""
    return replace(build_preprocessing(recipe), size=recipe.shown_size)


def build_tower(recipe: Recipe, *, as_started: bool = False) -> nn.Module:
    """The tower: normalised pictures (B, C, S, S) float32 to embeddings (B, D).

    as_started: with the weights that the recipe starts from, where it names any; otherwise
        random ones, to be filled from a checkpoint.
    """
    network = recipe.network
    if network.kind == "koch":
        return KochTower()
    if network.kind == "squeezenet" or network.kind == "efficientnet_lite":
        return _photo_tower(recipe, network, as_started)
    if network.kind == "huggingface":
        return _hugging_face_tower(recipe, network, as_started)
    return CompactTower(
        channels=1 if recipe.picture.mode == "grey" else 3,
        picture_size=recipe.picture.size,
        stem=network.stem,
        widths=network.widths,
        blocks=network.blocks,
        embedding_size=network.embedding_size,
        unit_sphere=network.unit_sphere,
        turned_views=network.turned_views,
        smoothing=network.smoothing,
    )


def _photo_tower(
    recipe: Recipe, network: SqueezeNetNetwork | EfficientNetLiteNetwork, as_started: bool
) -> PooledTower:
    name = backbone_named(network.kind, network.version)
    backbone = build_backbone(name)
    if as_started and network.weights == "imagenet":
        load_published(name, backbone)
    elif as_started and network.weights != "random":
        load_file(Path(network.weights), backbone)
    layers, n_channels = list(backbone.features), backbone.n_channels
    if network.kind == "squeezenet":
        layers, n_channels = layers[: network.n_layers], network.n_channels
    finer = None
    if network.kind == "efficientnet_lite" and network.finer:
        assert isinstance(backbone, EfficientNetLite)
        finer = Finer(backbone.finer_at, backbone.n_finer, network.finer)
    return _pooled(
        nn.Sequential(*layers),
        n_channels,
        recipe,
        network,
        n_frozen=None if network.n_frozen == "all" else network.n_frozen,
        finer=finer,
    )


def _hugging_face_tower(
    recipe: Recipe, network: HuggingFaceNetwork, as_started: bool
) -> PooledTower:
    assert network.n_features is not None  # the schema sees to it
    features = load_features(
        network.name,
        network.n_features,
        trained=as_started and network.weights == "published",
        pooled=network.pooled,
        n_frozen=0 if network.n_frozen == "all" else network.n_frozen,
    )
    n_frozen = None if network.n_frozen == "all" else 0  # some are frozen already
    layers = nn.Sequential(features)
    return _pooled(layers, network.n_features, recipe, network, n_frozen=n_frozen)


def _pooled(
    features: nn.Sequential,
    n_channels: int,
    recipe: Recipe,
    network: ImageNetNetwork | HuggingFaceNetwork,
    *,
    n_frozen: int | None,
    finer: Finer | None = None,
) -> PooledTower:
    closer = None
    if network.closer is not None:
        closer = CloserLook(recipe.picture.size, recipe.shown_size, network.closer_weight)
    return PooledTower(
        features,
        n_channels,
        projection=network.projection,
        unit_sphere=network.unit_sphere,
        power=network.power,
        window=network.window,
        whitened=network.whitened,
        grid=network.grid,
        mirrored=network.mirrored,
        finer=finer,
        closer=closer,
        n_frozen=n_frozen,
        keep_statistics=network.weights != "random",
    )


def build_head(recipe: Recipe) -> HeadModule:
    if recipe.head.kind == "weighted_l1":
        return WeightedL1Head(recipe.network.embedding_size)
    return EuclideanHead() if recipe.head.kind == "euclidean" else CosineHead()


def build_batches(recipe: Recipe, classes: TurnedClasses) -> BatchSource:
    """The recipe's sampler over the virtual (turned) pictures."""
    batch, seed = recipe.batches, recipe.training.seed
    if batch.kind == "uniform":
        return UniformBatches(classes.n_pictures, batch.size, seed)
    if batch.kind == "half_group":
        return HalfGroupBatches(classes.turned_groups, size=batch.size, seed=seed)
    labels = classes.turned_labels
    if batch.kind == "classes":
        return ClassBatches(
            labels, n_classes=batch.n_classes, n_pictures=batch.n_pictures, seed=seed
        )
    if batch.kind == "episodes":
        return EpisodeBatches(
            labels, n_way=batch.n_way, k_shot=batch.k_shot, n_query=batch.n_query, seed=seed
        )
    groups = classes.turned_groups if batch.within_group else None
    if batch.pool is None:
        return BalancedPairs(labels, n_pairs=batch.n_pairs, seed=seed, groups=groups)
    return FixedPairs(
        labels,
        pool=batch.pool,
        n_pairs=batch.n_pairs,
        seed=seed,
        groups=groups,
        visits=batch.visits,
    )
