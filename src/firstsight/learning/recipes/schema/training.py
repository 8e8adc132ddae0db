"""[training] and [logs]: how long, how closely watched, and where figures go."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from firstsight.learning.recipes.schema.table import Table

__all__ = ["LoggerTable", "Logs", "Training"]


class Training(Table):
    steps: int = Field(
        2000, ge=0, description="batches in all; 0 keeps a whitened network as it begins"
    )
    validate_every: int = Field(200, ge=1, description="steps between checkpoints and validations")
    watch: Literal["one_shot", "pairs", "views"] = Field(
        "one_shot",
        description="held-out classes by one-shot trials, by 1 - equal error rate of pairs, or by "
        "finding each picture from another view of it",
    )
    validation_trials: int = Field(1000, ge=1, description="20-way one-shot trials")
    patience: int | None = Field(None, ge=1, description="validations without improvement to stop")
    min_delta: float = Field(0.0, ge=0, description="smaller gains are none")
    min_delta_percent: float = Field(
        0.0, ge=0, description="gains smaller than this share of the best, in percent, are none"
    )
    ema_decay: float | None = Field(None, gt=0, lt=1, description="average of the weights")
    blend: float = Field(
        1.0, gt=0, le=1, description="share of what features learned in the finished model; the "
        "rest is how they began"
    )  # fmt: skip
    precision: Literal["auto", "f32", "bf16"] = Field(
        "auto", description="auto: bf16 where the machine has units for it"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="of everything that is drawn")


class LoggerTable(Table):
    logger: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$",
        description="dotted path of a Lightning logger's class",
    )
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="that its class is called with"
    )


class Logs(Table):
    csv: bool = Field(True, description="RUN/logs/csv/metrics.csv")
    tensorboard: bool = Field(True, description="RUN/logs/tensorboard")
    more: tuple[LoggerTable, ...] = Field((), description="other loggers of Lightning's kind")
