"""Does a stated probability come true? What was said against what was so."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from firstsight.drawing.report.svg import Axis, Plot, element, steps_of_ten
from firstsight.metrics.calibration import ReliabilityBin

__all__ = ["reliability_plot"]

LARGEST = 11.0  # radius of a bin that holds all pairs, px


def reliability_plot(bins: Sequence[ReliabilityBin]) -> Markup:
    """Each bin a disc whose area is its share of the pairs; on the diagonal all is well."""
    plot = Plot.over((0, 1), (0, 1))
    marks = [
        plot.line([(0, 0), (1, 1)], "guess"),
        plot.line([(each.predicted, each.observed) for each in bins], "model thin"),
    ]
    for each in bins:
        x, y = plot.at(each.predicted, each.observed)
        fall = element("line", x1=x, y1=y, x2=x, y2=plot.y(each.predicted), class_="gap")
        radius = max(2.5, LARGEST * each.weight**0.5)
        told = (
            f"said {100 * each.predicted:.0f} %, was so {100 * each.observed:.0f} %, "
            f"{100 * each.weight:.1f} % of pairs"
        )
        disc = element("circle", element("title", told), cx=x, cy=y, r=radius, class_="model spot")
        marks += [fall, disc]
    x, y = plot.at(0.3, 0.3)
    marks.append(
        element(
            "text",
            "as stated",
            transform=f"translate({x:.0f} {y - 7:.0f}) rotate(-35.7)",
            class_="label quiet middle",
        )
    )
    shares = steps_of_ten([0, 0.25, 0.5, 0.75, 1])
    worst = max(bins, key=lambda each: each.weight * abs(each.predicted - each.observed))
    return plot.drawn(
        marks,
        x=Axis("stated probability of “same”", shares),
        y=Axis("share that was the same", shares),
        told=f"Reliability plot of {len(bins)} bins. The one that weighs most in the error said "
        f"{100 * worst.predicted:.0f} % where {100 * worst.observed:.0f} % were the same.",
    )
