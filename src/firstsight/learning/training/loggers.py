"""Where the figures of a training go: Lightning's loggers, by a recipe's [logs]."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger

from firstsight.errors import RecipeError
from firstsight.learning.recipes.schema.training import LoggerTable, Logs

__all__ = ["build_loggers"]


def build_loggers(logs: Logs, folder: Path) -> list[Logger]:
    """Raises RecipeError for a logger that is not there, is none, or refuses its arguments."""
    loggers: list[Logger] = []
    if logs.csv:
        loggers.append(CSVLogger(folder, name="logs", version="csv"))
    if logs.tensorboard:
        loggers.append(TensorBoardLogger(folder, name="logs", version="tensorboard"))
    return [*loggers, *map(_build, logs.more)]


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
