"""Model folders of published networks: no training of ours, at most a centring."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from firstsight.data.packed import PackedPictures
from firstsight.evaluation.scorecard import find_commit, find_version
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.backbones import KINDS, Backbone
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.networks.weights import published
from firstsight.learning.recipes.hub import PREFIX, model_folder, picture_of
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.shelf import load_recipe, overridden
from firstsight.learning.training.build import build_preprocessing, build_tower
from firstsight.learning.training.export import KeptWeights, export_onnx, tensors_of
from firstsight.learning.training.validation import embed_all
from firstsight.model.folder import ModelInfo, write_model_folder
from firstsight.similarity import Cosine

__all__ = ["credit_of", "preprocessing_of", "write_pretrained"]

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


def _is_of_hub(backbone: str) -> bool:
    """Whether the name is one of Hugging Face."""
    return backbone.startswith(PREFIX)


def credit_of(backbone: Backbone | str) -> tuple[str, str]:
    """Who made the network and its weights, and the licence they are published under."""
    if _is_of_hub(backbone):
        return f"{_hub_name(backbone)}, of Hugging Face", "the licence that its page names"
    origin = published(backbone)
    return origin.credit, origin.licence


def preprocessing_of(backbone: Backbone | str) -> Preprocessing:
    """How a network was shown its pictures while it was trained, but for random crops."""
    if _is_of_hub(backbone):
        return Preprocessing(**picture_of(model_folder(backbone)))
    seen = _SEEN[published(backbone).name]
    return Preprocessing(
        size=seen.size, mode="rgb", fit="crop", mean=seen.mean, deviation=seen.deviation
    )


def write_pretrained(
    backbone: Backbone | str,
    to: Path,
    *,
    centre_on: PackedPictures | None = None,
    name: str | None = None,
    weights: KeptWeights = "full",
) -> Path:
    """Write the model folder `to` of a published network: its features, averaged over the picture
    and compared by angle. Weights are stored in half precision.

    backbone: one of those with published ImageNet weights, or hf:NAME for one of Hugging Face.
    centre_on: pictures (their labels are not looked at) whose mean the angles are seen from.
    name: what the model is called; default: like its folder. weights: to train on further.
    """
    recipe = _recipe(backbone, preprocessing_of(backbone), centre_on)
    source = build_tower(recipe, as_started=True)
    assert isinstance(source, PooledTower)
    tower = PooledTower(
        source.features, source.n_channels, unit_sphere=True, centred=centre_on is not None
    ).eval()
    credit, licence = credit_of(backbone)
    preprocessing = build_preprocessing(recipe)
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
            embedding_size=tower.n_channels,
            recipe=recipe.model_dump(mode="json"),
            data_fingerprint=centre_on.fingerprint if centre_on else "",
            made_by={
                "firstsight": find_version(),
                "commit": find_commit(),
                "published": backbone,
                "data_credit": credit,
                "licence": licence,
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
    backbone: Backbone | str, preprocessing: Preprocessing, centre_on: PackedPictures | None
) -> Recipe:
    """How the network would be tuned: the recipe `photos-tuned`, over this one."""
    data = "what the publishers of its weights took"
    if not _is_of_hub(backbone):
        data = "ImageNet, by the publishers of its weights"
    if centre_on is not None:
        data += f"; centred on {len(centre_on):,} unlabelled pictures of {centre_on.name}"
    recipe = load_recipe("photos-tuned").model_dump(mode="json")
    recipe |= {
        "name": re.sub(r"[^A-Za-z0-9._-]", "-", _hub_name(backbone)).lstrip("._-")[-80:],
        "description": "as published",
        "same_means": "the same category of thing, by looks",
        "data": {"train": data},
        "network": _network(backbone) | {"lr_factor": recipe["network"]["lr_factor"]},
    }
    seen = preprocessing.to_json()
    recipe["picture"] |= {key: seen[key] for key in recipe["picture"]}
    return overridden(recipe, (), origin=f"the recipe of {backbone}")


def _network(backbone: str) -> dict[str, object]:
    if _is_of_hub(backbone):
        return {"kind": "huggingface", "name": _hub_name(backbone)}
    kind, version = KINDS[published(backbone).name]
    return {"kind": kind, "version": version}


def _hub_name(backbone: str) -> str:
    return backbone.removeprefix(PREFIX)
