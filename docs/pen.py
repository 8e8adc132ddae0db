"""The pen of the drawings in docs/concepts/: one visual language, light and dark.

Each drawing is a card with a ground of its own, because a page may be dark where the reader's
system is light. Colours are those of firstsight's contact sheets (Okabe and Ito's), brighter on
a dark ground; what a colour tells is also told by a shape or a word.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal
from xml.sax.saxutils import escape

import numpy as np

from firstsight.data.alphabets import compose_alphabet, draw_style
from firstsight.data.glyphs import draw_hands, write_character

__all__ = ["Page", "Point", "Tone", "Writing", "write"]

Point = tuple[float, float]
Tone = Literal["ink", "quiet", "line", "same", "other", "mark", "sheet", "ground"]
Writing = list[list[Point]]  # the strokes of one drawing

STYLE = """
svg{--ground:#fcfcfa;--sheet:#ffffff;--ink:#24292f;--quiet:#5f6771;--line:#d3d6da;
--same:#00835f;--other:#c04e00;--mark:#0069a8}
@media (prefers-color-scheme:dark){svg{--ground:#12161c;--sheet:#1c222a;--ink:#e8ebef;
--quiet:#9aa4af;--line:#3a424c;--same:#35c79b;--other:#f0924a;--mark:#63b3f0}}
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",Arial,sans-serif}
"""


def write(alphabet: int, n_characters: int, n_drawers: int) -> list[list[Writing]]:
    """[character][drawer]: characters of an alphabet that nobody ever wrote, by several hands."""
    rng = np.random.default_rng(alphabet)
    characters = compose_alphabet(draw_style(rng), n_characters, rng)
    hands = draw_hands(n_drawers, rng)
    return [
        [
            [[(float(x), float(y)) for x, y in stroke] for stroke in drawing]
            for drawing in write_character(character, hands, rng)
        ]
        for character in characters
    ]


class Page:
    """A card that shapes are put on; later ones lie above. Lengths in px, y down."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self._shapes: list[str] = []

    def text(
        self,
        place: Point,
        words: str,
        *,
        tone: Tone = "ink",
        size: float = 15,
        anchor: Literal["start", "middle", "end"] = "middle",
        bold: bool = False,
    ) -> None:
        weight = ' font-weight="600"' if bold else ""
        self._put(
            f'<text {_at(place)} font-size="{_n(size)}" text-anchor="{anchor}"{weight} '
            f'style="fill:var(--{tone})">{escape(words)}</text>'
        )

    def line(
        self,
        points: Sequence[Point],
        *,
        tone: Tone = "ink",
        width: float = 2,
        dashed: bool = False,
        arrow: bool = False,
    ) -> None:
        """A line through the points, with an arrowhead at the last where asked."""
        if arrow:
            (x0, y0), (x1, y1) = points[-2:]
            length = math.hypot(x1 - x0, y1 - y0)
            along = ((x1 - x0) / length, (y1 - y0) / length)
            head = 4 + 2.5 * width
            base = (x1 - head * along[0], y1 - head * along[1])
            across = (-along[1] * head * 0.45, along[0] * head * 0.45)
            self.area(
                [(x1, y1), _add(base, across), _add(base, (-across[0], -across[1]))], tone=tone
            )
            points = [*points[:-1], base]
        dash = f' stroke-dasharray="{_n(2.5 * width)} {_n(2.5 * width)}"' if dashed else ""
        self._put(
            f'<polyline points="{_path(points)}" fill="none" stroke-width="{_n(width)}"'
            f' stroke-linecap="round" stroke-linejoin="round"{dash} '
            f'style="stroke:var(--{tone})"/>'
        )

    def area(self, points: Sequence[Point], *, tone: Tone, opacity: float = 1) -> None:
        self._put(f'<polygon points="{_path(points)}" style="{_fill(tone, opacity)}"/>')

    def box(
        self,
        place: Point,
        size: Point,
        *,
        fill: Tone = "sheet",
        opacity: float = 1,
        edge: Tone | None = "line",
        edge_width: float = 1.5,
        dashed: bool = False,
        radius: float = 6,
    ) -> None:
        """A rectangle with its upper left corner at `place`."""
        dash = ' stroke-dasharray="6 5"' if dashed else ""
        stroke = f"stroke:var(--{edge});stroke-width:{_n(edge_width)}" if edge else "stroke:none"
        self._put(
            f'<rect {_at(place)} width="{_n(size[0])}" height="{_n(size[1])}" rx="{_n(radius)}"'
            f'{dash} style="{_fill(fill, opacity)};{stroke}"/>'
        )

    def dot(self, place: Point, radius: float, *, tone: Tone = "ink", opacity: float = 1) -> None:
        self._put(
            f'<circle cx="{_n(place[0])}" cy="{_n(place[1])}" r="{_n(radius)}" '
            f'style="{_fill(tone, opacity)}"/>'
        )

    def ring(
        self,
        place: Point,
        radius: float,
        *,
        tone: Tone = "line",
        width: float = 1.5,
        dashed: bool = False,
    ) -> None:
        dash = ' stroke-dasharray="6 5"' if dashed else ""
        self._put(
            f'<circle cx="{_n(place[0])}" cy="{_n(place[1])}" r="{_n(radius)}" fill="none"'
            f'{dash} style="stroke:var(--{tone});stroke-width:{_n(width)}"/>'
        )

    def picture(
        self,
        centre: Point,
        side: float,
        writing: Writing,
        *,
        edge: Tone = "line",
        edge_width: float = 1.5,
        dashed: bool = False,
    ) -> None:
        """A small sheet with a character on it, as large as fits."""
        corner = (centre[0] - side / 2, centre[1] - side / 2)
        self.box(corner, (side, side), edge=edge, edge_width=edge_width, dashed=dashed)
        for stroke in _fitted(writing, 0.62 * side):
            placed = [(centre[0] + x, centre[1] + y) for x, y in stroke[::2]]
            self.line(placed, width=max(1.6, side / 24))

    def svg(self) -> str:
        size = f"{_n(self.width)} {_n(self.height)}"
        frame = (
            f'<rect x="1" y="1" width="{_n(self.width - 2)}" height="{_n(self.height - 2)}" '
            'rx="14" style="fill:var(--ground);stroke:var(--line)"/>'
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" '
            f'width="{_n(self.width)}" height="{_n(self.height)}" role="img">'
        )
        title = f"<title>{escape(self.title)}</title>"
        return "\n".join([head, title, f"<style>{STYLE}</style>", frame, *self._shapes, "</svg>\n"])

    def _put(self, shape: str) -> None:
        self._shapes.append(shape)


def _fitted(writing: Writing, side: float) -> Writing:
    """Centred on (0, 0), the longer side of its frame `side` long."""
    points = [point for stroke in writing for point in stroke]
    low = [min(point[axis] for point in points) for axis in (0, 1)]
    high = [max(point[axis] for point in points) for axis in (0, 1)]
    x, y = ((a + b) / 2 for a, b in zip(low, high, strict=True))
    scale = side / max(b - a for a, b in zip(low, high, strict=True))
    return [[((px - x) * scale, (py - y) * scale) for px, py in stroke] for stroke in writing]


def _n(number: float) -> str:
    """To a tenth of a pixel: finer digits may differ between processors."""
    return f"{round(number, 1) + 0.0:g}"


def _at(place: Point) -> str:
    return f'x="{_n(place[0])}" y="{_n(place[1])}"'


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{_n(x)},{_n(y)}" for x, y in points)


def _fill(tone: Tone, opacity: float) -> str:
    return f"fill:var(--{tone})" + (f";fill-opacity:{opacity:g}" if opacity < 1 else "")


def _add(a: Point, b: Point) -> Point:
    return (a[0] + b[0], a[1] + b[1])
