"""How well distances tell same from different: ROC, DET, and the distances themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from firstsight.drawing.report.svg import (
    Axis,
    Plot,
    Point,
    element,
    polyline,
    steps_of_ten,
    ticks,
)
from firstsight.metrics.roc import RocCurve, equal_error_rate, roc_curve

__all__ = ["Sides", "det_plot", "distance_plot", "histogram", "roc_plot"]

BINS = 48
LEAST_RATE, MOST_RATE = 0.001, 0.5  # what a DET panel shows
DET_MARKS = (0.001, 0.01, 0.05, 0.1, 0.2, 0.5)
STYLES = ("model", "other-1", "other-2", "other-3")  # ours, then the baselines


@dataclass(frozen=True, eq=False)
class Sides:
    """Distances of pairs of one class, and of two; (n,), (m,)."""

    same: npt.NDArray[Any]
    different: npt.NDArray[Any]

    @property
    def curve(self) -> RocCurve:
        return roc_curve(self.same, self.different)


def roc_plot(contestants: Mapping[str, Sides], areas: Mapping[str, float]) -> Markup:
    """The model first, then its baselines; areas: AUC of each, as its scorecard has it."""
    plot = Plot.over((0, 1), (0, 1))
    marks = [plot.line([(0, 0), (1, 1)], "guess")]
    for name, style in reversed(list(zip(contestants, STYLES, strict=False))):
        curve = contestants[name].curve
        marks.append(plot.line(_pairs(curve.false_match_rate, curve.true_match_rate), style))
    rows = [f"{name}, AUC {areas[name]:.3f}" for name in contestants]
    marks += _legend(rows, x=plot.x(0.28), y=plot.y(0.05) - 16 * (len(rows) - 1))
    told = "; ".join(rows)
    share = Axis("different pairs accepted", steps_of_ten([0, 0.25, 0.5, 0.75, 1]))
    return plot.drawn(
        marks,
        x=share,
        y=Axis("same pairs accepted", share.marks),
        told=f"ROC curve, same pairs accepted against different pairs accepted. {told}.",
    )


def det_plot(contestants: Mapping[str, Sides]) -> Markup:
    """Misses against false accepts on normal-deviate axes (Martin et al. 1997)."""
    plot = Plot.over((LEAST_RATE, MOST_RATE), (LEAST_RATE, MOST_RATE), warp=NormalDist().inv_cdf)
    marks = [plot.line([(LEAST_RATE, LEAST_RATE), (MOST_RATE, MOST_RATE)], "guess")]
    for name, style in reversed(list(zip(contestants, STYLES, strict=False))):
        curve = contestants[name].curve
        points = _pairs(curve.false_match_rate, 1 - curve.true_match_rate)
        marks.append(plot.line([each for each in points if _is_inside(each)], style))
    ours = next(iter(contestants.values()))
    equal = equal_error_rate(ours.same, ours.different)
    x, y = plot.at(equal, equal)
    marks.append(element("circle", cx=x, cy=y, r=4.5, class_="model spot"))
    right = x > plot.x(0.2)
    label = f"equal error {100 * equal:.1f} %"
    where = "end" if right else "start"
    marks.append(
        element("text", label, x=x - 9 if right else x + 9, y=y - 8, class_=f"label halo {where}")
    )
    shares = steps_of_ten(DET_MARKS)
    return plot.drawn(
        marks,
        x=Axis("false accepts, of different pairs", shares),
        y=Axis("misses, of same pairs", shares),
        told=f"DET curve, misses against false accepts; they are equal at {100 * equal:.1f} %.",
    )


def distance_plot(sides: Sides, thresholds: Sequence[float]) -> Markup:
    """How far apart same and different pairs lie, each side as shares of its own pairs.

    thresholds: where verdicts change; those that are not finite are not drawn.
    """
    edges, same, different = histogram(sides)
    highest = max(same.max(), different.max()) * 1.18
    plot = Plot.over((float(edges[0]), float(edges[-1])), (0, float(highest)))
    marks = []
    for shares, style in ((different, "different"), (same, "same")):
        outline = [plot.at(*point) for point in _outline(edges, shares)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        marks.append(element("polygon", points=points, class_=f"{style} area"))
        marks.append(polyline(outline, f"{style} edge"))
    for at in sorted(filter(np.isfinite, thresholds)):
        marks.append(plot.line([(at, 0), (at, float(highest))], "threshold"))
    marks += _names_of_sides(plot, edges, same, different)
    inside = [at for at in thresholds if np.isfinite(at)]
    if inside:
        middle = float(np.mean(inside))
        left = plot.x(middle) > 300
        marks.append(
            element(
                "text",
                "threshold" if len(set(inside)) == 1 else "thresholds",
                x=plot.x(middle) + (-7 if left else 7),
                y=plot.y(float(highest)) + 11,
                class_=f"label halo {'end' if left else 'start'}",
            )
        )
    return plot.drawn(
        marks,
        x=Axis("distance (nearer means more alike)", [(t, f"{t:g}") for t in _rounded(edges)]),
        y=Axis("share of pairs", [(t, f"{100 * t:g} %") for t in ticks(0, float(highest))]),
        told="Histogram of distances. Same pairs: median "
        f"{np.median(sides.same):.3g}; different pairs: median {np.median(sides.different):.3g}.",
    )


def histogram(
    sides: Sides, bins: int = BINS
) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
    """Edges (bins + 1,) over both sides, and the share of each side's pairs in each bin (bins,).

    Distances that are not finite are in no bin, so shares may sum to less than 1.
    """
    finite = [side[np.isfinite(side)] for side in (sides.same, sides.different)]
    both = np.concatenate([*finite, np.zeros(0 if any(map(len, finite)) else 1)])
    low, high = float(both.min()), float(both.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, bins + 1)
    counts = [np.histogram(side, edges)[0] for side in finite]
    return edges, counts[0] / len(sides.same), counts[1] / len(sides.different)


def _outline(edges: npt.NDArray[Any], shares: npt.NDArray[Any]) -> list[Point]:
    """The steps of a histogram, from its foot on the left to that on the right."""
    steps = [
        (float(edge), float(share))
        for left, right, share in zip(edges[:-1], edges[1:], shares, strict=True)
        for edge in (left, right)
    ]
    return [(float(edges[0]), 0.0), *steps, (float(edges[-1]), 0.0)]


def _names_of_sides(
    plot: Plot, edges: npt.NDArray[Any], same: npt.NDArray[Any], different: npt.NDArray[Any]
) -> list[Markup]:
    """Each side's name above its own peak."""
    marks = []
    for name, shares in (("same", same), ("different", different)):
        peak = int(shares.argmax())
        x, y = plot.at(float(edges[peak] + edges[peak + 1]) / 2, float(shares[peak]))
        x = min(max(x, 66.0), 352.0)
        marks.append(element("text", name, x=x, y=y - 6, class_=f"label halo middle {name}-name"))
    return marks


def _legend(rows: Sequence[str], *, x: float, y: float) -> list[Markup]:
    marks = []
    for place, (row, style) in enumerate(zip(rows, STYLES, strict=False)):
        level = y + 16 * place
        marks.append(element("line", x1=x, x2=x + 18, y1=level - 4, y2=level - 4, class_=style))
        marks.append(element("text", row, x=x + 24, y=level, class_="label halo"))
    return marks


def _pairs(x: npt.NDArray[Any], y: npt.NDArray[Any]) -> list[Point]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _is_inside(point: Point) -> bool:
    """Does a DET panel show it?"""
    return all(LEAST_RATE <= rate <= MOST_RATE for rate in point)


def _rounded(edges: npt.NDArray[Any]) -> list[float]:
    return [round(tick, 10) for tick in ticks(float(edges[0]), float(edges[-1]))]
