"""Contact sheets of what a gallery answered: the nearest photos, and what was decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from firstsight.drawing.grid import GridCell, GridRow, SheetStyle, picture_grid
from firstsight.drawing.tiles import Frame, Picture

__all__ = [
    "Alike",
    "Decided",
    "Question",
    "answer_sheet",
    "answer_words",
    "gallery_sheet",
    "search_sheet",
    "sure_of",
]

Decided = Literal["known", "unsure", "unknown"]

TILE = 150
LEAST_WIDTH, MOST_WIDTH = 620, 1600
ROWS_A_COLUMN = 8
MOST_ACROSS = 8  # photos beside the asked picture; more go on below

FRAMES: dict[Decided, Frame] = {"known": "right", "unsure": "unsure", "unknown": "unknown"}


@dataclass(frozen=True, eq=False)
class Alike:
    """A photo of the gallery. name: of its thing. picture: None where the gallery keeps none.

    distance: from the asked picture, in the model's own measure. probability: 0..1 that it shows
    the same thing, None where nobody estimated it.
    """

    name: str
    picture: Picture | None
    distance: float
    probability: float | None = None


@dataclass(frozen=True, eq=False)
class Question:
    """A picture that was asked about, its name, and the photos nearest to it, nearest first.

    decision, thing, probability: of an identify answer; the thing is None where it is unknown.
    """

    picture: Picture
    name: str
    alike: Sequence[Alike]
    decision: Decided | None = None
    thing: str | None = None
    probability: float | None = None


def search_sheet(
    asked: Sequence[Question],
    *,
    one_a_thing: bool = False,
    truth: str | None = None,
    title: str = "Most alike",
    style: SheetStyle | None = None,
) -> Image.Image:
    """Each asked picture at the left, the photos nearest to it at its right, nearest first.

    one_a_thing: whether each thing stands there once, by its nearest photo; told on the sheet.
    truth: the thing that the asked pictures show, where it is known; photos are framed by it.
    Raises UsageError where nothing was asked.
    """
    told = "the nearest photo of each thing" if one_a_thing else "the nearest photos"
    told += ", nearest first; beneath each its distance from the asked picture"
    if any(alike.probability is not None for each in asked for alike in each.alike):
        told += ", and how probably both show the same thing"
    rows = [
        row
        for each in asked
        for row in _rows(
            GridCell(each.picture, caption=each.name, detail="asked"), each.alike, truth
        )
    ]
    return picture_grid(
        rows,
        title=title,
        subtitle=told,
        legend=None if truth is None else {"right": truth, "wrong": "another thing"},
        style=style or _style(rows),
    )


def answer_sheet(
    asked: Sequence[Question], *, title: str = "Recognised", style: SheetStyle | None = None
) -> Image.Image:
    """Each asked picture framed by what was decided, and beside it the things that came nearest.

    The decision stands in words, in the frame's line and in its mark. Raises UsageError where
    nothing was asked.
    """
    rows = [
        row
        for each in asked
        for row in _rows(
            GridCell(
                each.picture,
                FRAMES[each.decision] if each.decision else "plain",
                answer_words(each),
                detail=sure_of(each.probability, each.name),
            ),
            each.alike,
        )
    ]
    counts = {decision: sum(each.decision == decision for each in asked) for decision in FRAMES}
    told = ", ".join(f"{count} {decision}" for decision, count in counts.items() if count)
    return picture_grid(
        rows,
        title=title,
        subtitle=f"{told}; at the right the nearest in the gallery, with their distances",
        legend={
            FRAMES["known"]: "known",
            FRAMES["unsure"]: "unsure: enrolled, yet perhaps another",
            FRAMES["unknown"]: "unknown: none of the enrolled",
        },
        style=style or _style(rows),
    )


def gallery_sheet(
    things: Sequence[tuple[str, Sequence[Picture | None]]],
    *,
    title: str,
    subtitle: str = "",
    style: SheetStyle | None = None,
) -> Image.Image:
    """A gallery, or a thing of it: each thing's first photo at the left, its others beside it.

    things: each name with its photos, None for one that was not kept. Raises UsageError where
    there are none.
    """
    rows: list[GridRow] = []
    for name, photos in things:
        first, *others = photos or [None]
        count = f"{len(photos)} photo" + "s" * (len(photos) != 1)
        lead = GridCell(first, caption=name, detail=count)
        rows += _wrapped(lead, [GridCell(photo) for photo in others])
    return picture_grid(rows, title=title, subtitle=subtitle, style=style or _style(rows))


def answer_words(asked: Question) -> str:
    """The decision and the name given, as "known: blue mug"."""
    if asked.thing is None or asked.decision == "unknown":
        return asked.decision or ""
    return f"{asked.decision}: {asked.thing}"


def sure_of(probability: float | None, told: str, *, after: bool = False) -> str:
    """`told` with the probability in per cent beside it, never 0 or 100: nothing is that sure."""
    if probability is None:
        return told
    rounded = f"{100 * probability:.0f} %"
    sure = {"0 %": "< 1 %", "100 %": "> 99 %"}.get(rounded, rounded)
    return " · ".join((told, sure) if after else (sure, told))


def _rows(lead: GridCell, alike: Sequence[Alike], truth: str | None = None) -> Iterator[GridRow]:
    cells = []
    for each in alike:
        detail = sure_of(each.probability, f"{each.distance:.3f}", after=True)
        judged: Frame = "right" if each.name == truth else "wrong"
        frame: Frame = "plain" if truth is None else judged
        cells.append(GridCell(each.picture, frame, each.name, detail=detail))
    return _wrapped(lead, cells)


def _wrapped(lead: GridCell, cells: Sequence[GridCell]) -> Iterator[GridRow]:
    """The lead with as many cells as stand beside it, then rows that carry on."""
    yield GridRow(lead, cells[:MOST_ACROSS])
    for start in range(MOST_ACROSS, len(cells), MOST_ACROSS):
        yield GridRow(None, cells[start : start + MOST_ACROSS])


def _style(rows: Sequence[GridRow]) -> SheetStyle:
    """Wide enough for good-sized tiles and, where there are many rows, for some side by side."""
    across = 1 + max((len(row.cells) for row in rows), default=0)
    row_width = across * (TILE + 10) + 12
    columns = min(-(-len(rows) // ROWS_A_COLUMN), (MOST_WIDTH - 24) // (row_width + 40))
    wide = 24 + max(1, columns) * (row_width + 40)
    return SheetStyle(width_px=max(wide, LEAST_WIDTH), tile_px=TILE)
