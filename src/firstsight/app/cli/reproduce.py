"""`firstsight reproduce`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.remarks import say
from firstsight.app.reproducing import Cell, Line, run_cell, tables

__all__ = ["koch2015"]

TITLES = {
    "table 1": "verification, accuracy on pairs of test alphabets by new people",
    "table 2": "20-way one-shot within the test alphabets",
    "table 3": "10-way one-shot on MNIST, which nothing was trained on",
}
HEAD = ("who", "published %", "here %", "95 % interval", "n", "trained by")


def koch2015(
    cell: Cell | None,
    out: Path,
    *,
    budget: float,
    overrides: Sequence[str],
    beside: Sequence[str],
    as_json: bool,
) -> None:
    """Run a cell, where one is named, and print the tables with all that was run so far."""
    console = messages()
    if cell is not None and not run_cell(
        cell, out, budget=budget, overrides=overrides, console=console
    ):
        say(console, f"stopped; the same command carries {shlex.quote(str(out / cell.name))} on")
    found = tables(out, beside, console)
    if as_json:
        print_json({name: [asdict(line) for line in lines] for name, lines in found.items()})
        return
    for name, lines in found.items():
        title = f"{name} of Koch et al. 2015: {TITLES[name]}"
        print_table(title, HEAD, [_cells(line) for line in lines])


def _cells(line: Line) -> tuple[str, ...]:
    low, high = line.interval or (0.0, 0.0)
    return (
        line.who,
        "" if line.published is None else f"{line.published:.2f}",
        "" if line.ours is None else f"{line.ours:.2f}",
        "" if line.interval is None else f"{low:.1f} .. {high:.1f}",
        "" if line.n is None else f"{line.n:,}",
        line.note,
    )
