"""[optimiser] and [schedule]: how weights move, all of them or part by part."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from firstsight.learning.recipes.schema.table import Table

__all__ = ["Optimiser", "PartRates", "Schedule"]


class PartRates(Table):
    """One part's own numbers; what is left out is as for the rest."""

    part: str = Field(
        min_length=1, description="a named part of the tower (features.0, dense), head, or loss"
    )
    lr: float | None = Field(None, gt=0, description="learning rate of the part, at its peak")
    momentum: float | None = Field(None, ge=0, lt=1, description="of the part; sgd only")
    l2: float | None = Field(None, ge=0, description="of the part; sgd and adam only")


class Optimiser(Table):
    kind: Literal["sgd", "adam", "adamw"] = Field("adamw", description="which optimiser")
    lr: float = Field(1e-3, gt=0, description="learning rate at its peak")
    momentum: float = Field(0.9, ge=0, lt=1, description="sgd only")
    nesterov: bool = Field(True, description="look ahead along the momentum; sgd only")
    beta2: float = Field(0.999, gt=0, lt=1, description="adam and adamw only")
    weight_decay: float = Field(0.0, ge=0, description="of weights, not of biases")
    l2: float = Field(
        0.0, ge=0, description="times the sum of squared weights joins the loss; sgd and adam only"
    )
    clip_norm: float | None = Field(None, gt=0, description="largest gradient length")
    parts: tuple[PartRates, ...] = Field((), description="a later one wins where they overlap")

    @model_validator(mode="after")
    def _means_something(self) -> Optimiser:
        penalised = bool(self.l2) or any(each.l2 for each in self.parts)
        if penalised and self.kind == "adamw":
            raise ValueError(
                "adamw shrinks weights beside the gradient, which is no penalty in the loss; "
                "use weight_decay, or kind sgd or adam with l2"
            )
        if penalised and self.weight_decay:
            raise ValueError("l2 and weight_decay shrink weights twice; set one of them")
        if self.kind != "sgd" and any(each.momentum is not None for each in self.parts):
            raise ValueError(f"kind {self.kind} has no momentum to set; use kind sgd")
        return self


class Schedule(Table):
    kind: Literal["constant", "cosine", "decay"] = Field(
        "cosine", description="of the learning rate"
    )
    warmup_share: float = Field(0.0, ge=0, lt=1, description="share of the steps, rising linearly")
    final_share: float = Field(0.0, ge=0, le=1, description="of the peak, at the end of a cosine")
    decay_per_epoch: float = Field(0.99, gt=0, le=1, description="factor, for kind decay")
    momentum_start: float | None = Field(
        None, ge=0, lt=1, description="rises from here to each part's own; sgd only"
    )
    momentum_epochs: int = Field(10, ge=1, description="epochs until momentum is at its own")
