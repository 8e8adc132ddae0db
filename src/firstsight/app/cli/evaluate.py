"""`firstsight evaluate` and `firstsight check-loader`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.contestants import Contestant, baselines_of
from firstsight.app.judging import judge
from firstsight.app.protocols import require_pairs
from firstsight.app.trials import Trials, require_known
from firstsight.errors import FirstsightError

if TYPE_CHECKING:
    from rich.console import Console

    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.model.embedder import Embedder

__all__ = ["check_loader", "evaluate", "print_scores"]

SEVERAL_RATES = ("verification", "retrieval", "koch2015", "openset", "omniglot-12-4-4")
Scores = Sequence[tuple[str, "Scorecard"]]


def evaluate(
    model: str,
    plans: Sequence[Trials],
    *,
    baselines: bool,
    save: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    from firstsight.model.embedder import load
    from firstsight.model.folder import add_scores, resolve_model

    console = messages()
    for plan in plans:
        require_known(plan.protocol)  # before minutes go into those that come first
    embedder = load(model)
    if report is None:
        results = _judged(embedder, plans, console, baselines=baselines)
    else:
        from firstsight.app.reporting import evaluate_into

        results = evaluate_into(report, embedder, plans, console)
    if save:
        add_scores(resolve_model(model), [rows[0][1].to_json() for rows in results.values()])
    if as_json:
        print_json(
            [{"who": who, **card.to_json()} for rows in results.values() for who, card in rows]
        )
        return
    for protocol, rows in results.items():
        print_scores(protocol, rows)


def _judged(
    embedder: Embedder, plans: Sequence[Trials], console: Console, *, baselines: bool
) -> dict[str, Scores]:
    contestants = [Contestant.of(embedder)]
    if baselines:
        contestants += baselines_of(embedder, console)
    for plan in plans:
        require_pairs(plan, embedder.info, console)
    results: dict[str, Scores] = {}
    for plan in plans:
        cards = judge(contestants, embedder, plan, console)
        cards[0] = cards[0].of_model(embedder.info.fingerprint)
        results[plan.protocol] = [
            (each.name, card) for each, card in zip(contestants, cards, strict=True)
        ]
    return results


def print_scores(protocol: str, rows: Scores) -> None:
    """One table a protocol: ours, then what others published on it."""
    from firstsight.evaluation.protocols import PROTOCOLS
    from firstsight.evaluation.references import references_for

    card = rows[0][1]
    # Everybody quotes the 20 runs as errors and everything else as accuracy.
    measure = card.measure.replace("_", " ")
    lines = [
        (who, f"{100 * one.value:.2f}", _percent_range(one), str(one.n), "measured here")
        for who, one in rows
    ]
    for reference in references_for(protocol, card.details.get("form")):
        mark = " (m: quoted from memory)" if reference.from_memory else ""
        error = reference.error_percent
        figure = f"{error if card.measure == 'error_rate' else 100 - error:.1f}"
        lines.append((reference.method, figure, "", "", reference.source + mark))
    about = f"{card.data_name}, seed {card.seed}, commit {card.commit}, {card.hardware}"
    title = f"{protocol}: {PROTOCOLS[protocol]}\n{about}"
    print_table(title, ("who", f"{measure} %", "95 % interval", "n", "source"), lines)
    if protocol in SEVERAL_RATES:
        _print_rates(rows)
    if "told" in card.details:
        print(card.details["told"])  # noqa: T201


def _percent_range(card: Scorecard) -> str:
    low, high = card.interval
    return f"{100 * low:.1f} .. {100 * high:.1f}"


def _print_rates(rows: Scores) -> None:
    """What else was measured on the same trials, where one figure alone would hide it."""
    first = rows[0][1].details
    others = ("chance", "threshold", "target")
    names = [key for key, value in first.items() if isinstance(value, float) and key not in others]
    lines = [(who, *(_rate(card.details.get(name)) for name in names)) for who, card in rows]
    print_table("the same, as rates in 0..1", ("who", *names), lines)


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def check_loader(*, as_json: bool) -> None:
    from firstsight.evaluation.baselines import loader_checks

    checks = loader_checks()
    if as_json:
        print_json([{**asdict(each), "passed": each.passed} for each in checks])
    else:
        for check in checks:
            print(check)  # noqa: T201
    if not all(check.passed for check in checks):
        raise FirstsightError("the pictures are not read as they should be; see above")
