"""Rows of framed pictures with captions on light paper, laid out to a width."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from firstsight.drawing.lettering import Font, drawable, font_of, leading, wrapped
from firstsight.drawing.tiles import (
    COLOURS,
    PAPER,
    Frame,
    Picture,
    draw_frame,
    fitted,
    paste_mark,
)
from firstsight.errors import UsageError

__all__ = ["GridCell", "GridRow", "SheetStyle", "picture_grid"]

INK = (28, 30, 34)
QUIET_INK = (96, 100, 108)
LEAD_LINE = (72, 78, 90)

LEAST_TILE = 16  # smaller pictures cannot be told apart
IDEAL_TILE = 104  # a thumbnail and a short name fit beneath it
LARGEST_TILE = 120


@dataclass(frozen=True)
class SheetStyle:
    """How large things are drawn; every length is in pixels at scale 1.

    width_px: the sheet's width. tile_px: a picture's side; None picks one that fits.
    scale: 2 draws everything at twice the size, for dense screens and print.
    font: a TrueType file for names beyond plain ASCII; None uses the font inside Pillow.
    """

    width_px: int = 1200
    tile_px: int | None = None
    scale: float = 1.0
    font: Path | None = None

    def __post_init__(self) -> None:
        if self.width_px < 200:
            raise UsageError(f"width_px is {self.width_px}; give 200 or more")
        if self.tile_px is not None and self.tile_px < LEAST_TILE:
            raise UsageError(f"tile_px is {self.tile_px}; give {LEAST_TILE} or more")
        if not 0.25 <= self.scale <= 8:
            raise UsageError(f"scale is {self.scale}; give 0.25 to 8")


@dataclass(frozen=True)
class GridCell:
    """One picture; beneath it its caption and, small, what it was taken for.

    picture: None where none was kept: an empty tile says so. detail: one more line, in quiet ink.
    """

    picture: Picture | None
    frame: Frame = "plain"
    caption: str = ""
    taken_for: Picture | None = None
    detail: str = ""


@dataclass(frozen=True)
class GridRow:
    """A leading picture, set apart at the left, and those that belong to it.

    lead: None where the row carries on the one before.
    """

    lead: GridCell | None
    cells: Sequence[GridCell]


def picture_grid(
    rows: Sequence[GridRow],
    *,
    title: str,
    subtitle: str = "",
    legend: Mapping[Frame, str] | None = None,
    style: SheetStyle | None = None,
) -> Image.Image:
    """Draw rows of a leading picture and its cells; short rows stand side by side.

    legend: what a frame means, told at the foot. Returns an RGB picture of the style's width.
    UsageError where there are no rows or too many pictures in one.
    """
    if not rows:
        raise UsageError("there is nothing to draw; give at least one row")
    page = _Page(rows, style or SheetStyle())
    return page.draw(title, subtitle, legend or {})


class _Page:
    """Where everything goes, in final pixels, and the drawing of it."""

    def __init__(self, rows: Sequence[GridRow], style: SheetStyle) -> None:
        self.rows = rows
        self.style = style
        self.width, self.margin = self._px(style.width_px), self._px(32)
        self.gap, self.lead_gap, self.column_gap = self._px(10), self._px(22), self._px(40)
        self.line, self.thin = max(1, self._px(3)), max(1, self._px(1.5))
        self.small, self.middle, self.large = (
            font_of(self._px(size), style.font) for size in (13, 17, 30)
        )
        self.across = max(len(row.cells) for row in rows)
        self.columns, self.tile = self._columns_and_tile()
        self.lines = -(-len(rows) // self.columns)
        self.foot = self._foot_height()

    def draw(self, title: str, subtitle: str, legend: Mapping[Frame, str]) -> Image.Image:
        heading = self._heading(title, subtitle)
        top = self.margin + sum(leading(font) for _, font, _ in heading)
        top += self._px(18) if heading else 0
        step = self.tile + self.foot + self._px(12)
        end = top + self.lines * step
        height = end + self.margin + (leading(self.small) if legend else -self._px(12))
        page = Image.new("RGB", (self.width, height), PAPER)
        y = self.margin
        for text, font, ink in heading:
            self._write(page, text, (self.margin, y), font, ink)
            y += leading(font)
        for number, row in enumerate(self.rows):
            # Down each column first, so that a column reads in the given order.
            column, line = divmod(number, self.lines)
            self._draw_row(page, row, self._column_start(column), top + line * step)
        self._draw_legend(page, legend, end + self._px(6))
        return page

    def _px(self, length: float) -> int:
        return round(length * self.style.scale)

    def _columns_and_tile(self) -> tuple[int, int]:
        """How many rows stand side by side, and the side of a tile."""
        most = {columns: self._largest_tile(columns) for columns in range(1, len(self.rows) + 1)}
        if self.style.tile_px is None:
            columns = min(most, key=lambda count: abs(most[count] - self._px(IDEAL_TILE)))
        else:
            asked = self._px(self.style.tile_px)
            columns = max((count for count in most if most[count] >= asked), default=1)
        tile = min(most[columns], self._px(self.style.tile_px or LARGEST_TILE))
        if tile < self._px(self.style.tile_px or LEAST_TILE):
            raise UsageError(
                f"{self.across + 1} pictures a row do not fit into {self.style.width_px} px; "
                "give fewer a row, a smaller tile_px or a larger width_px"
            )
        lines = -(-len(self.rows) // columns)
        return -(-len(self.rows) // lines), tile  # no column stays empty

    def _largest_tile(self, columns: int) -> int:
        room = self.width - 2 * self.margin - (columns - 1) * self.column_gap
        return int((room / columns - self._gaps()) // (self.across + 1))

    def _gaps(self) -> int:
        return self.lead_gap + max(0, self.across - 1) * self.gap

    def _column_start(self, column: int) -> int:
        row_width = (self.across + 1) * self.tile + self._gaps()
        spare = self.width - 2 * self.margin - self.columns * row_width
        return self.margin + column * (row_width + spare // max(1, self.columns - 1))

    def _foot_height(self) -> int:
        """The room that captions take beneath every tile: that of the tallest."""
        cells = [cell for row in self.rows for cell in (row.lead, *row.cells) if cell is not None]
        lines = max(self._foot_lines(cell) for cell in cells)
        return lines * leading(self.small) + (self._px(5) if lines else 0)

    def _foot_lines(self, cell: GridCell) -> int:
        caption = 2 if cell.taken_for is not None else len(self._caption(cell))
        return caption + bool(cell.detail)

    def _heading(self, title: str, subtitle: str) -> list[tuple[str, Font, tuple[int, int, int]]]:
        room = self.width - 2 * self.margin
        parts = ((title, self.large, INK, 1), (subtitle, self.middle, QUIET_INK, 3))
        return [
            (line, font, ink)
            for text, font, ink, lines in parts
            for line in wrapped(drawable(text, self.style.font), font, room, lines=lines)
        ]

    def _draw_row(self, page: Image.Image, row: GridRow, x: int, y: int) -> None:
        if row.lead is not None:
            self._draw_lead(page, row.lead, x, y, ruled=bool(row.cells))
        first = x + self.tile + self.lead_gap
        for number, cell in enumerate(row.cells):
            self._draw_cell(page, cell, (first + number * (self.tile + self.gap), y))

    def _draw_lead(self, page: Image.Image, lead: GridCell, x: int, y: int, *, ruled: bool) -> None:
        self._draw_cell(page, lead, (x, y))
        pen = ImageDraw.Draw(page)
        if lead.frame == "plain":
            box = (x, y, x + self.tile - 1, y + self.tile - 1)
            pen.rectangle(box, outline=LEAD_LINE, width=self.line)
        if not ruled:
            return
        rule, inset = x + self.tile + self.lead_gap // 2, self.tile // 8
        ends = (rule, y + inset, rule, y + self.tile - inset)
        pen.line(ends, fill=COLOURS["plain"], width=self.thin)

    def _draw_cell(self, page: Image.Image, cell: GridCell, corner: tuple[int, int]) -> None:
        x, y = corner
        width = self.thin if cell.frame == "plain" else self.line
        if cell.picture is None:
            self._draw_missing(page, x, y)
        else:
            inner = fitted(cell.picture, self.tile - 2 * self.line)
            page.paste(inner, (x + self.line, y + self.line))
        box = (x, y, x + self.tile - 1, y + self.tile - 1)
        draw_frame(ImageDraw.Draw(page), box, cell.frame, width)
        radius = self.tile / 11
        centre = (box[2] - radius * 0.55, box[1] + radius * 0.55)
        paste_mark(page, centre, radius, cell.frame)
        self._draw_foot(page, cell, x, y + self.tile + self._px(5))

    def _draw_missing(self, page: Image.Image, x: int, y: int) -> None:
        lines = wrapped("no picture kept", self.small, self.tile * 0.8, lines=3)
        y += (self.tile - len(lines) * leading(self.small)) // 2
        for number, line in enumerate(lines):
            place = (x + self.tile / 2, y + number * leading(self.small))
            self._write(page, line, place, self.small, QUIET_INK, anchor="ma")

    def _draw_foot(self, page: Image.Image, cell: GridCell, x: int, y: int) -> None:
        text, ink = self._caption(cell), INK if cell.frame == "plain" else COLOURS[cell.frame]
        if cell.taken_for is None:
            for number, line in enumerate(text):
                place = (x + self.tile / 2, y + number * leading(self.small))
                self._write(page, line, place, self.small, ink, anchor="ma")
            self._draw_detail(page, cell, x, y + len(text) * leading(self.small))
            return
        self._draw_detail(page, cell, x, y + 2 * leading(self.small))
        side = 2 * leading(self.small)
        page.paste(fitted(cell.taken_for, side), (x, y))
        frame = (x, y, x + side - 1, y + side - 1)
        ImageDraw.Draw(page).rectangle(frame, outline=ink, width=self.thin)
        y += (2 - len(text)) * leading(self.small) // 2
        for number, line in enumerate(text):
            place = (x + side + self._px(5), y + number * leading(self.small))
            self._write(page, line, place, self.small, ink)

    def _draw_detail(self, page: Image.Image, cell: GridCell, x: int, y: int) -> None:
        text = drawable(cell.detail, self.style.font)
        for line in wrapped(text, self.small, self.tile, lines=1):
            place = (x + self.tile / 2, y)
            self._write(page, line, place, self.small, QUIET_INK, anchor="ma")

    def _draw_legend(self, page: Image.Image, legend: Mapping[Frame, str], y: int) -> None:
        x, radius = self.margin, self.small.size * 0.55
        for frame, meaning in legend.items():
            text = drawable(meaning, self.style.font)
            paste_mark(page, (x + radius, y + self.small.size * 0.6), radius, frame)
            x += round(3.2 * radius) if frame != "plain" else 0
            self._write(page, text, (x, y), self.small, QUIET_INK)
            x += round(self.small.getlength(text)) + self._px(28)

    def _caption(self, cell: GridCell) -> list[str]:
        taken = 0 if cell.taken_for is None else 2 * leading(self.small) + self._px(5)
        text = drawable(cell.caption, self.style.font)
        return wrapped(text, self.small, self.tile - taken, lines=2)

    @staticmethod
    def _write(
        page: Image.Image,
        text: str,
        place: tuple[float, float],
        font: Font,
        ink: tuple[int, int, int],
        *,
        anchor: str = "la",
    ) -> None:
        ImageDraw.Draw(page).text(place, text, font=font, fill=ink, anchor=anchor)
