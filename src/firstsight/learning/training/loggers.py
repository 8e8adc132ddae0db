"""Where the figures of a training go: Lightning's loggers, by a recipe's [logs]."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from firstsight.errors import RecipeError
from firstsight.learning.recipes.schema.training import LoggerTable, Logs

__all__ = ["build_loggers", "keep_rows"]


def build_loggers(logs: Logs, folder: Path) -> list[Logger]:
    """Raises RecipeError for a logger that is not there, is none, or refuses its arguments."""
    loggers: list[Logger] = []
    if logs.csv:
        loggers.append(CSVLogger(folder, name="logs", version="csv"))
    if logs.tensorboard:
        loggers.append(TensorBoardLogger(folder, name="logs", version="tensorboard"))
    return [*loggers, *map(_build, logs.more)]


def keep_rows(loggers: Iterable[Logger], n_steps: int) -> None:
    """Let files of Lightning's CSV logger, which it begins anew, go on behind the rows of the first
    `n_steps` steps. Before the Trainer opens them."""
    for logger in loggers:
        if isinstance(logger, CSVLogger):
            rows = _rows_of(Path(logger.log_dir) / "metrics.csv")
            logger.experiment.metrics += [row for row in rows if int(row["step"]) < n_steps]
            logger.save()  # at once: the file is gone since the logger was opened


def _rows_of(file: Path) -> list[dict[str, Any]]:
    """Those that are whole, steps from 0; none where there is no such file."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    whole = [row for row in rows if None not in (*row, *row.values())]
    return [row for row in whole if row.get("step", "").isdigit()]


def _build(table: LoggerTable) -> Logger:
    place, _, name = table.logger.rpartition(".")
    try:
        found = getattr(import_module(place), name)
    except (ImportError, AttributeError) as trouble:
        raise RecipeError(
            f"logs.more names {table.logger}, which does not import ({trouble}); "
            "install its package, or correct the path"
        ) from trouble
    if not (isinstance(found, type) and issubclass(found, Logger)):
        raise RecipeError(
            f"logs.more names {table.logger}, which is no lightning.pytorch.loggers.Logger; "
            "name a class that is"
        )
    try:
        return found(**table.arguments)
    except Exception as trouble:  # whatever a foreign constructor raises
        raise RecipeError(
            f"the logger {table.logger} could not be made ({trouble}); "
            "mend logs.more's arguments, or leave it out"
        ) from trouble
