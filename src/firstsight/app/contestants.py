"""Who is judged: a model as it is used, and the baselines beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.remarks import say
from firstsight.errors import MissingExtraError, RecipeError

if TYPE_CHECKING:
    from firstsight.deciding.calibrated import Calibrated
    from firstsight.evaluation.embedding import Embed
    from firstsight.model.embedder import Embedder
    from firstsight.similarity import Head

__all__ = ["Contestant", "baselines_of", "untrained"]


@dataclass(frozen=True)
class Contestant:
    """Whoever is judged: a name, and how it turns pictures into comparable embeddings.

    calibrated: what it knows about its own distances, where it was calibrated.
    """

    @classmethod
    def of(cls, embedder: Embedder) -> Contestant:
        """A model as it is used. ModelFolderError where its calibration is damaged."""
        from firstsight.recognition.comparing import calibrated_of

        info = embedder.info
        return cls(info.name, embedder.embed_pixels, info.head, calibrated_of(embedder))

    name: str
    embed: Embed
    head: Head
    calibrated: Calibrated | None = None


def baselines_of(embedder: Embedder, console: Console) -> Iterator[Contestant]:
    """What the same trials give without learning: the untrained network, raw pixels, a constant.

    The untrained network is left out, and it is said why, where PyTorch is not installed or the
    model's recipe builds none.
    """
    from firstsight.evaluation.baselines import embed_constant, embed_raw_pixels
    from firstsight.similarity import Cosine, Euclidean

    try:
        yield untrained(embedder)
    except (MissingExtraError, RecipeError) as reason:
        say(console, f"the untrained network is left out: {reason}")
    yield Contestant("raw pixels", embed_raw_pixels, Cosine())
    yield Contestant("a constant", embed_constant, Euclidean())


def untrained(embedder: Embedder) -> Contestant:
    """The model's own network with the random weights that its training began with."""
    from firstsight.app.extras import require_learning

    require_learning("the untrained baseline")
    if "published" in embedder.info.made_by:
        raise RecipeError(
            f"{embedder.info.name} is a published network, and nobody trained it here"
        )
    from firstsight.learning.training.untrained import build_untrained

    return Contestant("untrained network", *build_untrained(embedder.info.recipe))
