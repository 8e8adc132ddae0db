"""From a checkpoint to a model folder."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch

from firstsight.errors import CheckpointError
from firstsight.evaluation.scorecard import find_commit, find_hardware, find_version
from firstsight.learning.training.build import build_preprocessing
from firstsight.learning.training.export import export_onnx, tensors_of
from firstsight.learning.training.module import TwinTraining
from firstsight.model.folder import ModelInfo, write_model_folder

__all__ = ["write_model"]


def write_model(
    module: TwinTraining, checkpoint: Path, folder: Path, *, data_fingerprint: str
) -> Path:
    """Load the checkpoint's weights (the average, where there is one) and write the folder."""
    load_weights(module, checkpoint)
    recipe = module.recipe
    preprocessing = build_preprocessing(recipe)
    module = module.to("cpu")
    onnx = export_onnx(module.tower, preprocessing)
    write_model_folder(
        folder,
        onnx=onnx,
        tensors=tensors_of(module.tower),
        info=ModelInfo(
            name=recipe.name,
            preprocessing=preprocessing,
            head=module.head.frozen(),
            embedding_size=recipe.network.embedding_size,
            recipe=recipe.model_dump(mode="json"),
            data_fingerprint=data_fingerprint,
            made_by={
                "firstsight": find_version(),
                "commit": find_commit(),
                "seed": recipe.training.seed,
                "hardware": find_hardware(),
            },
        ),
    )
    return folder


def load_weights(module: TwinTraining, checkpoint: Path) -> None:
    """Put the checkpoint's weights into `module`; CheckpointError where they do not fit."""
    try:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
        module.load_state_dict(state)
    except (RuntimeError, KeyError, TypeError, EOFError, pickle.UnpicklingError) as trouble:
        raise CheckpointError(
            f"{checkpoint} is damaged or belongs to another network; "
            "train anew, or restore the file"
        ) from trouble
