"""The embedding map: every picture where the model puts it, framed in its class's colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from firstsight.drawing.report.svg import Point, Scale, element
from firstsight.evaluation.atlas import Atlas

__all__ = ["class_key", "map_plot"]

WIDTH, HEIGHT, MARGIN = 720, 460, 26
SIDE, CLOSER = 24, 96  # of a picture, and of the one under the pointer, px
EDGE, CAPTION = 6, 18  # around the latter, and below it
LETTER = 6.6  # px that a letter of the caption takes, at most
MOST_LETTERS = 40


def map_plot(
    atlas: Atlas, labels: Sequence[int], names: Sequence[str], uris: Sequence[str]
) -> Markup:
    """labels, uris: (P,) class and data URI of each picture of the atlas; names: of its classes.

    Numbers stand beside the colours, for those who cannot tell these apart. The picture under the
    pointer is shown large, which needs no script: the style sheet does it.
    """
    across, upwards = _fitted(atlas)
    order = {number: place for place, number in enumerate(atlas.classes)}
    kinds = [order[label] for label in labels]
    corners = [(across(x) - SIDE / 2, upwards(y) - SIDE / 2) for x, y in atlas.positions]
    pictures, closer = [], []
    for number, (corner, kind, uri) in enumerate(zip(corners, kinds, uris, strict=True)):
        pictures.append(_picture(number, corner, kind, uri))
        closer.append(_closer(number, corner, kind, names[kind]))
    seals = []
    for place in range(len(atlas.classes)):
        centre = np.median(atlas.positions[np.asarray(kinds) == place], axis=0)
        seals += _seal(place, across(centre[0]), upwards(centre[1]), 10)
    told = f"Map of {len(labels)} pictures of {len(names)} classes: {', '.join(names)}."
    size = f"0 0 {WIDTH} {HEIGHT}"
    # What is drawn later lies above: an enlargement is covered neither by pictures nor by seals.
    marks = [*pictures, *seals, *closer]
    return element("svg", *marks, class_="map", viewBox=size, role="img", aria_label=told)


def _picture(number: int, corner: Point, kind: int, uri: str) -> Markup:
    x, y = corner
    frame = element("rect", x=x, y=y, width=SIDE, height=SIDE, rx=3, class_=f"kind-{kind}")
    image = element("image", id=f"spot-{number}", href=uri, x=x, y=y, width=SIDE, height=SIDE)
    return element("g", image, frame)


def _closer(number: int, corner: Point, kind: int, name: str) -> Markup:
    """A target over a picture, and the picture enlarged, hidden until the pointer is there."""
    x, y = corner
    name = name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
    caption = f"{kind + 1} · {name}"
    width, height = max(CLOSER, LETTER * len(caption)) + 2 * EDGE, CLOSER + CAPTION + 2 * EDGE
    left = min(max(x + SIDE / 2 - width / 2, 0), WIDTH - width)
    top = min(max(y + SIDE / 2 - height / 2, 0), HEIGHT - height)
    middle, scale = left + width / 2, CLOSER / SIDE
    to_x, to_y = middle - CLOSER / 2, top + EDGE
    moved = f"translate({to_x - scale * x:.2f} {to_y - scale * y:.2f}) scale({scale:g})"
    frame = {"x": to_x, "y": to_y, "width": CLOSER, "height": CLOSER, "rx": 3}
    below = to_y + CLOSER + CAPTION - 4
    shown = element(
        "g",
        element("rect", x=left, y=top, width=width, height=height, rx=8, class_="sheet"),
        element("use", href=f"#spot-{number}", transform=moved),
        element("rect", class_=f"kind-{kind}", **frame),
        element("text", caption, x=middle, y=below, class_="middle"),
        class_="shown",
    )
    target = element("rect", x=x, y=y, width=SIDE, height=SIDE, class_="target")
    return element("g", target, shown, class_="closer")


def _seal(place: int, x: float, y: float, radius: float) -> list[Markup]:
    disc = element("circle", cx=x, cy=y, r=radius, class_=f"kind-{place} seal")
    return [disc, element("text", str(place + 1), x=x, y=y + 4, class_="seal-number middle")]


def class_key(place: int) -> Markup:
    """A numbered disc in the class's colour, as on the map."""
    marks = _seal(place, 10, 10, 9)
    return element("svg", *marks, class_="key", viewBox="0 0 20 20", aria_hidden="true")


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
