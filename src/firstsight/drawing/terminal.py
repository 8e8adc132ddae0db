"""The asked picture and the photos nearest to it, drawn in a terminal.

A character cell is twice as high as wide, so the upper half block in two colours shows two square
pixels. Rich brings the colours down to what the terminal has; one without colours gets shades, and
a file, a pipe or a terminal that cannot place characters gets lines of text alone.

(The package rich-pixels draws half blocks too. It has neither captions nor widths nor shades, and
shrinks by dropping pixels, which breaks thin strokes; what would be left of it is one loop.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich.color import Color
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from firstsight.drawing.lookalikes import Alike, Question, answer_words, sure_of
from firstsight.drawing.tiles import Picture, fitted

__all__ = ["TerminalStrip"]

HALF_BLOCK = "▀"
SHADES, ASCII_SHADES = " ░▒▓█", " .:-=+*#%@"
LARGEST_TILE, GOOD_TILE, LEAST_TILE = 24, 16, 10  # columns
GAP = 2
STYLES = {"known": "bold green", "unsure": "bold yellow", "unknown": "bold"}


@dataclass(frozen=True, eq=False)
class TerminalStrip:
    """Print it with a rich Console: `Console().print(TerminalStrip(questions))`."""

    questions: Sequence[Question]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        drawn = console.is_terminal and not console.is_dumb_terminal
        room = options.max_width + GAP
        most = max((1 + len(question.alike) for question in self.questions), default=0)
        across = max(2, min(most, room // (GOOD_TILE + GAP)))
        # Even, as two rows of pixels share a line.
        tile = min(LARGEST_TILE, (room // across - GAP) // 2 * 2)
        for question in self.questions:
            if drawn and tile >= LEAST_TILE:
                yield _strip(question, _Screen.of(console, options, tile), across)
            else:
                yield from _lines(question)


@dataclass(frozen=True)
class _Screen:
    """How pictures are drawn here: `tile` columns wide, by half blocks where shades is None."""

    tile: int
    shades: str | None

    @classmethod
    def of(cls, console: Console, options: ConsoleOptions, tile: int) -> _Screen:
        if options.ascii_only:
            return cls(tile, ASCII_SHADES)
        colourless = console.no_color or console.color_system is None
        return cls(tile, SHADES if colourless else None)

    def draw(self, picture: Picture | None) -> Text:
        """The picture in a square of `tile` columns."""
        if picture is None:
            return _centred("no picture kept", self.tile)
        square = fitted(picture, self.tile)
        if self.shades is not None:
            return _shaded(np.asarray(square.convert("L")), self.shades)
        rows = np.asarray(square)
        text = Text(no_wrap=True)
        for top, bottom in zip(rows[::2], rows[1::2], strict=True):
            for upper, lower in zip(top.tolist(), bottom.tolist(), strict=True):
                style = Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
                text.append(HALF_BLOCK, style)
            text.append("\n")
        text.right_crop()
        return text


def _strip(question: Question, screen: _Screen, across: int) -> Table:
    """The asked picture at the left; what does not fit beside it goes on below."""
    table = Table.grid(padding=(0, GAP, 0, 0))
    for _ in range(across):
        table.add_column(width=screen.tile, justify="center")
    lead: RenderableType = Group(screen.draw(question.picture), *_captions(question))
    for start in range(0, max(1, len(question.alike)), across - 1):
        shown = question.alike[start : start + across - 1]
        cells = (Group(screen.draw(each.picture), *_notes(each)) for each in shown)
        table.add_row(lead, *cells)
        lead = ""
    return table


def _captions(question: Question) -> Iterator[Text]:
    if question.decision:
        yield Text(answer_words(question), STYLES[question.decision])
    yield Text(sure_of(question.probability, question.name) + "\n", "dim")


def _notes(alike: Alike) -> Iterator[Text]:
    yield Text(alike.name)
    note = sure_of(alike.probability, f"{alike.distance:.3f}", after=True)
    yield Text(f"{note}\n", "dim")


def _lines(question: Question) -> Iterator[Text]:
    answer = answer_words(question)
    told = sure_of(question.probability, answer, after=True)
    yield Text(f"{question.name}: {told}" if answer else question.name)
    for rank, each in enumerate(question.alike, start=1):
        note = sure_of(each.probability, f"{each.distance:.3f}", after=True)
        yield Text(f"  {rank}. {each.name}  {note}")


def _shaded(grey: np.ndarray, shades: str) -> Text:
    """Light as ink: a terminal without colours is taken to be dark."""
    cells = (grey[::2].astype(np.float32) + grey[1::2]) / 2
    numbers = np.rint(cells * ((len(shades) - 1) / 255)).astype(int)
    return Text(
        "\n".join("".join(shades[n] for n in row) for row in numbers.tolist()), no_wrap=True
    )


def _centred(words: str, tile: int) -> Text:
    above = tile // 4
    return Text("\n" * above + words + "\n" * (tile // 2 - above - 1))
