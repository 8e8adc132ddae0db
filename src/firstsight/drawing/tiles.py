"""What a sheet is made of: pictures fitted into squares, frames and marks.

Frames differ in colour (Okabe and Ito's, which colour-blind people tell apart), in their line
(solid, dashed, dotted) and in their mark (tick, cross, question mark, bar).
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from firstsight.errors import UsageError
from firstsight.images.modes import flatten

__all__ = [
    "COLOURS",
    "PAPER",
    "Box",
    "Frame",
    "Picture",
    "as_rgb",
    "dashed_rectangle",
    "draw_frame",
    "fitted",
    "paste_mark",
]

Picture = Image.Image | npt.NDArray[np.uint8]
Frame = Literal["plain", "right", "wrong", "unsure", "unknown"]
Box = tuple[int, int, int, int]  # left, top, right, bottom; the last two inclusive

PAPER = (252, 252, 250)
COLOURS: dict[Frame, tuple[int, int, int]] = {
    "plain": (206, 208, 212),
    "right": (0, 158, 115),
    "wrong": (213, 94, 0),
    "unsure": (0, 114, 178),
    "unknown": (84, 88, 96),
}
# How long a dash of a frame's line is, in widths of the line; None is a solid line.
DASHES: dict[Frame, float | None] = {
    "plain": None,
    "right": None,
    "wrong": 4,
    "unsure": 10,
    "unknown": 1.5,
}
# Lines of each mark, in radii of its disc.
STROKES: dict[Frame, tuple[tuple[tuple[float, float], ...], ...]] = {
    "plain": (),
    "right": (((-0.48, 0.02), (-0.12, 0.38), (0.48, -0.32)),),
    "wrong": (((-0.38, -0.38), (0.38, 0.38)), ((-0.38, 0.38), (0.38, -0.38))),
    "unsure": (
        ((-0.26, -0.26), (-0.2, -0.42), (0, -0.5), (0.2, -0.42), (0.26, -0.24), (0.16, -0.06),
         (0, 0.06), (0, 0.2)),
        ((0, 0.4), (0, 0.56)),
    ),
    "unknown": (((-0.42, 0), (0.42, 0)),),
}  # fmt: skip


def as_rgb(picture: Picture) -> Image.Image:
    """The picture in RGB, transparency over white.

    An array is uint8 (H, W), (H, W, 1) or (H, W, 3); UsageError for any other.
    """
    image = picture if isinstance(picture, Image.Image) else _from_pixels(picture)
    return flatten(image, "RGB")


def fitted(picture: Picture, side: int) -> Image.Image:
    """The picture in the middle of a white RGB square of `side` pixels, its proportions kept.

    Takes what `as_rgb` takes.
    """
    image = as_rgb(picture)
    ratio = side / max(image.size)
    width, height = (max(1, round(length * ratio)) for length in image.size)
    square = Image.new("RGB", (side, side), "white")
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    square.paste(resized, ((side - width) // 2, (side - height) // 2))
    return square


def draw_frame(pen: ImageDraw.ImageDraw, box: Box, frame: Frame, width: int) -> None:
    """A frame `width` pixels wide along the inside of `box`."""
    dash = DASHES[frame]
    if dash is None:
        pen.rectangle(box, outline=COLOURS[frame], width=width)
    else:
        dashed_rectangle(pen, box, COLOURS[frame], width, dash=dash)


def paste_mark(page: Image.Image, centre: tuple[float, float], radius: float, frame: Frame) -> None:
    """A disc with the frame's sign in white; nothing for a plain frame."""
    if frame == "plain":
        return
    # Pillow draws hard edges: draw four times as large, then shrink.
    side = 2 * round(radius + 2)
    middle, large = side * 2, radius * 4
    mark = Image.new("RGBA", (side * 4, side * 4), (*PAPER, 0))
    pen = ImageDraw.Draw(mark)
    for reach, colour in ((large * 1.15, PAPER), (large, COLOURS[frame])):
        pen.ellipse((middle - reach, middle - reach, middle + reach, middle + reach), fill=colour)
    for stroke in STROKES[frame]:
        points = [(middle + large * x, middle + large * y) for x, y in stroke]
        pen.line(points, fill="white", width=round(large * 0.24), joint="curve")
    mark = mark.resize((side, side), Image.Resampling.LANCZOS)
    page.paste(mark, (round(centre[0] - side / 2), round(centre[1] - side / 2)), mark)


def _from_pixels(pixels: npt.NDArray[np.uint8]) -> Image.Image:
    array: npt.NDArray[Any] = np.asarray(pixels)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    in_form = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if array.dtype != np.uint8 or not in_form or array.size == 0:
        raise UsageError(
            f"the picture is {array.dtype} {array.shape}; give uint8 (H, W), (H, W, 1) or (H, W, 3)"
        )
    return Image.fromarray(array)


def dashed_rectangle(
    pen: ImageDraw.ImageDraw,
    box: Box,
    colour: tuple[int, int, int],
    width: int,
    *,
    dash: float = 4,
) -> None:
    """Dashes along the inside of `box`, each about `dash` times as long as it is wide."""
    left, top, right, bottom = box
    for start, end in _dashes(right - left + 1, dash * width):
        pen.rectangle((left + start, top, left + end, top + width - 1), fill=colour)
        pen.rectangle((left + start, bottom - width + 1, left + end, bottom), fill=colour)
    for start, end in _dashes(bottom - top + 1, dash * width):
        pen.rectangle((left, top + start, left + width - 1, top + end), fill=colour)
        pen.rectangle((right - width + 1, top + start, right, top + end), fill=colour)


def _dashes(length: int, dash: float) -> list[tuple[int, int]]:
    """First and last pixel of each dash: an odd number of pieces puts one at every corner."""
    pieces = max(3, round(length / dash) | 1)
    edges = [round(piece * length / pieces) for piece in range(pieces + 1)]
    return [(edges[piece], edges[piece + 1] - 1) for piece in range(0, pieces, 2)]
