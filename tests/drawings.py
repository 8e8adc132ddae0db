"""Drawings that any machine can make: figures of four strokes, by number."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["N_THINGS", "drawing"]

N_THINGS = 8


def drawing(thing: int, variant: int = 0, side: int = 105) -> Image.Image:
    """A figure of four strokes, the same for one thing but for a slight tremble of the hand."""
    corners = np.random.default_rng(thing).uniform(15, 90, (5, 2))
    hand = np.random.default_rng([thing, variant]).normal(0, 2.0 if variant else 0.0, (5, 2))
    page = Image.new("L", (105, 105), 255)
    path = [(float(x), float(y)) for x, y in corners + hand]
    ImageDraw.Draw(page).line(path, fill=0, width=3)
    return page.resize((side, side))
