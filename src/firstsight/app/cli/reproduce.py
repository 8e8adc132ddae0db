"""`firstsight reproduce`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.remarks import say
from firstsight.app.reproducing import Cell, Line, run_cell, tables
from firstsight.app.searching import best_found, search

__all__ = ["koch2015", "search_koch2015"]

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
    searched: bool,
    as_json: bool,
) -> None:
    """Run a cell, where one is named, and print the tables with all that was run so far."""
    console = messages()
    if cell is not None and searched:
        overrides = [best_found(cell, out), *overrides]
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


def search_koch2015(
    cell: Cell,
    out: Path,
    *,
    n_trials: int,
    budget: float,
    overrides: Sequence[str],
    as_json: bool,
) -> None:
    """Run more trials of a cell's search, and print all of them, the best one's values last."""
    console = messages()
    found = search(
        cell, out, n_trials=n_trials, budget=budget, overrides=overrides, console=console
    )
    if found.stopped:
        say(console, "stopped; the next --search begins with the trial at hand")
    if as_json:
        best = None if found.best is None else asdict(found.best)
        print_json({"trials": [asdict(trial) for trial in found.trials], "best": best})
        return
    title = f"rates, momenta and penalties tried for {cell.told}, judged by 20-way one-shot trials"
    rows = [
        (
            str(trial.number),
            "" if trial.accuracy is None else f"{100 * trial.accuracy:.2f}",
            f"{trial.steps:,}",
            trial.how,
        )
        for trial in found.trials
    ]
    print_table(title, ("trial", "one-shot %", "steps", "ended"), rows)
    if found.best is not None:
        click.echo(f"by trial {found.best.number}: --set {shlex.quote(found.best.parts)}")


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
