"""Remarks to whoever watches: one line each, however long, as they stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["remark", "say", "say_once"]

_SAID: WeakKeyDictionary[Console, set[str]] = WeakKeyDictionary()


def remark(sentence: str) -> None:
    """On standard error, without rich: importing that takes longer than an answer."""
    sys.stderr.write(sentence + "\n")


def say(console: Console, sentence: str) -> None:
    """Neither folded nor read as markup: paths hold brackets, and are copied from the screen."""
    from rich.text import Text

    console.print(Text(sentence), soft_wrap=True)


def say_once(console: Console, sentence: str) -> None:
    """`say`, unless this console has said just that before: several protocols open one set."""
    said = _SAID.setdefault(console, set())
    if sentence not in said:
        said.add(sentence)
        say(console, sentence)
