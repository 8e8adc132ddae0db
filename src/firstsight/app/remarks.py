"""Remarks to whoever watches: one line each, however long, as they stand."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

__all__ = ["say"]


def say(console: Console, sentence: str) -> None:
    """Neither folded nor read as markup: paths hold brackets, and are copied from the screen."""
    console.print(Text(sentence), soft_wrap=True)
