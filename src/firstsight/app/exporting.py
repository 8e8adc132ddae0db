"""Use case: write a model folder once more, from a training's checkpoint or from another folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from rich.console import Console

from firstsight.app.crowding import crowd_after_training, crowd_alike
from firstsight.app.extras import require_learning
from firstsight.app.packing import open_with_progress
from firstsight.errors import UsageError
from firstsight.model.folder import (
    RECORD,
    TENSORS,
    read_model_info,
    read_onnx,
    read_tensors,
    resolve_model,
    shipped_models,
    write_model_folder,
)

if TYPE_CHECKING:
    from firstsight.learning.training.export import KeptWeights

__all__ = ["Which", "export"]

Which = Literal["best", "last"]


def export(
    folder: str | Path,
    to: str | Path,
    *,
    which: Which = "best",
    weights: KeptWeights = "full",
    half: bool = False,
    overrides: Sequence[str] = (),
    console: Console | None = None,
) -> Path:
    """Write a model folder at `to`, from a training's folder or from another model.

    folder: a training's, a model's, or a shipped model's name.

    which: of a training's checkpoints. weights: those to train on further; "half" rounds them to
        float16, "none" leaves them out.
    half: the ONNX file stores large weights as float16, in half the space.
    overrides: `key=value`, of how a finished model looks at pictures (`network.closer=0.75`); the
        weights stay. Distances change, so it must be calibrated anew. UsageError for a training,
        RecipeError for other keys.
    A recipe that sets `head.crowding` needs its data once more, but for a mere copy of a model.
    """
    require_learning("exporting a network")
    if which not in get_args(Which):
        raise UsageError(f"there is no checkpoint {which!r}; choose best or last")
    console = console or Console(stderr=True)
    folder, to = _folder_of(folder), Path(to)
    if not (folder / RECORD).exists():
        if overrides:
            raise UsageError(
                f"{folder} is no model, and only a finished one can be told to look otherwise; "
                f"give the model folder, such as {folder / 'model'}"
            )
        return _export_training(folder, to, which, weights, half, console)
    if overrides:
        return _look_otherwise(folder, to, overrides, weights, half, console)
    return _export_model(folder, to, weights=weights, half=half)


def _folder_of(given: str | Path) -> Path:
    path = Path(given)
    return (
        path if path.exists() or str(given) not in shipped_models() else resolve_model(str(given))
    )


def _export_training(
    folder: Path, to: Path, which: Which, weights: KeptWeights, half: bool, console: Console
) -> Path:
    from firstsight.learning.training.build import build_preprocessing
    from firstsight.learning.training.run import export as run
    from firstsight.learning.training.run import read_recipe, read_start

    recipe, start = read_recipe(folder), read_start(folder)
    pictures = None
    # What the landmarks come from must be there before anything is written.
    if recipe.head.crowding and start is not None:
        read_model_info(start.model)
    elif recipe.head.crowding:
        pictures = open_with_progress(recipe.data.train, build_preprocessing(recipe), console)
    model = run(folder, to, which=which, weights=weights, half=half)
    if pictures is not None:
        crowd_after_training(model, pictures, console)
    elif start is not None:
        crowd_alike(model, start.model)
    return model


def _look_otherwise(
    model: Path,
    to: Path,
    overrides: Sequence[str],
    weights: KeptWeights,
    half: bool,
    console: Console,
) -> Path:
    from firstsight.learning.training.build import build_preprocessing
    from firstsight.learning.training.looking import changed_looks, look_otherwise

    recipe = changed_looks(model, overrides)
    pictures = None
    if recipe.head.crowding:
        pictures = open_with_progress(recipe.data.train, build_preprocessing(recipe), console)
    look_otherwise(model, recipe, to, weights=weights, half=half)
    if pictures is not None:
        crowd_after_training(to, pictures, console)
    return to


def _export_model(model: Path, to: Path, *, weights: KeptWeights, half: bool) -> Path:
    from firstsight.learning.training.export import halved, stored

    info, onnx = read_model_info(model), read_onnx(model)
    tensors = None
    if (model / TENSORS).exists():
        tensors = stored(read_tensors(model), weights)
    write_model_folder(
        to, onnx=halved(onnx, info.preprocessing) if half else onnx, tensors=tensors, info=info
    )
    return to
