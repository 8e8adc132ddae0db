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
from firstsight.learning.networks.weights import published
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.schema.network import EfficientNetLiteNetwork, SqueezeNetNetwork
from firstsight.learning.training.build import build_head, build_preprocessing, build_tower
from firstsight.learning.training.export import KeptWeights, export_onnx, tensors_of
from firstsight.model.folder import ModelInfo, write_model_folder

__all__ = ["load_weights", "write_model"]


def write_model(
    recipe: Recipe,
    checkpoint: Path,
    folder: Path,
    *,
    data_fingerprint: str,
    name: str | None = None,
    weights: KeptWeights = "full",
    half: bool = False,
) -> Path:
    """Write the model folder of a checkpoint's weights (the average, where there is one).

    name: what the model is called; default: like its recipe. weights: to train on further.
    half: large weights of the ONNX file are stored as float16.
    """
    parts = nn.ModuleDict({"tower": build_tower(recipe), "head": build_head(recipe)})
    load_weights(parts, checkpoint)
    tower, head = parts["tower"], parts["head"]
    assert isinstance(head, HeadModule)
    preprocessing = build_preprocessing(recipe)
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
                "data_credit": _credit(recipe.data.train),
                **_published(recipe),
            },
        ),
    )
    return folder


def _published(recipe: Recipe) -> dict[str, str]:
    """Whose features the training began with; `published` where it left them as they are."""
    network = recipe.network
    if not isinstance(network, SqueezeNetNetwork | EfficientNetLiteNetwork):
        return {}
    if network.weights != "imagenet":
        return {}
    origin = published(backbone_named(network.kind, network.version))
    credit = {"weights_credit": origin.credit, "licence": origin.licence}
    return credit if network.n_frozen != "all" else {"published": origin.name, **credit}


def _credit(data: str) -> str | None:
    """Who made the data; None for a folder of somebody's own."""
    return next(
        (f"{known.credit}, {known.licence}" for known in known_datasets() if known.name == data),
        None,
    )


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
