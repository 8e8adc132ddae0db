"""What made a picture match, as pictures in the page itself."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.app.http.questions import Why
from firstsight.drawing.heat import heat_over
from firstsight.drawing.places import numbered, places_over
from firstsight.drawing.tiles import Box, Picture, as_rgb
from firstsight.drawing.why import draw_window

__all__ = ["as_data", "shown_why"]

Floats = npt.NDArray[np.float32]

SIDE = 360  # px, the longer side of a map


def shown_why(why: Why) -> dict[str, Any]:
    """The sentence, and pictures with the words beneath them: the match, then the rival."""
    match, found = why.match, why.match.why
    maps = [heat for heat in (found.asked, found.enrolled, found.lead) if heat is not None]
    largest = max(float(np.abs(heat).max()) for heat in maps)

    def laid(picture: Picture, heat: Floats | None, framed: Box | None = None) -> str:
        if heat is None:
            return as_data(as_rgb(picture))
        drawn = heat_over(picture, heat, SIDE, largest=largest, fit=match.fit)
        if framed is not None:
            draw_window(drawn, framed, heat.shape, match.fit)
        return as_data(drawn)

    tiles = [(laid(match.asked, found.asked), f"your picture: what makes it {match.name}")]
    if match.enrolled is not None:
        words = f"{match.name}, as it was enrolled"
        tiles.append((laid(match.enrolled, found.enrolled), words))
    if match.agreed is not None and match.enrolled is not None:
        numbers = numbered(match.agreed.asked)
        for picture, at, words in (
            (match.asked, match.agreed.asked, "your picture: places that agree"),
            (match.enrolled, match.agreed.enrolled, f"{match.name}: the same places"),
        ):
            tiles.append((as_data(places_over(picture, at, numbers, SIDE)), words))
    if found.lead is not None:
        words = f"your picture: what tells it from {match.rival_name}"
        tiles.append((laid(match.asked, found.lead, found.turning), words))
    if match.rival is not None:
        tiles.append((laid(match.rival, None), f"{match.rival_name}, the nearest rival"))
    return {"sentence": why.sentence, "tiles": tiles, "silent": found.silence is not None}


def as_data(image: Image.Image) -> str:
    """A PNG as an address that holds it, so that nothing needs to be kept for fetching it."""
    stream = BytesIO()
    image.save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
