"""Trainings as folders: begin one, carry one on, write its model again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from firstsight.data.packed import PackedPictures
from firstsight.errors import CheckpointError, TrainingError, storing
from firstsight.learning.recipes.schema import Recipe, parse_recipe
from firstsight.learning.training.callbacks import BEST, LAST
from firstsight.learning.training.export import KeptWeights
from firstsight.learning.training.finish import write_model
from firstsight.learning.training.processes import processes_here
from firstsight.learning.training.session import Run, Session
from firstsight.learning.training.starting import Start

__all__ = ["Run", "Start", "differences", "export", "read_recipe", "read_start", "resume", "train"]

_RECORD = "run.json"


def train(
    recipe: Recipe,
    pictures: PackedPictures,
    folder: Path,
    *,
    console: Console,
    start: Start | None = None,
) -> Run:
    """Train from step 0 into a new `folder`.

    start: a model whose weights to begin with; a loss's class weights begin anew in any case.
    Raises TrainingError where `folder` already holds a run, or where the loss breaks (the best
    weights so far are in the model folder then); DataError where the pictures cannot serve.
    """
    is_first = processes_here().is_first  # the others must not take its record for another's
    if is_first and (folder / _RECORD).exists():
        raise TrainingError(
            f"{folder} already holds a training; resume it with --resume {folder}, "
            "or name another folder with --out"
        )
    # First, so that pictures it refuses leave no folder behind that looks like a run.
    session = Session(recipe, pictures, folder, console, start)
    record = {
        "recipe": recipe.model_dump(mode="json"),
        "data": pictures.fingerprint,
        "beside": session.beside_fingerprint,
        "learned": session.learned,
        "start": None if start is None else start.to_json(),
    }
    if is_first:
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / _RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
    return session.run(checkpoint=None)


def resume(
    folder: Path, pictures: PackedPictures, *, recipe: Recipe | None, console: Console
) -> Run:
    """Carry on from the last checkpoint, to the same weights as without the interruption.

    Raises CheckpointError where `folder` holds no training, one of another recipe than the one
    given, or one of other pictures.
    """
    started = read_recipe(folder)
    if recipe is not None and recipe != started:
        raise CheckpointError(
            f"{folder} holds a training of another recipe (they differ in "
            f"{', '.join(differences(recipe, started))}); resume without naming a recipe, "
            "or train into another folder"
        )
    record = _read_record(folder)
    if record["data"] != pictures.fingerprint:
        raise _other_pictures(folder, pictures.name)
    session = Session(started, pictures, folder, console, read_start(folder))
    if record["beside"] != session.beside_fingerprint:
        raise _other_pictures(folder, started.data.beside)
    return session.resume()


def _other_pictures(folder: Path, name: str) -> CheckpointError:
    return CheckpointError(
        f"{folder} was trained on other pictures than {name} holds now; restore them, or train "
        "anew into another folder"
    )


def export(
    folder: Path,
    to: Path,
    *,
    which: Literal["best", "last"],
    weights: KeptWeights = "full",
    half: bool = False,
) -> Path:
    """Write the model folder `to` from a checkpoint of the training in `folder`.

    The model is called like the folder it is written to.

    `best` means `last` where nothing was held out to choose by. CheckpointError where there is
    no such checkpoint, or a damaged one.
    """
    record = _read_record(folder)
    names = (BEST, LAST) if which == "best" else (LAST,)
    checkpoint = next((path for name in names if (path := folder / name).exists()), None)
    if checkpoint is None:
        raise CheckpointError(f"{folder} has no checkpoint yet; train it further with --resume")
    recipe = parse_recipe(record["recipe"], origin=str(folder / _RECORD))
    return write_model(
        recipe,
        checkpoint,
        to,
        name=to.resolve().name,
        data_fingerprint=record["data"],
        beside_fingerprint=record["beside"],
        learned=record["learned"],
        weights=weights,
        half=half,
        start=record["start"],
    )


def read_recipe(folder: Path) -> Recipe:
    """The recipe that the training in `folder` was started with."""
    return parse_recipe(_read_record(folder)["recipe"], origin=str(folder / _RECORD))


def read_start(folder: Path) -> Start | None:
    """The model whose weights the training in `folder` began with, if any."""
    start: Start | None = _read_record(folder)["start"]
    return start


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        start = record.get("start")
        return {
            "recipe": dict(record["recipe"]),
            "data": str(record["data"]),
            "beside": str(record.get("beside", "")),
            "learned": str(record.get("learned", "")),
            "start": None if start is None else Start.from_json(start),
        }
    except (OSError, ValueError, TypeError, KeyError):
        raise CheckpointError(
            f"{folder} holds no training that could be resumed; "
            "give the folder that 'firstsight train' printed"
        ) from None


def differences(a: Recipe, b: Recipe) -> list[str]:
    """The keys in which two recipes differ, in alphabetical order."""

    def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in tables.items():
            nested = flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {}
            found |= nested or {prefix + key: value}
        return found

    left, right = flat(a.model_dump()), flat(b.model_dump())
    return sorted(key for key in left | right if left.get(key) != right.get(key))
