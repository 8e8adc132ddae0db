"""The tables of Koch et al. 2015, with cells that were run and cells that were not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from firstsight.app.reproducing import Cell, recipe_of, run_cell, tables
from firstsight.errors import CheckpointError, UsageError
from firstsight.learning.recipes.shelf import load_recipe

from ..command import here

QUIET = Console(quiet=True)
# A network of seconds in place of the paper's, from alphabets that are drawn here.
SMALL = (
    'data.train="glyphs"',
    'data.watch=""',
    "picture.size=16",
    'network={kind="compact", stem=4, widths=[8], blocks=[1], embedding_size=8}',
    "optimiser.parts=[]",
    "batches.n_pairs=8",
    "batches.pool=40",
)


@pytest.mark.parametrize(("affine", "visits"), [(False, 1), (True, 9)])
def test_a_cell_is_the_papers_pairs_epochs_and_distortion(affine: bool, visits: int) -> None:
    recipe = load_recipe("koch", recipe_of(Cell("90k", affine), 1.0))
    assert recipe.batches.kind == "pairs"
    assert (recipe.batches.n_pairs, recipe.batches.pool) == (128, 90_000)
    assert recipe.batches.visits == visits
    epoch = 45_000 * visits // 64  # of halves, same and different; the ragged rest is left out
    assert recipe.training.steps == 200 * epoch
    assert (recipe.training.validate_every, recipe.training.patience) == (epoch, 20)
    assert recipe.training.validation_trials == 320
    assert recipe.augment.affine is not None
    assert recipe.augment.affine.probability == (0.5 if affine else 0)


def test_a_budget_shortens_the_training_and_is_looked_at_ten_times() -> None:
    recipe = load_recipe("koch", recipe_of(Cell("30k", False), 0.01))
    assert recipe.training.steps == 2 * 234  # two epochs
    assert recipe.training.validate_every == 46
    with pytest.raises(UsageError, match=r"the budget is 0; give a share"):
        recipe_of(Cell("30k", False), 0)


def test_cells_that_were_not_run_stay_empty(tmp_path: Path) -> None:
    printed = here("reproduce", "koch2015", "--out", str(tmp_path), "--json")
    found = json.loads(printed.out)
    first = found["table 1"]
    assert [line["published"] for line in first] == [90.61, 91.90, 91.54, 93.15, 91.63, 93.42]
    assert {line["ours"] for line in first} == {None}
    assert {line["note"] for line in first} == {"not run"}
    assert [line["published"] for line in found["table 3"]] == [26.5, 70.3, None]


def test_how_to_train_a_cell_needs_a_cell() -> None:
    refused = here("reproduce", "koch2015", "--affine")
    assert refused.code == 2
    assert "name it by --pairs" in refused.err


def test_a_cell_is_trained_judged_printed_and_not_run_twice(
    data_root: Path, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    cell = Cell("30k", True)

    def once(budget: float) -> bool:
        return run_cell(cell, tmp_path, budget=budget, overrides=SMALL, console=QUIET)

    assert once(0.001)
    before = (tmp_path / cell.name / "last.ckpt").stat().st_mtime_ns
    assert once(0.001)
    assert (tmp_path / cell.name / "last.ckpt").stat().st_mtime_ns == before
    found = tables(tmp_path, [], QUIET)
    line = next(each for each in found["table 1"] if each.ours is not None)
    assert (line.who, line.published, line.n) == ("30k pairs, affine x8", 91.90, 10_000)
    # 20 halves of pairs, nine times, four to a batch: an epoch of 45 batches; 0.1 % of 200 are 9.
    assert line.note == "9 of 9,000 batches of 8 (0.1 %)"
    assert line.ours is not None and 40 < line.ours < 100
    assert found["table 2"][-1].n == 400
    assert found["table 3"][-1].n == 10_000
    with pytest.raises(CheckpointError, match=r"another recipe \(they differ in training\.steps"):
        once(0.002)
