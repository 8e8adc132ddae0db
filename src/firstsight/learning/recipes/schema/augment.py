"""[augment]: how pictures are varied while a network learns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from firstsight.learning.recipes.schema.table import Table

__all__ = ["Affine", "Augment", "Photo"]


class Affine(Table):
    rotation_deg: float = Field(0.0, ge=0, le=180, description="up to this, either way")
    shear: float = Field(0.0, ge=0, le=1, description="up to this, for x and y apart")
    scale: tuple[float, float] = Field((1.0, 1.0), description="lowest and highest")
    shift: float = Field(0.0, ge=0, le=0.5, description="share of the side")
    elastic: float = Field(0.0, ge=0, le=0.2, description="smooth bending, share of the side")
    probability: float = Field(1.0, ge=0, le=1, description="of each component on its own")
    keep_aspect: bool = Field(False, description="one scale for x and y")

    @model_validator(mode="after")
    def _rising_scale(self) -> Affine:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError("scale needs 0 < lowest <= highest")
        return self


class Photo(Table):
    brightness: float = Field(0.0, ge=0, le=1, description="up to this, either way")
    contrast: float = Field(0.0, ge=0, le=1, description="up to this, either way")
    saturation: float = Field(0.0, ge=0, le=1, description="up to this, either way")
    hue: float = Field(0.0, ge=0, le=0.5, description="up to this share of a turn, either way")
    crop: tuple[float, float] = Field(
        (1.0, 1.0), description="lowest and highest share of the picture's area"
    )
    aspect: tuple[float, float] = Field(
        (0.75, 1.3333), description="lowest and highest width / height of a crop"
    )

    @model_validator(mode="after")
    def _rising(self) -> Photo:
        if not 0 < self.crop[0] <= self.crop[1] <= 1:
            raise ValueError("crop needs 0 < lowest <= highest <= 1")
        if not 0 < self.aspect[0] <= self.aspect[1]:
            raise ValueError("aspect needs 0 < lowest <= highest")
        return self


class Augment(Table):
    turns: Literal[1, 4, 8] = Field(
        1, description="4: quarter turns are classes of their own; 8: mirror images too"
    )
    mirror: bool = Field(False, description="half of the pictures are seen in a mirror")
    thickness_px: float = Field(
        0.0, ge=0, le=3, description="strokes get up to this much thicker or thinner on each side"
    )
    other_views: float = Field(
        0.0, ge=0, le=1, description="share seen as another photograph would show them: moved, "
        "leaning, before other backgrounds, in other light, blurred"
    )  # fmt: skip
    affine: Affine | None = None
    photo: Photo | None = None
