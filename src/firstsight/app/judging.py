"""Judging by one protocol: everybody on the same trials, and what speaks against the figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.contestants import Contestant
from firstsight.app.packing import reading_bar
from firstsight.app.protocols import OpenedTrials, open_trials
from firstsight.app.remarks import say
from firstsight.app.trials import Trials, require_known

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.model.embedder import Embedder

__all__ = ["judge"]


def judge(
    contestants: Sequence[Contestant], embedder: Embedder, trials: Trials, console: Console
) -> list[Scorecard]:
    """A scorecard for each contestant, all on the same trials and the same pictures."""
    require_known(trials.protocol)
    opened = open_trials(trials, embedder.info, console)
    cards = [_judged(each, opened, trials.protocol, console) for each in contestants]
    others = {each.name: card for each, card in zip(contestants[1:], cards[1:], strict=True)}
    return [_with_doubts(cards[0], others, opened, console), *cards[1:]]


def _judged(
    contestant: Contestant, opened: OpenedTrials, protocol: str, console: Console
) -> Scorecard:
    """Its card. Looking at the pictures is what takes long, and shows on the screen."""
    seen = 0
    with reading_bar(protocol, console, verb=f"{contestant.name}: pictures for") as progress:

        def embed(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
            nonlocal seen
            embeddings = contestant.embed(pixels)
            seen += len(pixels)
            progress(seen, max(seen, opened.n_looks))
            return embeddings

        return opened.judge(replace(contestant, embed=embed))


def _with_doubts(
    card: Scorecard,
    others: dict[str, Scorecard],
    opened: OpenedTrials,
    console: Console,
) -> Scorecard:
    """The card with what speaks against it among its details, which is also said."""
    from firstsight.evaluation.suspicion import count_twins, suspicions

    twins = None if opened.pictures is None else count_twins(opened.pictures)
    found = suspicions(card, others=others, twins=twins, known=opened.known)
    for each in found:
        say(console, f"look again at {card.protocol}: {each.told}")
    return replace(card, details={**card.details, "warnings": [each.told for each in found]})
