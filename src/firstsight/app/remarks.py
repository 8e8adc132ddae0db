"""Remarks to whoever watches: one line each, however long, as they stand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["remark", "say"]


def remark(sentence: str) -> None:
    """On standard error, without rich: importing that takes longer than an answer."""
    sys.stderr.write(sentence + "\n")


def say(console: Console, sentence: str) -> None:
    """Neither folded nor read as markup: paths hold brackets, and are copied from the screen."""
    from rich.text import Text

    console.print(Text(sentence), soft_wrap=True)
