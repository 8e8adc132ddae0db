"""`firstsight pretrained`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firstsight.app.cli.speaking import messages
from firstsight.app.pretrained import make_pretrained

if TYPE_CHECKING:
    from firstsight.learning.training.export import KeptWeights

__all__ = ["pretrained"]


def pretrained(backbone: str, to: Path, *, centre_on: Path | None, weights: KeptWeights) -> None:
    folder = make_pretrained(backbone, to, centre_on=centre_on, weights=weights, console=messages())
    print(folder)  # noqa: T201
