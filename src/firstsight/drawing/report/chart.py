"""The embedding map: every picture where the model puts it, framed in its class's colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from firstsight.drawing.report.svg import Scale, element
from firstsight.evaluation.atlas import Atlas

__all__ = ["class_key", "map_plot"]

WIDTH, HEIGHT, MARGIN = 720, 460, 26
SIDE = 24  # of a picture, px


def map_plot(
    atlas: Atlas, labels: Sequence[int], names: Sequence[str], uris: Sequence[str]
) -> Markup:
    """labels, uris: (P,) class and data URI of each picture of the atlas; names: of its classes.

    Numbers stand beside the colours, for those who cannot tell these apart.
    """
    across, upwards = _fitted(atlas)
    order = {number: place for place, number in enumerate(atlas.classes)}
    marks = []
    for position, label, uri in zip(atlas.positions, labels, uris, strict=True):
        place = order[label]
        x, y = across(position[0]) - SIDE / 2, upwards(position[1]) - SIDE / 2
        picture = element("image", href=uri, x=x, y=y, width=SIDE, height=SIDE)
        frame = element("rect", x=x, y=y, width=SIDE, height=SIDE, rx=3, class_=f"kind-{place}")
        marks.append(element("g", element("title", names[place]), picture, frame))
    for place, number in enumerate(atlas.classes):
        centre = np.median(atlas.positions[np.asarray(labels) == number], axis=0)
        x, y = across(centre[0]), upwards(centre[1])
        disc = element("circle", cx=x, cy=y, r=10, class_=f"kind-{place} seal")
        marks += [disc, element("text", str(place + 1), x=x, y=y + 4, class_="seal-number middle")]
    told = f"Map of {len(labels)} pictures of {len(names)} classes: {', '.join(names)}."
    size = f"0 0 {WIDTH} {HEIGHT}"
    return element("svg", *marks, class_="map", viewBox=size, role="img", aria_label=told)


def class_key(place: int) -> Markup:
    """A numbered disc in the class's colour, as on the map."""
    disc = element("circle", cx=10, cy=10, r=9, class_=f"kind-{place} seal")
    number = element("text", str(place + 1), x=10, y=14, class_="seal-number middle")
    return element("svg", disc, number, class_="key", viewBox="0 0 20 20", aria_hidden="true")


def _fitted(atlas: Atlas) -> tuple[Scale, Scale]:
    """Both axes at one scale, so that distances on the map may be compared."""
    low, high = atlas.positions.min(axis=0), atlas.positions.max(axis=0)
    middle, reach = (low + high) / 2, np.maximum(high - low, 1e-12)
    a_px = float(max(reach / (WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN)))
    half = a_px * (WIDTH / 2 - MARGIN), a_px * (HEIGHT / 2 - MARGIN)
    return (
        Scale(middle[0] - half[0], middle[0] + half[0], MARGIN, WIDTH - MARGIN),
        Scale(middle[1] - half[1], middle[1] + half[1], HEIGHT - MARGIN, MARGIN),
    )
