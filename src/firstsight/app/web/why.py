"""What made a picture match, as pictures in the page itself."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from firstsight.app.http.desk import Why
from firstsight.drawing.heat import heat_over
from firstsight.drawing.tiles import as_rgb

__all__ = ["as_data", "shown_why"]

SIDE = 360  # px, the longer side of a map


def shown_why(why: Why) -> dict[str, Any]:
    """The sentence, and (picture, words beneath) in pairs: the match, then the rival."""
    match = why.match
    maps = [
        heat for heat in (match.why.asked, match.why.enrolled, match.why.lead) if heat is not None
    ]
    largest = max(float(np.abs(heat).max()) for heat in maps)

    def laid(picture: Any, heat: Any) -> str:
        return as_data(heat_over(picture, heat, SIDE, largest=largest, fit=match.fit))

    tiles = [(laid(match.asked, match.why.asked), f"your picture: what makes it {match.name}")]
    if match.enrolled is not None:
        seen = match.enrolled
        enrolled = (
            as_data(as_rgb(seen)) if match.why.enrolled is None else laid(seen, match.why.enrolled)
        )
        tiles.append((enrolled, f"{match.name}, as it was enrolled"))
    if match.why.lead is not None:
        words = f"your picture: what tells it from {match.rival_name}"
        tiles.append((laid(match.asked, match.why.lead), words))
    if match.rival is not None:
        tiles.append((as_data(as_rgb(match.rival)), f"{match.rival_name}, the nearest rival"))
    return {"sentence": why.sentence, "tiles": tiles, "silent": bool(match.why.silence)}


def as_data(image: Image.Image) -> str:
    """A PNG as an address that holds it, so that nothing needs to be kept for fetching it."""
    stream = BytesIO()
    image.save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
