"""`firstsight pretrained`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firstsight.app.cli.speaking import messages
from firstsight.app.pretrained import make_pretrained

if TYPE_CHECKING:
    from firstsight.learning.networks.backbones import Backbone

__all__ = ["pretrained"]


def pretrained(
    backbone: Backbone, to: Path, *, centre_on: Path | None, without_weights: bool
) -> None:
    folder = make_pretrained(
        backbone, to, centre_on=centre_on, tensors=not without_weights, console=messages()
    )
    print(folder)  # noqa: T201
