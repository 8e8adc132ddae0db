"""Use case: the three tables of Koch et al. 2015, cell by cell, each a training that resumes.

A cell's training, model and figures lie in a folder of its own, so that the tables are printed
from whatever has been run, and stay empty elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app import training
from firstsight.app.evaluating import evaluate
from firstsight.app.extras import require_learning
from firstsight.app.remarks import say
from firstsight.errors import UsageError
from firstsight.evaluation.koch2015_published import (
    EPOCHS,
    ON_DIGITS,
    ONE_SHOT,
    PAIRS,
    VERIFICATION,
)
from firstsight.evaluation.scorecard import Scorecard

if TYPE_CHECKING:
    from firstsight.learning.recipes.schema import Recipe

__all__ = ["Cell", "Line", "Tables", "epoch_steps", "recipe_of", "run_cell", "tables"]

RECIPE = "koch"
PROTOCOLS = ("koch2015", "mnist")
FEWEST_LOOKS = 10  # at the validation trials, where a budget is less than so many epochs


@dataclass(frozen=True)
class Cell:
    """One cell of table 1: so many training pairs ("30k", "90k", "150k"), distorted or not."""

    pairs: str
    affine: bool

    @property
    def name(self) -> str:
        return f"{self.pairs}-affine" if self.affine else self.pairs

    @property
    def told(self) -> str:
        return f"{self.pairs} pairs, {'affine x8' if self.affine else 'no distortion'}"


CELLS = tuple(Cell(*key) for key in VERIFICATION)


@dataclass(frozen=True)
class Line:
    """A line of a table. published, ours: in percent, None where there is none; interval: 95 %.

    note: how much of the paper's training stands behind ours, or who was judged.
    """

    who: str
    published: float | None = None
    ours: float | None = None
    interval: tuple[float, float] | None = None
    n: int | None = None
    note: str = ""


Tables = dict[str, list[Line]]


def recipe_of(cell: Cell, budget: float, overrides: Sequence[str] = ()) -> list[str]:
    """The overrides that make the recipe `koch` this cell's, the user's own last.

    budget: share of the paper's 200 epochs, in (0, 1]. UsageError for another.
    """
    from firstsight.learning.recipes.shelf import load_recipe

    if not 0 < budget <= 1:
        raise UsageError(f"the budget is {budget}; give a share of the paper's training, up to 1")
    chosen = [
        f"batches.pool={PAIRS[cell.pairs]}",
        f"batches.visits={9 if cell.affine else 1}",
        f"augment.affine.probability={0.5 if cell.affine else 0.0}",
    ]
    epoch = epoch_steps(load_recipe(RECIPE, [*chosen, *overrides]))
    steps = max(1, round(budget * EPOCHS * epoch))
    looks = min(epoch, max(1, steps // FEWEST_LOOKS))
    return [*chosen, f"training.steps={steps}", f"training.validate_every={looks}", *overrides]


def run_cell(
    cell: Cell, out: Path, *, budget: float, overrides: Sequence[str], console: Console
) -> bool:
    """Train the cell, or carry its training on, and judge it; False where Ctrl-C came before.

    What is there already is not done again. CheckpointError where the folder holds the cell by
    another budget or other overrides.
    """
    require_learning("training a network")
    from firstsight.learning.recipes.shelf import load_recipe
    from firstsight.learning.training.run import read_recipe
    from firstsight.model.folder import add_scores

    folder, chosen = out / cell.name, recipe_of(cell, budget, overrides)
    if not (folder / "run.json").exists():
        run = training.train(RECIPE, out=folder, overrides=chosen, console=console)
    elif _cards(folder) and read_recipe(folder) == load_recipe(RECIPE, chosen):
        return True
    else:
        run = training.carry_on(folder, RECIPE, chosen, console=console)
    if run.ended == "stopped":
        return False
    say(console, f"judging {cell.told}")
    cards = [evaluate(run.model, protocol=each, console=console) for each in PROTOCOLS]
    add_scores(run.model, [card.to_json() for card in cards])
    return True


def tables(out: Path, beside: Sequence[str], console: Console) -> Tables:
    """The paper's tables 1, 2 and 3 with what was run in `out`, and other models beside.

    beside: model folders or shipped models' names; their figures are kept in `out`.
    """
    ours = {cell: cards for cell in CELLS if (cards := _cards(out / cell.name))}
    others = {name: _judged(name, out, console) for name in beside}
    return {
        "table 1": _verification(ours, others, out),
        "table 2": _listed(ONE_SHOT, [_one_shot(*each) for each in _each(ours, others, out)]),
        "table 3": _listed(ON_DIGITS, [_on_digits(*each) for each in _each(ours, others, out)]),
    }


Cards = dict[str, Scorecard]


def _verification(ours: dict[Cell, Cards], others: dict[str, Cards], out: Path) -> list[Line]:
    lines = []
    for cell in CELLS:
        published = VERIFICATION[cell.pairs, cell.affine]
        if cell not in ours:
            lines.append(Line(cell.told, published, note="not run"))
            continue
        card, budget = ours[cell]["koch2015"], _budget(out / cell.name)
        lines.append(Line(cell.told, published, *_percent(card), card.n, budget))
    for name, cards in others.items():
        card = cards["koch2015"]
        lines.append(Line(name, None, *_percent(card), card.n, "another network"))
    return lines


def _listed(published: dict[str, float], measured: list[Line]) -> list[Line]:
    lines = [Line(who, figure) for who, figure in published.items()]
    return lines + (measured or [Line("the convolutional Siamese network here", note="not run")])


def _each(
    ours: dict[Cell, Cards], others: dict[str, Cards], out: Path
) -> list[tuple[str, Cards, str]]:
    """Who was judged, by which cards, and by what training."""
    own = [(f"here: {cell.told}", ours[cell], _budget(out / cell.name)) for cell in ours]
    return own + [(name, cards, "another network") for name, cards in others.items()]


def _one_shot(who: str, cards: Cards, note: str) -> Line:
    details = cards["koch2015"].details
    low, high = details["one_shot_interval"]
    figure, n = 100 * details["one_shot_accuracy"], details["one_shot_trials"]
    return Line(who, None, figure, (100 * low, 100 * high), n, note)


def _on_digits(who: str, cards: Cards, note: str) -> Line:
    return Line(who, None, *_percent(cards["mnist"]), cards["mnist"].n, note)


def _percent(card: Scorecard) -> tuple[float, tuple[float, float]]:
    low, high = card.interval
    return 100 * card.value, (100 * low, 100 * high)


def _budget(folder: Path) -> str:
    """How much of the paper's training a cell had, as in "300 of 46,800 batches of 128 (0.6 %)"."""
    from firstsight.learning.training.run import read_recipe

    recipe = read_recipe(folder)
    full, steps = EPOCHS * epoch_steps(recipe), recipe.training.steps
    assert recipe.batches.kind == "pairs"
    share = f"{100 * steps / full:.2g} %"
    return f"{steps:,} of {full:,} batches of {recipe.batches.n_pairs} ({share})"


def epoch_steps(recipe: Recipe) -> int:
    """Batches in one epoch. UsageError where the recipe draws from no pool of pairs."""
    batches = recipe.batches
    if batches.kind != "pairs" or batches.pool is None:
        raise UsageError("a cell of the paper's tables learns from a pool of pairs; leave it so")
    return (batches.pool * batches.visits // 2) // (batches.n_pairs // 2)


def _cards(folder: Path) -> Cards:
    """What the model in a cell's folder scored; empty where it was not judged yet."""
    from firstsight.model.folder import read_model_info

    if not (folder / "model" / "model.json").exists():
        return {}
    found = map(Scorecard.from_json, read_model_info(folder / "model").scores)
    cards = {card.protocol: card for card in found}
    return cards if set(PROTOCOLS) <= set(cards) else {}


def _judged(model: str, out: Path, console: Console) -> Cards:
    """The cards of another model; from `out` where this very model was judged before."""
    from firstsight.model.folder import read_model_info, resolve_model

    fingerprint = read_model_info(resolve_model(model)).fingerprint
    kept = out / "beside" / f"{fingerprint[:16]}.json"
    if kept.exists():
        cards = [Scorecard.from_json(each) for each in json.loads(kept.read_text("utf-8"))]
    else:
        say(console, f"judging {model}")
        cards = [evaluate(model, protocol=each, console=console) for each in PROTOCOLS]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([card.to_json() for card in cards]), encoding="utf-8")
    return {card.protocol: card for card in cards}
