"""Plots in SVG: from numbers to places, axes, and text that a reader without eyes gets too.

Colours, line widths and type come from the page's style sheet by class, so that one drawing serves
light, dark and paper. Everything is escaped by markupsafe on its way into the markup.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

__all__ = ["Axis", "Plot", "Point", "Scale", "element", "polyline", "steps_of_ten", "ticks"]

Point = tuple[float, float]

WIDTH, HEIGHT = 400, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 386, 14, 258  # the panel inside the drawing


def element(name: str, *children: str, **attributes: str | float | None) -> Markup:
    """An element; `class_` means class and `_` in a name a hyphen. What is None is left out."""
    words = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _written(value))
        for key, value in attributes.items()
        if value is not None
    )
    inside = Markup("").join(children)
    tag = Markup(name)
    if not children:
        return Markup("<{}{}/>").format(tag, words)
    return Markup("<{}{}>{}</{}>").format(tag, words, inside, tag)


@dataclass(frozen=True)
class Scale:
    """Data from `low` to `high` at places from `start` to `end`; outside it stays at the edge.

    warp: what is laid out evenly, such as the logarithm; None for the data itself.
    """

    low: float
    high: float
    start: float
    end: float
    warp: Callable[[float], float] | None = None

    def __call__(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        low, high, at = (self._warped(each) for each in (self.low, self.high, inside))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + share * (self.end - self.start)

    def _warped(self, value: float) -> float:
        return self.warp(value) if self.warp else value


@dataclass(frozen=True)
class Axis:
    """What an axis measures: its name, and where it is marked with what."""

    name: str
    marks: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class Plot:
    """A panel with two axes. x grows to the right and y upwards; low..high of each in data."""

    x: Scale
    y: Scale

    @classmethod
    def over(
        cls,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        warp: Callable[[float], float] | None = None,
        y_warp: Callable[[float], float] | None = None,
    ) -> Plot:
        return cls(Scale(*x, LEFT, RIGHT, warp), Scale(*y, BOTTOM, TOP, y_warp or warp))

    def at(self, x: float, y: float) -> Point:
        return self.x(x), self.y(y)

    def line(self, points: Iterable[Point], class_: str) -> Markup:
        return polyline([self.at(*point) for point in points], class_)

    def drawn(self, marks: Iterable[Markup], *, x: Axis, y: Axis, told: str) -> Markup:
        """The whole drawing. told: what it shows, in a sentence, for those who do not see it."""
        content = [*self._grid(x, y), *marks]
        return element(
            "svg",
            *content,
            class_="plot",
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=told,
        )

    def _grid(self, x: Axis, y: Axis) -> list[Markup]:
        parts = []
        for value, word in x.marks:
            place = self.x(value)
            parts.append(_straight(place, TOP, place, BOTTOM, "grid"))
            parts.append(element("text", word, x=place, y=BOTTOM + 15, class_="tick middle"))
        for value, word in y.marks:
            place = self.y(value)
            parts.append(_straight(LEFT, place, RIGHT, place, "grid"))
            parts.append(element("text", word, x=LEFT - 6, y=place + 4, class_="tick end"))
        parts.append(_straight(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
        middle = (LEFT + RIGHT) / 2
        parts.append(element("text", x.name, x=middle, y=HEIGHT - 8, class_="name middle"))
        turned = f"translate(11 {_number((TOP + BOTTOM) / 2)}) rotate(-90)"
        parts.append(element("text", y.name, transform=turned, class_="name middle"))
        return parts


def polyline(points: Sequence[Point], class_: str) -> Markup:
    """A line through places, without those that no eye could tell from the line before."""
    kept: list[Point] = []
    for x, y in points:
        place = (round(x, 1), round(y, 1))
        if kept and place == kept[-1]:
            continue
        if len(kept) > 1 and _in_line(kept[-2], kept[-1], place):
            kept[-1] = place
        else:
            kept.append(place)
    return element("polyline", points=" ".join(f"{_number(x)},{_number(y)}" for x, y in kept),
                   class_=class_)  # fmt: skip


def ticks(low: float, high: float, *, wanted: int = 5) -> list[float]:
    """Round values within low..high, in steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 5, 10) if size * power >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def steps_of_ten(values: Iterable[float]) -> list[tuple[float, str]]:
    """Marks at shares in 0..1, written in percent."""
    return [(value, f"{100 * value:g} %") for value in values]


def _in_line(a: Point, b: Point, c: Point) -> bool:
    """Is b on the way from a to c, straight on?"""
    cross = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
    onwards = (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1])
    return abs(cross) < 1e-9 and onwards >= 0


def _straight(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def _written(value: str | float) -> str:
    return value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    """At most two digits after the point, and no minus before a zero."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
