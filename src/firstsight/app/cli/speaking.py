"""How the command line speaks: tables and JSON on standard output, the rest on standard error."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["errors", "escape_what_cannot_be_shown", "messages", "print_json", "print_table"]

# Wide enough for every table where standard output is a file or a pipe.
_PIPE_WIDTH = 160


def escape_what_cannot_be_shown() -> None:
    """A name that the terminal or pipe has no letters for must end no command.

    Such letters are written as JSON escapes them, so that JSON stays JSON.
    """
    codecs.register_error("as in JSON", _as_in_json)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="as in JSON")


def _as_in_json(trouble: UnicodeError) -> tuple[str, int]:
    if not isinstance(trouble, UnicodeEncodeError):
        raise trouble
    return json.dumps(trouble.object[trouble.start : trouble.end])[1:-1], trouble.end


def messages() -> Console:
    """Progress and remarks."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def errors(sentence: str) -> None:
    click.echo(click.style("error: ", fg="red", bold=True) + sentence, err=True)


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def print_table(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_PIPE_WIDTH)
    table = Table(box=box.SIMPLE_HEAD)
    for column in head:
        numeric = column.rstrip().endswith("%") or column in ("n", "right", "pictures")
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(Text(title), soft_wrap=True)  # as the table's own it would be folded to its width
    console.print(table)
