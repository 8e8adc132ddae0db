"""`firstsight train`."""

from __future__ import annotations

import shlex
from pathlib import Path

from firstsight.app import training
from firstsight.app.cli.speaking import messages, print_json
from firstsight.app.remarks import say
from firstsight.errors import UsageError

__all__ = ["train"]


def train(
    recipe: str | None,
    data: str | None,
    out: Path | None,
    overrides: list[str],
    resume: Path | None,
    *,
    as_json: bool,
) -> None:
    console = messages()
    if resume is not None:
        if recipe or data or out or overrides:
            raise UsageError("--resume takes recipe, data and folder from the run; give it alone")
        run = training.resume(resume, console=console)
    elif recipe is None:
        raise UsageError("name a recipe ('firstsight recipes' lists them), or --resume a folder")
    else:
        run = training.train(recipe, data=data, out=out, overrides=overrides, console=console)
    found = "" if run.accuracy is None else f", best one-shot accuracy {100 * run.accuracy:.1f} %"
    console.print(f"{run.ended} at step {run.step} after {run.seconds:.0f} s{found}")
    if run.ended == "stopped":
        say(console, f"carry on with: firstsight train --resume {shlex.quote(str(run.folder))}")
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
