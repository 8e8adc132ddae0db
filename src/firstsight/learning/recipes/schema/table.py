"""What every table of a recipe is: frozen, and strict about its keys."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Table"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)
