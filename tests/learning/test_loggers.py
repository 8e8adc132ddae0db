from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from firstsight.data.packed import PackedPictures
from firstsight.errors import RecipeError
from firstsight.learning.recipes.schema.training import Logs
from firstsight.learning.training.loggers import build_loggers
from firstsight.learning.training.run import train

from .conftest import tiny_recipe


def test_any_lightning_logger_gets_the_figures_in_place_of_those_left_out(
    glyphs: PackedPictures, tmp_path: Path
) -> None:
    mine = {
        "logger": "lightning.pytorch.loggers.CSVLogger",
        "arguments": {"save_dir": str(tmp_path), "name": "mine", "version": "a"},
    }
    recipe = tiny_recipe(logs={"csv": False, "tensorboard": False, "more": [mine]})
    run = train(recipe, glyphs, tmp_path / "run", console=Console(quiet=True))
    assert not (run.folder / "logs").exists()
    with (tmp_path / "mine" / "a" / "metrics.csv").open() as lines:
        assert "one_shot_accuracy" in next(csv.reader(lines))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"logger": "not_there.Logger"}, r"does not import \(No module named 'not_there'\)"),
        ({"logger": "lightning.pytorch.loggers.Nothing"}, "does not import"),
        ({"logger": "pathlib.Path"}, r"is no lightning\.pytorch\.loggers\.Logger"),
        (
            {"logger": "lightning.pytorch.loggers.CSVLogger", "arguments": {"colour": "red"}},
            r"could not be made \(.*colour.*\); mend logs\.more's arguments",
        ),
    ],
)
def test_a_logger_that_cannot_serve_is_refused_plainly(
    table: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    logs = Logs.model_validate({"more": [table]})
    with pytest.raises(RecipeError, match=sentence):
        build_loggers(logs, tmp_path)


def test_a_refused_logger_leaves_no_run_behind(glyphs: PackedPictures, tmp_path: Path) -> None:
    recipe = tiny_recipe(logs={"more": [{"logger": "not_there.Logger"}]})
    with pytest.raises(RecipeError, match="not_there"):
        train(recipe, glyphs, tmp_path / "run", console=Console(quiet=True))
    assert not (tmp_path / "run").exists()
