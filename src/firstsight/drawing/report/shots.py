"""Does another picture help? Accuracy by the number of pictures enrolled."""

from __future__ import annotations

import math

from markupsafe import Markup

from firstsight.drawing.report.svg import Axis, Plot, element, ticks
from firstsight.evaluation.kshot import KShotCurve

__all__ = ["shots_plot"]

ROOM_FOR_LETTERS = 34  # px from the top


def shots_plot(curve: KShotCurve) -> Markup:
    points = curve.points
    lowest = min(point.interval[0] for point in points)
    low = max(0.0, math.floor(lowest * 10 - 1) / 10)
    plot = Plot.over((0.5, points[-1].shots + 0.5), (low, 1.0))
    marks = [plot.line([(point.shots, point.accuracy) for point in points], "model")]
    above = all(plot.y(point.interval[1]) > ROOM_FOR_LETTERS for point in points)
    for point in points:
        x, y = plot.at(point.shots, point.accuracy)
        ends = [plot.y(end) for end in point.interval]
        marks.append(element("line", x1=x, x2=x, y1=ends[0], y2=ends[1], class_="model reach"))
        for end in ends:
            marks.append(element("line", x1=x - 5, x2=x + 5, y1=end, y2=end, class_="model reach"))
        marks.append(element("circle", cx=x, cy=y, r=5, class_="model spot"))
        marks.append(
            element(
                "text",
                f"{100 * point.accuracy:.1f}",  # no sign: 2 and 3 pictures lie too close for one
                x=x,
                y=ends[1] - 8 if above else ends[0] + 17,
                class_="label halo middle",
            )
        )
    return plot.drawn(
        marks,
        x=Axis("pictures enrolled of each thing", [(p.shots, str(p.shots)) for p in points]),
        y=Axis("recognised", [(t, f"{100 * t:.0f} %") for t in ticks(low, 1.0)]),
        told=f"K-shot curve. {curve.told}",
    )
