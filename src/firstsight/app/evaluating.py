"""Use case: what a model is worth, by named protocols, beside baselines on the same trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from firstsight.app.names import for_judging
from firstsight.app.remarks import say
from firstsight.errors import MissingExtraError, RecipeError, UsageError

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.deciding.calibrated import Calibrated
    from firstsight.evaluation.embedding import Embed
    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.model.embedder import Embedder
    from firstsight.similarity import Head

__all__ = [
    "Contestant",
    "Trials",
    "baselines_of",
    "evaluate",
    "judge",
    "require_known",
    "usual_protocols",
]


@dataclass(frozen=True)
class Trials:
    """Which trials to hold.

    n_trials: None for the protocol's own number; pairs where the protocol is `verification` or
    `koch2015`, queries where it is `retrieval`, episodes where it is `vinyals`.
    n_way: for `nway`, `vinyals` and `kshot` (None: the protocol's own). k_shot: for those and
    `openset`, `mnist`. across (groups), distinct_drawers: for the protocol `nway`; the last only
    makes sense where the data says who drew what.
    upright: `vinyals` without the quarter turns. false_accepts: the target of `openset`, in 0..1.
    """

    protocol: str = "lake2015"
    data: str = "omniglot"
    seed: int = 0
    n_trials: int | None = None
    n_way: int | None = None
    k_shot: int = 1
    across: bool = False
    distinct_drawers: bool = False
    upright: bool = False
    false_accepts: float = 0.01


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


def evaluate(
    model: str | Path,
    *,
    protocol: str = "lake2015",
    data: str | Path = "omniglot",
    seed: int = 0,
    report: str | Path | None = None,
    console: Console | None = None,
    **settings: Any,
) -> Scorecard:
    """Judge a model folder (or a shipped model's name) and return its scorecard.

    protocol: one of `firstsight.evaluation.protocols.PROTOCOLS`. data: a data set or folder the
    model was not trained on (lake2015, vinyals, koch2015 and mnist have their own). settings: as
    the fields of Trials: n_trials, n_way, k_shot, across, upright, false_accepts.
    report: an HTML file to write, with baselines and pictures beside the figure.
    Raises UsageError for an unknown protocol or one whose things the model has learned from,
    DataError where the data cannot serve.
    """
    from firstsight.model.embedder import load

    trials = Trials(protocol=protocol, data=str(data), seed=seed, **settings)
    embedder = load(model)
    if report is not None:
        from firstsight.app.reporting import evaluate_into

        results = evaluate_into(Path(report), embedder, [trials], console or Console(stderr=True))
        return results[protocol][0][1]
    card = judge([Contestant.of(embedder)], embedder, trials, console or Console(stderr=True))[0]
    return card.of_model(embedder.info.fingerprint)


def judge(
    contestants: Sequence[Contestant], embedder: Embedder, trials: Trials, console: Console
) -> list[Scorecard]:
    """A scorecard for each contestant, all on the same trials and the same pictures."""
    from firstsight.app.protocols import open_trials

    require_known(trials.protocol)
    opened = open_trials(trials, embedder.info, console)
    cards = [opened.judge(each) for each in contestants]
    others = {each.name: card for each, card in zip(contestants[1:], cards[1:], strict=True)}
    return [_with_doubts(cards[0], others, opened.pictures, console), *cards[1:]]


def _with_doubts(
    card: Scorecard,
    others: dict[str, Scorecard],
    pictures: PackedPictures | None,
    console: Console,
) -> Scorecard:
    """The card with what speaks against it among its details, which is also said."""
    from firstsight.evaluation.suspicion import count_twins, suspicions

    twins = None if pictures is None else count_twins(pictures)
    found = suspicions(card, others=others, twins=twins)
    for each in found:
        say(console, f"look again at {card.protocol}: {each.told}")
    return replace(card, details={**card.details, "warnings": [each.told for each in found]})


def usual_protocols(data: str) -> tuple[str, ...]:
    """What is judged by where nobody says: Omniglot has protocols of its own."""
    return ("lake2015", "dense") if for_judging(data) == "omniglot:evaluation" else ("nway",)


def require_known(protocol: str) -> None:
    """UsageError for a protocol of no such name."""
    from firstsight.evaluation.protocols import PROTOCOLS

    if protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise UsageError(f"there is no protocol {protocol!r}; choose one of {known}")


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
    from firstsight.app.training import require_learning

    require_learning("the untrained baseline")
    if "published" in embedder.info.made_by:
        raise RecipeError(
            f"{embedder.info.name} is a published network, and nobody trained it here"
        )
    from firstsight.learning.training.untrained import build_untrained

    return Contestant("untrained network", *build_untrained(embedder.info.recipe))
