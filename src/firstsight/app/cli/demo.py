"""`firstsight demo`: what `make demo` shows."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from firstsight.app.cli.evaluate import print_scores
from firstsight.app.cli.speaking import print_json, print_table
from firstsight.app.demonstrating import Demonstration, demonstrate
from firstsight.app.remarks import say

__all__ = ["demo"]


def demo(out: Path, overrides: list[str], console: Console, *, as_json: bool) -> None:
    shown = demonstrate(out, overrides=overrides, console=console)
    if as_json:
        print_json(_as_json(shown))
        return
    for protocol, rows in shown.scores.items():
        print_scores(protocol, rows)
    lines = [
        (each.name, f"{each.n_right} of {len(each.called)}",
         ", ".join(sorted({called for called in each.called if called != each.name})))
        for each in shown.recognised
    ]  # fmt: skip
    n_right = sum(each.n_right for each in shown.recognised)
    n_asked = sum(len(each.called) for each in shown.recognised)
    print_table(
        f"Recognised from one drawing each: {n_right} of {n_asked}",
        ("thing", "right", "taken for"),
        lines,
    )
    say(console, f"the picture of it: {shown.sheet}")
    say(console, f"the model: {shown.model}")


def _as_json(shown: Demonstration) -> dict[str, object]:
    return {
        "on_omniglot": shown.on_omniglot,
        "model": str(shown.model),
        "sheet": str(shown.sheet),
        "scores": {
            protocol: [{"who": who, **card.to_json()} for who, card in rows]
            for protocol, rows in shown.scores.items()
        },
        "recognised": [
            {"thing": each.name, "called": list(each.called)} for each in shown.recognised
        ],
    }
