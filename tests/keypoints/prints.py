"""Printed things, drawn here, and photographs of them: aslant, on a table, in another light."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

SIDE = 300


def printed(number: int, *, logo: Image.Image | None = None) -> Image.Image:
    """A cover of its own: shapes of many sizes and greys. logo: what its middle shows instead."""
    rng = np.random.default_rng([7, number])
    cover = Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(80, 255, 3).tolist()))
    draw = ImageDraw.Draw(cover)
    for _ in range(120):
        x, y = rng.integers(0, SIDE, 2).tolist()
        wide, high = rng.integers(6, 60, 2).tolist()
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((x, y, x + wide, y + high), fill=tuple(rng.integers(0, 255, 3).tolist()))
    if logo is not None:
        cover.paste(logo, ((SIDE - logo.width) // 2, (SIDE - logo.height) // 2))
    return cover


def in_other_colours(cover: Image.Image) -> Image.Image:
    """A sister product: the same print, with red for green, green for blue and blue for red."""
    red, green, blue = cover.split()
    return Image.merge("RGB", (green, blue, red))


def photographed(cover: Image.Image, seed: int, *, table: Image.Image | None = None) -> Image.Image:
    """Half as large, turned by up to 25 degrees and seen from aside, on a table."""
    rng = np.random.default_rng([8, seed])
    scene = Image.new("RGB", (400, 400), (120, 110, 100)) if table is None else table.copy()
    angle, scale = np.deg2rad(rng.uniform(-25, 25)), rng.uniform(0.6, 0.8)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    back = np.linalg.inv(scale * turn @ np.array([[1, rng.uniform(-0.2, 0.2)], [0, 0.9]]))
    (a, b), (c, d) = back.tolist()
    shift_x, shift_y = SIDE / 2 - 200 * (a + b), SIDE / 2 - 200 * (c + d)
    movement = (a, b, shift_x, c, d, shift_y)
    seen = cover.transform((400, 400), Image.Transform.AFFINE, movement, Image.Resampling.BICUBIC)
    where = Image.new("L", cover.size, 255).transform((400, 400), Image.Transform.AFFINE, movement)
    scene.paste(seen, mask=where)
    return ImageEnhance.Brightness(scene).enhance(rng.uniform(0.6, 1.1))
