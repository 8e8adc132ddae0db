"""One measured share on a line from 0 to 100 %: where it lies and how sure that is."""

from __future__ import annotations

from markupsafe import Markup

from firstsight.drawing.report.svg import Scale, element
from firstsight.metrics.intervals import Interval

__all__ = ["share_bar"]

WIDTH, HEIGHT = 130, 20


def share_bar(value: float, interval: Interval, style: str) -> Markup:
    """value, interval: in 0..1."""
    place = Scale(0, 1, 6, WIDTH - 6)
    middle = HEIGHT / 2
    marks = [element("line", x1=place(0), x2=place(1), y1=middle, y2=middle, class_="rail")]
    for quarter in (0, 0.25, 0.5, 0.75, 1):
        x = place(quarter)
        marks.append(element("line", x1=x, x2=x, y1=middle - 3, y2=middle + 3, class_="rail"))
    low, high = map(place, interval)
    marks.append(element("line", x1=low, x2=high, y1=middle, y2=middle, class_=f"{style} span"))
    marks.append(element("circle", cx=place(value), cy=middle, r=4.5, class_=f"{style} spot"))
    size = f"0 0 {WIDTH} {HEIGHT}"
    return element("svg", *marks, class_="bar", viewBox=size, aria_hidden="true")
