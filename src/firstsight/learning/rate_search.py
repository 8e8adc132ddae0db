"""The search of Koch et al. 2015, section 3.2: each layer's own rate, momentum and penalty.

Optuna proposes and remembers, in one SQLite file. What a trial proposes follows from the seed and
from the trials that ended before it, so a search that was interrupted proposes what it would have
proposed anyway.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import StorageInternalError
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from firstsight.errors import StorageError, UsageError
from firstsight.learning.recipes.schema import Recipe, parse_recipe

__all__ = ["RANGES", "Ended", "Range", "RateSearch", "RateTrial", "layers_of", "open_search"]

_STUDY = "rates"
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_UNJUDGED_TRIALS = 5  # before any is given up
_UNJUDGED_SHARE = 0.3  # of a trial's steps; at first every network is near chance


@dataclass(frozen=True)
class Range:
    """Where values are drawn from, evenly, or evenly in their logarithm."""

    low: float
    high: float
    log: bool

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


# The paper: 1e-4..1e-1, 0..1, 0..0.1. A momentum of 1 never forgets a gradient. Drawn
# evenly, half of the penalties would be above 0.05, which leaves no weights; 1e-6 is next to none.
RANGES = {
    "lr": Range(1e-4, 1e-1, log=True),
    "momentum": Range(0.0, 0.999, log=False),
    "l2": Range(1e-6, 1e-1, log=True),
}


@dataclass(frozen=True)
class Ended:
    """A trial that ended. accuracy: its best, 0..1, None where it never got to a look; how: in
    words; parts: its values, as a recipe's override."""

    number: int
    accuracy: float | None
    steps: int
    how: str
    parts: str
    complete: bool


class RateTrial:
    """A trial under way: what it proposes, and how it goes."""

    def __init__(self, trial: optuna.Trial, layers: tuple[str, ...]) -> None:
        self._trial, self.number = trial, trial.number
        self.parts = _override({layer: self._values(layer) for layer in layers})

    def hopeless(self, step: int, accuracy: float) -> bool:
        """Whether it is below the median of the others at this step."""
        self._trial.report(accuracy, step)
        return bool(self._trial.should_prune())

    def end(self, *, accuracy: float | None, steps: int, how: str) -> None:
        """accuracy: None for a trial that was given up, or broke."""
        for name, value in {"steps": steps, "how": how, "parts": self.parts}.items():
            self._trial.set_user_attr(name, value)
        if accuracy is None:
            self._trial.study.tell(self._trial, state=TrialState.PRUNED)
        else:
            self._trial.study.tell(self._trial, accuracy)

    def _values(self, layer: str) -> dict[str, float]:
        # Three digits, so that what is printed is what was tried.
        return {
            name: float(f"{self._suggested(f'{layer}.{name}', among):.3g}")
            for name, among in RANGES.items()
        }

    def _suggested(self, name: str, among: Range) -> float:
        return self._trial.suggest_float(name, among.low, among.high, log=among.log)


class RateSearch:
    """All trials of one recipe's layers, those that `optimiser.parts` names."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def is_of(self, recipe: Recipe, data_fingerprint: str) -> bool:
        """Whether it searches for this recipe on these pictures; a new one does from now on.

        Its first trial is of the recipe's own values, where they lie in the ranges.
        """
        kept = self._study.user_attrs
        if "recipe" in kept:
            return self.recipe == recipe and kept["data"] == data_fingerprint
        own = _own_values(recipe)
        if all(value in RANGES[name.rpartition(".")[2]] for name, value in own.items()):
            self._study.enqueue_trial(own, skip_if_exists=True)
        self._study.set_user_attr("data", data_fingerprint)
        self._study.set_user_attr("recipe", recipe.model_dump(mode="json"))
        return True

    @property
    def recipe(self) -> Recipe:
        """The recipe that is searched for."""
        return parse_recipe(dict(self._study.user_attrs["recipe"]), origin="the search's recipe")

    def next_trial(self) -> RateTrial:
        """The one that an interrupted call left half done, or a new one."""
        recipe, half_done = self.recipe, self._trials(TrialState.RUNNING)
        steps, seed = recipe.training.steps, recipe.training.seed
        drawn = np.random.SeedSequence([seed, 31, len(self._trials(*_FINISHED))])
        self._study.sampler = TPESampler(seed=int(drawn.generate_state(1)[0]))
        self._study.pruner = MedianPruner(_UNJUDGED_TRIALS, round(_UNJUDGED_SHARE * steps))
        trial = (
            optuna.Trial(self._study, half_done[0]._trial_id) if half_done else self._study.ask()
        )
        return RateTrial(trial, layers_of(recipe))

    def ended(self) -> list[Ended]:
        """Every trial that ended, the first one first."""
        return [
            Ended(
                number=trial.number,
                accuracy=trial.value,
                steps=trial.user_attrs["steps"],
                how=trial.user_attrs["how"],
                parts=trial.user_attrs["parts"],
                complete=trial.state == TrialState.COMPLETE,
            )
            for trial in self._trials(*_FINISHED)
        ]

    def best(self) -> Ended | None:
        """The best of those that were neither given up nor broke; of equal ones the first."""
        complete = [trial for trial in self.ended() if trial.complete]
        return max(complete, key=lambda trial: trial.accuracy or 0, default=None)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=states)


@contextmanager
def open_search(file: Path) -> Iterator[RateSearch]:
    """The search in `file`, which is made where it is not there. StorageError where it is damaged
    or cannot be written."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        # Its own creator, because an address leaves no room for a path with a question mark.
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{_STUDY}", engine_kwargs={"creator": lambda: sqlite3.connect(file)}
        )
        try:
            yield RateSearch(
                optuna.create_study(
                    storage=storage, study_name=_STUDY, direction="maximize", load_if_exists=True
                )
            )
        finally:
            storage.remove_session()
            storage.engine.dispose()
    except (StorageInternalError, SQLAlchemyError, sqlite3.Error) as trouble:
        cause = str(trouble.__cause__ or trouble).splitlines()[0]
        raise StorageError(
            f"{file} could not be read or written as a search ({cause}); free some room or close "
            "what else uses it, or move it away to begin anew"
        ) from trouble


def layers_of(recipe: Recipe) -> tuple[str, ...]:
    """The parts whose values are searched. UsageError where the recipe names none."""
    if recipe.optimiser.kind != "sgd" or not recipe.optimiser.parts:
        raise UsageError(
            "a search needs kind sgd and the layers to search, by name in optimiser.parts"
        )
    return tuple(each.part for each in recipe.optimiser.parts)


def _own_values(recipe: Recipe) -> dict[str, float]:
    rest = recipe.optimiser
    return {
        f"{each.part}.{name}": getattr(rest if own is None else each, name)
        for each in rest.parts
        for name in RANGES
        for own in [getattr(each, name)]
    }


def _override(values: dict[str, dict[str, float]]) -> str:
    """As TOML, on one line."""
    tables = [
        f'{{part="{layer}", ' + ", ".join(f"{key}={value!r}" for key, value in own.items()) + "}"
        for layer, own in values.items()
    ]
    return f"optimiser.parts=[{', '.join(tables)}]"
