"""`firstsight evaluate --pairs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.contestants import Contestant, baselines_of
from firstsight.app.listed import judge_listed

if TYPE_CHECKING:
    from firstsight.evaluation.scorecard import Scorecard

__all__ = ["evaluate_pairs"]


def evaluate_pairs(
    model: str, file: Path, *, seed: int, baselines: bool, save: bool, as_json: bool
) -> None:
    from firstsight.model.embedder import load
    from firstsight.model.folder import add_scores, resolve_model

    console = messages()
    embedder = load(model)
    contestants = [Contestant(embedder.info.name, embedder.embed_pixels, embedder.info.head)]
    if baselines:
        contestants += baselines_of(embedder, console)
    seen = embedder.info.preprocessing
    cards = judge_listed(contestants, seen, file, seed=seed, console=console)
    cards[0] = cards[0].of_model(embedder.info.fingerprint)
    if save:
        add_scores(resolve_model(model), [cards[0].to_json()])
    names = [each.name for each in contestants]
    if as_json:
        cards_by_name = zip(names, cards, strict=True)
        print_json([{"who": who, **card.to_json()} for who, card in cards_by_name])
    else:
        _print(names, cards)


def _print(names: list[str], cards: list[Scorecard]) -> None:
    card = cards[0]
    n_same = card.details["n_same"]
    title = (
        f"pairs: same or different, on {n_same} pairs of the same and {card.n - n_same} of "
        f"different things; 95 % intervals by {card.details['interval_by']}\n"
        f"{card.data_name}, seed {card.seed}, commit {card.commit}, {card.hardware}"
    )
    rates = list(card.details["intervals"])
    head = ("who", "accuracy %", *(f"{rate.replace('_', ' ')} %" for rate in rates))
    lines = [
        (
            who,
            _told(one.value, *one.interval),
            *(_told(one.details[rate], *one.details["intervals"][rate]) for rate in rates),
        )
        for who, one in zip(names, cards, strict=True)
    ]
    print_table(title, head, lines)


def _told(rate: float, low: float, high: float) -> str:
    return f"{100 * rate:.1f} ({100 * low:.1f} .. {100 * high:.1f})"
