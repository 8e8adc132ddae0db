"""From a checkpoint to a model folder."""

from __future__ import annotations

from pathlib import Path
from pickle import UnpicklingError  # what torch raises for a file it will not load

import torch
from torch import nn

from firstsight.data.known import known_datasets
from firstsight.errors import CheckpointError
from firstsight.evaluation.scorecard import find_commit, find_hardware, find_version
from firstsight.learning.networks.backbones import backbone_named
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.networks.weights import published
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.schema.network import (
    EfficientNetLiteNetwork,
    PhotoNetwork,
    SqueezeNetNetwork,
)
from firstsight.learning.training.build import build_head, build_tower, finished_preprocessing
from firstsight.learning.training.export import KeptWeights, export_onnx, tensors_of
from firstsight.learning.training.starting import CREDITS, Start
from firstsight.model.folder import ModelInfo, write_model_folder

__all__ = ["load_weights", "steps_done", "write_model"]


def write_model(
    recipe: Recipe,
    checkpoint: Path,
    folder: Path,
    *,
    data_fingerprint: str,
    name: str | None = None,
    weights: KeptWeights = "full",
    half: bool = False,
    beside_fingerprint: str = "",
    learned: str = "",
    start: Start | None = None,
) -> Path:
    """Write the model folder of a checkpoint's weights (the average, where there is one).

    beside_fingerprint: of a further set that it learned from; "" for none.
    learned: which pictures it learned from, see data/learned.py; "" where nobody knows.
    start: the model that the training began with, whose credits this one takes over.
    name: what the model is called; default: like its recipe. weights: to train on further.
    half: large weights of the ONNX file are stored as float16.
    """
    parts = nn.ModuleDict({"tower": build_tower(recipe), "head": build_head(recipe)})
    load_weights(parts, checkpoint)
    tower, head = parts["tower"], parts["head"]
    assert isinstance(head, HeadModule)
    if recipe.training.blend < 1:
        _blend(tower, recipe, start)
    preprocessing = finished_preprocessing(recipe)
    write_model_folder(
        folder,
        onnx=export_onnx(tower, preprocessing, half=half),
        tensors=tensors_of(tower, weights),
        info=ModelInfo(
            name=name or recipe.name,
            preprocessing=preprocessing,
            head=head.frozen(),
            embedding_size=recipe.embedding_size,
            recipe=recipe.model_dump(mode="json"),
            data_fingerprint=data_fingerprint,
            made_by={
                "firstsight": find_version(),
                "commit": find_commit(),
                "seed": recipe.training.seed,
                "hardware": find_hardware(),
                "data_credit": _credits(recipe.data.train, recipe.data.beside),
                **({"beside_fingerprint": beside_fingerprint} if beside_fingerprint else {}),
                **({"learned": learned} if learned else {}),
                **({"began_with": start.making} if start is not None and start.making else {}),
                **_began_with(recipe, start),
            },
        ),
    )
    return folder


@torch.no_grad()
def _blend(tower: nn.Module, recipe: Recipe, start: Start | None) -> None:
    """Mix features with those that the training began with, by their weights (Wortsman et al. 2022,
    "Robust fine-tuning of zero-shot models", eq. 1): much of what was learned, and less forgotten.
    """
    began = build_tower(recipe, as_started=start is None)
    if start is not None:
        start.put_into(began, build_head(recipe))
    assert isinstance(tower, PooledTower)
    assert isinstance(began, PooledTower)
    before = began.features.state_dict()
    for name, own in tower.features.state_dict().items():
        if own.is_floating_point():
            own.lerp_(before[name], 1 - recipe.training.blend)


def _began_with(recipe: Recipe, start: Start | None) -> dict[str, str]:
    """Whose features the training began with; `published` where nobody has changed them since."""
    network = recipe.network
    if start is not None:
        found = dict(start.credits)
    elif (
        isinstance(network, SqueezeNetNetwork | EfficientNetLiteNetwork)
        and network.weights == "imagenet"
    ):
        origin = published(backbone_named(network.kind, network.version))
        known = (origin.name, origin.credit, origin.licence)
        found = dict(zip(CREDITS, known, strict=True))
    else:
        return {}
    if isinstance(network, PhotoNetwork) and network.n_frozen != "all":
        found.pop("published", None)
    return found


def _credits(*data: str) -> str | None:
    """Who made the data sets that have a name; None where none has: a folder of somebody's own."""
    known = {each.name: f"{each.credit}, {each.licence}" for each in known_datasets()}
    return "; ".join(known[name] for name in data if name in known) or None


def load_weights(module: nn.Module, checkpoint: Path) -> None:
    """Put those of the checkpoint's weights into `module` that it has a place for.

    CheckpointError where the file is damaged, or holds another network.
    """
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
        own = module.state_dict()
        module.load_state_dict({name: state[name] for name in own})
    except (OSError, RuntimeError, KeyError, TypeError, EOFError, UnpicklingError) as trouble:
        raise CheckpointError(
            f"{checkpoint} is damaged or belongs to another network; "
            "train anew, or restore the file"
        ) from trouble


def steps_done(checkpoint: Path) -> int:
    """After how many steps a checkpoint that `load_weights` has taken was written."""
    found = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)
    return int(found["global_step"])
