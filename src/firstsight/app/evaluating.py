"""Use case: what a model is worth, by named protocols, beside baselines on the same trials."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from firstsight.app.names import for_judging
from firstsight.app.packing import open_with_progress
from firstsight.app.remarks import say
from firstsight.app.unseen import only_unseen
from firstsight.errors import MissingExtraError, RecipeError, UsageError

if TYPE_CHECKING:
    from firstsight.deciding.calibrated import Calibrated
    from firstsight.evaluation.embedding import Embed
    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.model.embedder import Embedder
    from firstsight.similarity import Head

__all__ = ["Contestant", "Trials", "baselines_of", "evaluate", "judge", "require_known"]


@dataclass(frozen=True)
class Trials:
    """Which trials to hold.

    n_trials: None for the protocol's own number; pairs where the protocol is `verification`.
    n_way, k_shot, across (groups), distinct_drawers: for the protocol `nway`; the last only makes
    sense where the data says who drew what.
    """

    protocol: str = "lake2015"
    data: str = "omniglot"
    seed: int = 0
    n_trials: int | None = None
    n_way: int = 20
    k_shot: int = 1
    across: bool = False
    distinct_drawers: bool = False


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
    console: Console | None = None,
    **settings: Any,
) -> Scorecard:
    """Judge a model folder (or a shipped model's name) and return its scorecard.

    protocol: lake2015, dense, nway or verification. data: a data set or folder the model was not
    trained on (lake2015 always uses the 20 runs). settings: n_trials, n_way, k_shot, across.
    Raises UsageError for an unknown protocol, DataError where the data cannot serve.
    """
    from firstsight.model.embedder import load

    trials = Trials(protocol=protocol, data=str(data), seed=seed, **settings)
    embedder = load(model)
    card = judge([Contestant.of(embedder)], embedder, trials, console or Console(stderr=True))[0]
    return card.of_model(embedder.info.fingerprint)


def judge(
    contestants: Sequence[Contestant], embedder: Embedder, trials: Trials, console: Console
) -> list[Scorecard]:
    """A scorecard for each contestant, all on the same trials and the same pictures."""
    from firstsight.data.omniglot import read_runs
    from firstsight.evaluation import runs

    preprocessing = embedder.info.preprocessing
    require_known(trials.protocol)
    if trials.protocol == "lake2015":
        packed = runs.pack_runs(read_runs(), preprocessing)
        return [packed.judge(each.embed, each.head) for each in contestants]
    pictures = open_with_progress(for_judging(trials.data), preprocessing, console)
    pictures = only_unseen(embedder.info, pictures, console)
    return [_judge_one(each, pictures, trials) for each in contestants]


def require_known(protocol: str) -> None:
    """UsageError for a protocol of no such name."""
    from firstsight.evaluation.protocols import PROTOCOLS

    if protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise UsageError(f"there is no protocol {protocol!r}; choose one of {known}")


def _judge_one(contestant: Contestant, pictures: Any, trials: Trials) -> Scorecard:
    from firstsight.evaluation import protocols
    from firstsight.sampling.episodes import EpisodePlan

    embed, head, seed = contestant.embed, contestant.head, trials.seed
    if trials.protocol == "dense":
        return protocols.dense(embed, head, pictures, seed, trials=trials.n_trials or 5000)
    if trials.protocol == "verification":
        known = contestant.calibrated
        plan = protocols.VerificationPlan(
            trials.n_trials or 10_000, calibration=None if known is None else known.verify
        )
        return protocols.verification(embed, head, pictures, seed, plan)
    if trials.protocol == "retrieval":
        queries = protocols.RetrievalPlan(n_queries=trials.n_trials)
        return protocols.retrieval(embed, head, pictures, seed, queries)
    episodes = EpisodePlan(
        n_way=trials.n_way,
        k_shot=trials.k_shot,
        n_tasks=trials.n_trials or 1000,
        within_group=not trials.across,
        distinct_drawers=trials.distinct_drawers,
    )
    return protocols.nway(embed, head, pictures, seed, protocols.NwayPlan(episodes))


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
