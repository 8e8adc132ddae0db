"""Use cases: train a recipe, resume a training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from firstsight.app.calibrating import calibrate_after_training
from firstsight.app.crowding import crowd_after_training
from firstsight.app.extras import require_learning
from firstsight.app.names import for_training
from firstsight.app.packing import open_with_progress
from firstsight.app.remarks import say
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.learning.recipes.schema import Recipe
    from firstsight.learning.training.run import Run

__all__ = [
    "carry_on",
    "free_folder",
    "held_out_by_default",
    "is_first_process",
    "resume",
    "say_what_is_held_out",
    "shares_with_others",
    "train",
    "with_data",
]

_HELD_OUT_SHARE, _LARGEST_SHARE = 0.2, 0.4
_FEWEST_TO_PART = 10  # two of them are held out, which is what one-shot trials need
_FEWEST_TO_CALIBRATE = 10


def train(
    recipe: str | Path,
    *,
    data: str | Path | None = None,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    console: Console | None = None,
) -> Run:
    """Train `recipe` (a shipped name or a TOML file) and write its model folder.

    data: a data set's name, a folder of pictures or a CSV file; default: the recipe's own. Of
        what recipes do not know a fifth of the classes is held out where they say nothing, or
        ten, which is what calibrating takes, where those are no more than two fifths.
    out: the run's folder; default: runs/NAME, numbered where that is taken.
    overrides: `key=value` in the recipe, like "training.steps=500".
    Returns the Run; its `.model` is what `load` and `evaluate` take.
    Raises RecipeError, DataError, TrainingError, StorageError, each in one sentence.
    """
    require_learning("training a network")
    from firstsight.learning.recipes.shelf import load_recipe

    if shares_with_others() and out is None:
        raise UsageError(
            "several processes need one folder for the run; name it with --out, "
            "the same for all of them"
        )
    console = _heard(console)
    chosen = with_data(overrides, data)
    checked = load_recipe(recipe, chosen)
    # PyTorch takes seconds to import, and mistakes should not wait for it.
    from firstsight.learning.training.build import build_preprocessing
    from firstsight.learning.training.run import train as run

    pictures = open_with_progress(checked.data.train, build_preprocessing(checked), console)
    if data is not None and not say_what_is_held_out(overrides):
        checked = load_recipe(recipe, [*chosen, *held_out_by_default(checked, console)])
    folder = Path(out) if out else free_folder(checked.name)
    done = run(checked, pictures, folder, console=console)
    _settle(done, pictures, console)
    return done


def with_data(overrides: Sequence[str], data: str | Path | None) -> list[str]:
    """The overrides of a recipe, `data` among them where it is given; short names are a set's part
    to train on."""
    named = [] if data is None else [f"data.train={json.dumps(for_training(str(data)))}"]
    return [*overrides, *named]  # as TOML quotes it


def say_what_is_held_out(overrides: Sequence[str]) -> bool:
    """Whether a user's own overrides settle it, so that nothing is to be held out by default."""
    return any(each.startswith(("data.held_out", "data.watch")) for each in overrides)


def held_out_by_default(recipe: Recipe, console: Console, *, n_parts: int = 0) -> list[str]:
    """What a training on a user's own pictures holds out, as overrides: a fifth of the classes.

    Or the ten that a calibration needs, for without one no picture is ever known. Another share
    of the recipe's own stands, and so do its groups where there are enough. What it watches by
    belongs to its own data set, not to another. n_parts: of the classes, where a training sees all
    but one of these.
    """
    from firstsight.data.catalogue import is_of_files, is_parted_by_recipes, read_manifest

    data = recipe.data
    unwatched = ['data.watch=""'] if data.watch else []
    parted = is_parted_by_recipes(data.train) and not data.watch
    settled = data.held_out_classes not in (0, _HELD_OUT_SHARE)
    if settled or parted or not is_of_files(data.train):
        return unwatched
    own = read_manifest(data.train)
    if 0 < data.held_out_groups < len(own.group_names):
        return []
    n_able = int((np.bincount(own.labels) > 1).sum())
    if n_parts:
        n_able -= -(-n_able // n_parts)
    if n_able < _FEWEST_TO_PART and (data.held_out_classes or n_able < 2):
        return unwatched  # with fewer than two nothing is learned, which the training says
    if n_able < _FEWEST_TO_PART:
        say(
            console,
            f"{data.train} has {n_able} classes with two pictures or more: too few to hold some "
            "out, so nothing will tell how well others are recognised; add classes",
        )
        return [*unwatched, "data.held_out_groups=0"]
    enough = round(_FEWEST_TO_CALIBRATE / n_able, 4)
    share = max(_HELD_OUT_SHARE, enough if enough <= _LARGEST_SHARE else 0)
    return [*unwatched, "data.held_out_groups=0", f"data.held_out_classes={share}"]


def resume(folder: str | Path, *, console: Console | None = None) -> Run:
    """Carry on the training in `folder` from its last checkpoint."""
    require_learning("training a network")
    from firstsight.learning.training.build import build_preprocessing
    from firstsight.learning.training.run import read_recipe, read_start
    from firstsight.learning.training.run import resume as run

    console = _heard(console)
    recipe = read_recipe(Path(folder))
    if read_start(Path(folder)) is not None:
        raise UsageError(f"{folder} holds a tuning of {recipe.data.train}; resume it as one")
    pictures = open_with_progress(recipe.data.train, build_preprocessing(recipe), console)
    done = run(Path(folder), pictures, recipe=None, console=console)
    _settle(done, pictures, console)
    return done


def carry_on(
    folder: Path, recipe: str | Path, overrides: Sequence[str], *, console: Console
) -> Run:
    """`resume`, but CheckpointError where the training in `folder` was of another recipe."""
    require_learning("training a network")
    from firstsight.learning.recipes.shelf import load_recipe
    from firstsight.learning.training.build import build_preprocessing
    from firstsight.learning.training.run import resume as run

    wanted = load_recipe(recipe, overrides)
    pictures = open_with_progress(wanted.data.train, build_preprocessing(wanted), console)
    done = run(folder, pictures, recipe=wanted, console=console)
    _settle(done, pictures, console)
    return done


def is_first_process() -> bool:
    """Whether this process speaks for a training that torchrun may have started several of."""
    from firstsight.learning.training.processes import processes_here

    return processes_here().is_first


def shares_with_others() -> bool:
    """Whether torchrun started several processes for this training."""
    from firstsight.learning.training.processes import processes_here

    return processes_here().count > 1


def _heard(console: Console | None) -> Console:
    return console or Console(stderr=True) if is_first_process() else Console(quiet=True)


def _settle(done: Run, pictures: PackedPictures, console: Console) -> None:
    """What a trained model still needs, worked out from the pictures by the finished model."""
    from firstsight.model.folder import read_model_info

    if is_first_process():
        info = read_model_info(done.model)
        if info.preprocessing.size != pictures.pixels.shape[1]:  # it looks closer than in training
            data = info.recipe["data"]["train"]
            pictures = open_with_progress(data, info.preprocessing, console)
        crowd_after_training(done.model, pictures, console)
        calibrate_after_training(done.model, pictures, console)


def free_folder(name: str) -> Path:
    """runs/NAME, or runs/NAME-2, -3, ... where that is taken."""
    number = 1
    while (folder := Path("runs") / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    return folder
