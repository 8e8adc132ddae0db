"""Model folders of published ImageNet networks: no training of ours, at most a centring."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from firstsight.data.packed import PackedPictures
from firstsight.evaluation.scorecard import find_commit, find_version
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.backbones import KINDS, Backbone, build_backbone
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.networks.weights import load_published, published
from firstsight.learning.recipes.schema import parse_recipe
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.export import KeptWeights, export_onnx, tensors_of
from firstsight.learning.training.validation import embed_all
from firstsight.model.folder import ModelInfo, write_model_folder
from firstsight.similarity import Cosine

__all__ = ["preprocessing_of", "write_pretrained"]


# Pictures, taken evenly from all, whose mean is as good as that of all.
_ENOUGH = 1000


class _Seen(NamedTuple):
    """What a network was shown while it was trained: size in px, mean, deviation."""

    size: int
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_LITE = ((127 / 255,), (128 / 255,))  # (x - 127) / 128 of 0..255, as fractions of 1
_SEEN: dict[Backbone, _Seen] = {
    "squeezenet1_0": _Seen(227, *_IMAGENET),
    "squeezenet1_1": _Seen(224, *_IMAGENET),
    "efficientnet_lite0": _Seen(224, *_LITE),
    "efficientnet_lite1": _Seen(240, *_LITE),
    "efficientnet_lite2": _Seen(260, *_LITE),
}


def preprocessing_of(backbone: Backbone) -> Preprocessing:
    """How a network was shown its pictures while it was trained, but for random crops."""
    seen = _SEEN[backbone]
    return Preprocessing(
        size=seen.size, mode="rgb", fit="crop", mean=seen.mean, deviation=seen.deviation
    )


def write_pretrained(
    backbone: Backbone,
    to: Path,
    *,
    centre_on: PackedPictures | None = None,
    name: str | None = None,
    weights: KeptWeights = "full",
) -> Path:
    """Write the model folder `to` of a published network: its features, averaged over the picture
    and compared by angle. Weights are stored in half precision.

    centre_on: pictures (their labels are not looked at) whose mean the angles are seen from.
    name: what the model is called; default: like its folder. weights: to train on further.
    """
    origin = published(backbone)
    network = build_backbone(backbone)
    load_published(backbone, network)
    tower = PooledTower(
        network.features, network.n_channels, unit_sphere=True, centred=centre_on is not None
    ).eval()
    preprocessing = preprocessing_of(backbone)
    if tower.centre is not None and centre_on is not None:
        tower.centre.copy_(_mean_features(tower, centre_on, preprocessing))
    write_model_folder(
        to,
        onnx=export_onnx(tower, preprocessing, half=True),
        tensors=tensors_of(tower, weights),
        info=ModelInfo(
            name=name or to.resolve().name,
            preprocessing=preprocessing,
            head=Cosine(),
            embedding_size=network.n_channels,
            recipe=_recipe(backbone, preprocessing, centre_on),
            data_fingerprint=centre_on.fingerprint if centre_on else "",
            made_by={
                "firstsight": find_version(),
                "commit": find_commit(),
                "published": backbone,
                "data_credit": origin.credit,
                "licence": origin.licence,
            },
        ),
    )
    return to


def _mean_features(
    tower: PooledTower, pictures: PackedPictures, preprocessing: Preprocessing
) -> Tensor:
    """(D,): the mean of the averaged features at length 1; the tower's centre is zero still."""
    rows = np.zeros(len(pictures), bool)
    rows[:: -(-len(pictures) // _ENOUGH)] = True
    return embed_all(tower, pictures.select(rows), preprocessing, torch.device("cpu")).mean(0)


def _recipe(
    backbone: Backbone, preprocessing: Preprocessing, centre_on: PackedPictures | None
) -> dict[str, object]:
    """How the network would be tuned: the recipe `photos-tuned`, over this one."""
    data = "ImageNet, by the publishers of its weights"
    if centre_on is not None:
        data += f"; centred on {len(centre_on):,} unlabelled pictures of {centre_on.name}"
    recipe = load_recipe("photos-tuned").model_dump(mode="json")
    kind, version = KINDS[backbone]
    recipe |= {
        "name": backbone,
        "description": "as published",
        "same_means": "the same category of thing, by looks",
        "data": {"train": data},
        "network": {
            "kind": kind,
            "version": version,
            "lr_factor": recipe["network"]["lr_factor"],
        },
    }
    seen = preprocessing.to_json()
    recipe["picture"] |= {key: seen[key] for key in recipe["picture"]}
    return parse_recipe(recipe, origin=f"the recipe of {backbone}").model_dump(mode="json")
