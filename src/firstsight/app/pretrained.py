"""Use case: a model folder from a published network, without any training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.extras import require_learning
from firstsight.app.packing import open_with_progress
from firstsight.app.remarks import say

if TYPE_CHECKING:
    from firstsight.learning.networks.backbones import Backbone
    from firstsight.learning.training.export import KeptWeights

__all__ = ["make_pretrained"]


def make_pretrained(
    backbone: Backbone | str,
    to: str | Path,
    *,
    centre_on: str | Path | None = None,
    weights: KeptWeights = "full",
    console: Console | None = None,
) -> Path:
    """Write the model folder `to` of `backbone` with its published weights: squeezenet1_0,
    squeezenet1_1, efficientnet_lite0, _lite1 or _lite2, or hf:NAME for a vision model of Hugging
    Face (its name there, or a folder).

    centre_on: a folder of pictures of any kind; the embeddings are seen from their mean.
    weights: those to train on; "half" rounds them to float16, "none" leaves them out.
    Raises UsageError for another backbone, DataUnavailable where its weights are nowhere to be
    had, DataError where they are not the genuine ones, MissingExtraError, StorageError,
    ModelFolderError.
    """
    require_learning("exporting a network")
    from firstsight.learning.training.pretrained import (
        credit_of,
        preprocessing_of,
        write_pretrained,
    )

    console = console or Console(stderr=True)
    credit, licence = credit_of(backbone)
    say(console, f"weights: {credit}; published under {licence}")
    pictures = None
    if centre_on is not None:
        pictures = open_with_progress(str(centre_on), preprocessing_of(backbone), console)
    return write_pretrained(backbone, Path(to), centre_on=pictures, weights=weights)
