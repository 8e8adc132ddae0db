"""`firstsight`: reads the command line, calls a use case, ends with 0, 1 or 2.

0 done; 1 something expected went wrong; 2 the request makes no sense as written.
Commands import what they need when they run: `--help` loads neither NumPy nor PyTorch.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from firstsight.app.cli.menus import galleries, learning, recognising
from firstsight.app.cli.speaking import errors
from firstsight.errors import FirstsightError

__all__ = ["app", "run"]

app = typer.Typer(
    name="firstsight",
    help="Recognise things from one picture: enroll once, identify ever after; train and judge.",
    epilog="Example:  firstsight enroll 'blue mug' mug.jpg; firstsight identify desk.jpg",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def run() -> None:
    """The entry point: a user's mistake ends in one sentence, never in a traceback."""
    try:
        try:
            app(standalone_mode=True)
        except FirstsightError as trouble:
            errors(str(trouble))
            sys.exit(trouble.exit_code)
        except KeyboardInterrupt:
            errors("stopped")
            sys.exit(130)
        finally:
            sys.stdout.flush()  # here a refusal can still be told; at exit Python would print it
    except BrokenPipeError:  # the reader (head, less) has gone
        _drop_what_is_buffered()
        sys.exit(1)
    except OSError as refusal:
        if not refusal.filename:  # it may have been standard output
            _drop_what_is_buffered()
        what = f"{refusal.filename}: " if refusal.filename else ""
        errors(f"{what}{refusal.strerror or refusal}; check the path and the room on the disk")
        sys.exit(1)


def _drop_what_is_buffered() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"firstsight {version('firstsight')}")
        raise typer.Exit


@app.callback()
def firstsight(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Recognise things from one picture: train, judge and use twin networks."""


for menu in (recognising.menu, galleries.menu, learning.menu):
    app.add_typer(menu)
