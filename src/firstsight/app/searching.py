"""Use case: search rates, momenta and penalties layer by layer for a cell of Koch et al. 2015.

Judged by the paper's criterion, one-shot trials of the validation alphabets, and by nothing else.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.extras import require_learning, require_searching
from firstsight.app.packing import open_with_progress
from firstsight.app.remarks import say
from firstsight.app.reproducing import RECIPE, Cell, epoch_steps, recipe_of
from firstsight.app.training import shares_with_others
from firstsight.errors import CheckpointError, UsageError, storing

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.learning.rate_search import Ended, RateSearch, RateTrial
    from firstsight.learning.recipes.schema import Recipe

__all__ = ["Found", "best_found", "search"]

_FILE = "trials.sqlite"
_QUIET = ("logs.csv=false", "logs.tensorboard=false")


@dataclass(frozen=True)
class Found:
    """Every trial so far, and the best of those that came to their end; stopped: by Ctrl-C."""

    trials: list[Ended]
    best: Ended | None
    stopped: bool


def search(
    cell: Cell,
    out: Path,
    *,
    n_trials: int,
    budget: float,
    overrides: Sequence[str],
    console: Console,
) -> Found:
    """Run so many more trials for `cell`, a half-done one first; what was found lies in `out`.

    budget: of each trial, a share of the paper's 200 epochs, in (0, 1].
    CheckpointError where `out` holds the cell's search by another budget or other overrides.
    """
    require_learning("training a network")
    require_searching("a search over learning rates")
    from firstsight.learning.rate_search import layers_of, open_search
    from firstsight.learning.recipes.shelf import load_recipe
    from firstsight.learning.training.build import build_preprocessing
    from firstsight.learning.training.run import differences

    if shares_with_others():
        raise UsageError("a search is one process; start it without torchrun")
    chosen = [*recipe_of(cell, budget, overrides), *_QUIET]
    recipe = load_recipe(RECIPE, chosen)
    layers_of(recipe)  # where it names none, before a file is made
    if _criterion(recipe) != _criterion(load_recipe(RECIPE)):
        raise UsageError(
            "a search learns from the paper's training alphabets, and judges by one-shot trials of "
            "its validation alphabets; leave data, training.watch and training.validation_trials "
            "as they are"
        )
    _tell_momentum(recipe, console)
    pictures = open_with_progress(recipe.data.train, build_preprocessing(recipe), console)
    folder = _folder(out, cell)
    with storing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with open_search(folder / _FILE) as kept:
        if not kept.is_of(recipe, pictures.fingerprint):
            differing = ", ".join(differences(recipe, kept.recipe)) or "the pictures"
            raise CheckpointError(
                f"{folder} holds a search for another recipe (they differ in {differing}); give "
                "what it was begun with, or search in another folder with --out"
            )
        stopped = not all(
            _ended(kept, chosen, pictures, folder, f"{number} of {n_trials}", console)
            for number in range(1, n_trials + 1)
        )
        return Found(kept.ended(), kept.best(), stopped)


def _criterion(recipe: Recipe) -> tuple[object, ...]:
    """All that could let other alphabets choose values."""
    return recipe.data, recipe.training.watch, recipe.training.validation_trials


def _tell_momentum(recipe: Recipe, console: Console) -> None:
    """Say so where trials are too short to tell one momentum from another."""
    schedule, epochs = recipe.schedule, recipe.training.steps / epoch_steps(recipe)
    if schedule.momentum_start is not None and epochs < schedule.momentum_epochs:
        say(
            console,
            f"trials of {epochs:.2g} epochs, and momentum rises from {schedule.momentum_start} for "
            f"{schedule.momentum_epochs}: what is found of momenta will say little",
        )


def best_found(cell: Cell, out: Path) -> str:
    """The override that brings the best values found for `cell`.

    UsageError where nothing was found.
    """
    require_searching("reading a search over learning rates")
    from firstsight.learning.rate_search import open_search

    file = _folder(out, cell) / _FILE
    if file.exists():
        with open_search(file) as kept:
            if best := kept.best():
                return best.parts
    raise UsageError(
        f"nothing was found yet for {cell.told} in {out}; search first, with --search instead of "
        "--searched"
    )


def _ended(
    kept: RateSearch,
    chosen: Sequence[str],
    pictures: PackedPictures,
    folder: Path,
    count: str,
    console: Console,
) -> bool:
    """Bring one trial to its end; False where Ctrl-C came before, or asks for no other."""
    from firstsight.learning.recipes.shelf import load_recipe
    from firstsight.learning.training.module import BrokenLoss
    from firstsight.learning.training.trying import try_out

    trial = kept.next_trial()
    place = folder / f"trial-{trial.number}"
    for left in set(folder.glob("trial-*")) - {place}:  # killed between its end and its sweeping
        shutil.rmtree(left, ignore_errors=True)
    going_on = ", carried on" if place.exists() else ""
    say(console, f"trial {trial.number} ({count}){going_on}")
    recipe = load_recipe(RECIPE, [*chosen, trial.parts])
    interrupted = False
    try:
        tried = try_out(recipe, pictures, place, hopeless=trial.hopeless, console=console)
    except BrokenLoss as broken:
        trial.end(accuracy=None, steps=broken.step, how=str(broken))
        say(console, f"trial {trial.number} broke: {broken}")
    else:
        if tried.ended == "stopped":
            return False
        interrupted, hopeless = tried.interrupted, tried.ended == "hopeless"
        trial.end(accuracy=None if hopeless else tried.accuracy, steps=tried.steps, how=tried.ended)
        say(console, _told(trial, tried.accuracy, tried.ended, kept.best()))
    shutil.rmtree(place, ignore_errors=True)
    return not interrupted


def _told(trial: RateTrial, accuracy: float, ended: str, best: Ended | None) -> str:
    told = f"trial {trial.number}: one-shot accuracy {100 * accuracy:.2f} %, {ended}"
    if best is None or best.accuracy is None:
        return told
    return f"{told}; best so far {100 * best.accuracy:.2f} % by trial {best.number}"


def _folder(out: Path, cell: Cell) -> Path:
    return out / f"{cell.name}-search"
