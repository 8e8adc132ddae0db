"""`firstsight train`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from firstsight.app import training, tuning
from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.remarks import say
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from firstsight.app.tuning import Tuned
    from firstsight.evaluation.paired import PairedAccuracy
    from firstsight.learning.training.run import Run

__all__ = ["resume", "train", "tune"]


def train(
    recipe: str | None, data: str | None, out: Path | None, overrides: list[str], *, as_json: bool
) -> None:
    if recipe is None:
        raise UsageError(
            "name a recipe ('firstsight recipes' lists them), a gallery to learn from with "
            "--from-gallery, or a folder with --resume"
        )
    console = messages()
    run = training.train(recipe, data=data, out=out, overrides=overrides, console=console)
    _report_run(run, console, as_json=as_json)


def resume(folder: Path, *, adopt: bool, as_json: bool) -> None:
    console = messages()
    if tuning.is_tuning(folder):
        _report_tuned(tuning.resume(folder, adopt=adopt, console=console), console, as_json=as_json)
    else:
        _report_run(training.resume(folder, console=console), console, as_json=as_json)


def tune(
    gallery: str, out: Path | None, overrides: list[str], *, adopt: bool, as_json: bool
) -> None:
    console = messages()
    tuned = tuning.tune(gallery, out=out, overrides=overrides, adopt=adopt, console=console)
    _report_tuned(tuned, console, as_json=as_json)


def _report_run(run: Run, console: Console, *, as_json: bool) -> None:
    if not training.is_first_process():
        return
    _say_how_it_ended(run, console)
    if as_json:
        print_json(
            {
                "folder": str(run.folder),
                "model": str(run.model),
                "step": run.step,
                "seconds": round(run.seconds, 1),
                "accuracy": run.accuracy,
                "ended": run.ended,
            }
        )
    else:
        print(run.model)  # noqa: T201


def _report_tuned(tuned: Tuned, console: Console, *, as_json: bool) -> None:
    if tuned.judged is None:
        _say_how_it_ended(tuned.run, console)
    if as_json:
        print_json(tuned.to_json())
        return
    if tuned.judged is not None:
        rows = [
            _row("all things with two pictures", tuned.judged.among_all),
            _row("the things held out alone", tuned.judged.among_held),
        ]
        held = tuned.judged.among_all.n_things
        title = (
            f"One picture of each thing enrolled, {held} things asked about that the tuning never "
            "saw (things, not photos); 95 % intervals by thing"
        )
        head = ("told among", "before %", "after %", "difference %", "things asked", "n")
        print_table(title, head, rows)
    print(tuned.told)  # noqa: T201
    print(tuned.run.model)  # noqa: T201


def _row(among: str, figure: PairedAccuracy) -> tuple[str, ...]:
    low, high = figure.interval
    return (
        f"{figure.n_way}: {among}",
        f"{100 * figure.before:.1f}",
        f"{100 * figure.after:.1f}",
        f"{100 * figure.difference:+.1f} ({100 * low:+.1f} .. {100 * high:+.1f})",
        str(figure.n_things),
        str(figure.n_trials),
    )


def _say_how_it_ended(run: Run, console: Console) -> None:
    found = "" if run.accuracy is None else f", best {run.watched} {100 * run.accuracy:.1f} %"
    console.print(f"{run.ended} at step {run.step} after {run.seconds:.0f} s{found}")
    if run.ended == "stopped":
        say(console, f"carry on with: firstsight train --resume {shlex.quote(str(run.folder))}")
