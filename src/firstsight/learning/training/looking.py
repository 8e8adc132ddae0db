"""A finished model once more, looking at pictures in another way: the same weights, other settings
of its network that matter once it is trained."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from firstsight.errors import RecipeError, TrainingError
from firstsight.learning.networks.heads import HeadModule
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.recipes.schema.network import once_trained
from firstsight.learning.recipes.shelf import overridden
from firstsight.learning.training.build import build_head, build_tower, finished_preprocessing
from firstsight.learning.training.export import (
    KeptWeights,
    export_onnx,
    opened,
    tensors_of,
)
from firstsight.learning.training.starting import Start
from firstsight.model.folder import ModelInfo, read_model_info, read_onnx, write_model_folder

__all__ = ["changed_looks", "look_otherwise"]

# Weights in model.onnx may be rounded to float16, and may have been made by another version.
_ALIKE = 1e-2


def changed_looks(model: Path, overrides: Sequence[str]) -> Recipe:
    """The recipe of a model folder with `key=value` overrides of what matters once it is trained.

    RecipeError where one changes anything else: that would need a training.
    """
    origin = f"the recipe of {model}"
    info = read_model_info(model)
    before = parse_recipe(info.recipe, origin=origin)
    recipe = overridden(copy.deepcopy(info.recipe), overrides, origin=origin)
    free = once_trained(before.network)
    as_before = {name: getattr(before.network, name) for name in free}
    if type(recipe.network) is not type(before.network) or before != recipe.model_copy(
        update={"network": recipe.network.model_copy(update=as_before)}
    ):
        can = " and ".join(f"network.{name}" for name in sorted(free)) or "nothing"
        raise RecipeError(
            f"only how a finished model looks at pictures can be changed without learning anew: "
            f"{can}, for {model}; train another for the rest"
        )
    return recipe


def look_otherwise(
    model: Path, recipe: Recipe, to: Path, *, weights: KeptWeights = "full", half: bool = False
) -> Path:
    """Write the model folder `to`: the weights of `model`, looking at pictures as `recipe` says.

    recipe: from `changed_looks`. weights, half: as for `export`. Distances are others than before,
    so the calibration, the scores and the landmarks are left out.
    Raises what `Start.put_into` raises, and TrainingError where the model's own ONNX file does not
    do what its weights and recipe say.
    """
    info = read_model_info(model)
    before, _ = _made(model, parse_recipe(info.recipe, origin=f"the recipe of {model}"))
    _require_alike(before, model, info)
    tower, head = _made(model, recipe)
    preprocessing = finished_preprocessing(recipe)
    write_model_folder(
        to,
        onnx=export_onnx(tower, preprocessing, half=half),
        tensors=tensors_of(tower, weights),
        info=replace(
            info,
            preprocessing=preprocessing,
            head=head.frozen(),
            embedding_size=recipe.embedding_size,
            recipe=recipe.model_dump(mode="json"),
            calibration=None,
            scores=(),
        ),
    )
    return to


def _made(model: Path, recipe: Recipe) -> tuple[nn.Module, HeadModule]:
    tower, head = build_tower(recipe), build_head(recipe)
    Start.at(model).put_into(tower, head)
    return tower.eval(), head


@torch.no_grad()
def _require_alike(tower: nn.Module, model: Path, info: ModelInfo) -> None:
    seen = info.preprocessing
    pictures = torch.rand(
        (2, seen.channels, seen.size, seen.size), generator=torch.Generator().manual_seed(0)
    )
    ours = np.asarray(tower(pictures))
    theirs = opened(read_onnx(model))(pictures.numpy())[:, : ours.shape[1]]  # without landmarks
    gap = np.abs(ours - theirs).max() / max(np.abs(theirs).max(), 1e-12)
    if not gap <= _ALIKE:
        raise TrainingError(
            f"{model} recognises by something else than its weights and its recipe make "
            f"(embeddings differ by {gap:.1e} of the largest value), so it cannot be changed; "
            "train it anew"
        )
