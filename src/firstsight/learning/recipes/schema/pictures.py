"""[data] and [picture]: what trains, and how the network sees it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from firstsight.learning.recipes.schema.table import Table

__all__ = ["Data", "Picture"]


class Data(Table):
    """Which pictures train, and which of them are held out to watch the training."""

    train: str = Field("omniglot:background", description="data set or folder to train on")
    beside: str = Field(
        "", description="a further set to learn from, whole; nothing of it is held out"
    )
    held_out_groups: int = Field(
        0, ge=0, description="groups (alphabets) kept from training for validation; 0 for none"
    )
    held_out_classes: float = Field(
        0.0, ge=0, lt=1, description="share of classes kept from training where there are no groups"
    )
    held_out_part: int = Field(
        0, ge=0, description="which part is held out; parts of one seed have nothing in common"
    )
    watch: str = Field(
        "", description="data set to watch the training by, in place of what is held out"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Data:
        if self.held_out_groups and self.held_out_classes:
            raise ValueError("held_out_groups and held_out_classes exclude each other")
        if self.watch and (self.held_out_groups or self.held_out_classes):
            raise ValueError("watch stands in place of held_out_groups and held_out_classes")
        return self


class Picture(Table):
    """How a picture becomes the network's input; travels in the model folder."""

    size: int = Field(32, ge=8, le=1024, description="side of the square, pixels")
    mode: Literal["grey", "rgb"] = Field("grey", description="colours the network sees")
    invert: bool = Field(False, description="dark ink becomes 1, light paper 0")
    fit: Literal["squash", "crop", "pad", "ink"] = Field(
        "squash",
        description="how a picture becomes a square; ink frames what is drawn, black on white",
    )
    mean: tuple[float, ...] = Field((0.0,), description="subtracted, one for each colour")
    deviation: tuple[float, ...] = Field((1.0,), description="divided by, one for each colour")
