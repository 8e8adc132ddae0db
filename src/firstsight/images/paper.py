"""What is drawn, freed from its paper: white paper, black ink, whatever the light and the pen.

A photographed page is grey, brighter at one side, and has the shadow of a hand on it. How light
falls on paper multiplies; so each place is divided by the paper around it. Where there is ink, the
paper is known from beyond it: a morphological closing (Serra 1982) fills whatever is darker and
narrower than its window, and leaves slopes and the edges of shadows where they are.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

__all__ = ["levelled"]

_MOST_SIDE = 1024  # beyond, whole blocks of pixels are averaged first
_PAPER_SIDE = 128  # paper changes slowly
_WINDOW = 1 / 3  # of that side: wider than any stroke, narrower than what light does
_SMOOTHNESS = 2  # px of it
_LEAST_CONTRAST = 0.1  # of black on white
_DEEPEST_SHADOW = 0.25  # of the lightest paper: what is darker and wide is ink
_WHITE = 255

Bytes = NDArray[np.uint8]


def levelled(image: Image.Image) -> Image.Image:
    """Grey, dark ink on white paper, as large as the picture or smaller; black on white stays.

    image: strokes darker, or all of them lighter, than the paper around them, which is the larger
        part. A page with nothing on it stays as it is.
    """
    page = image.convert("L")
    blocks = -(-max(page.size) // _MOST_SIDE)
    if blocks > 1:
        page = page.reduce(blocks)
    small = page.copy()
    small.thumbnail((_PAPER_SIDE, _PAPER_SIDE), Image.Resampling.BILINEAR)
    turned = _is_light_on_dark(small)
    grey, small = (ImageChops.invert(each) if turned else each for each in (page, small))
    light = np.asarray(grey, np.float32)
    paper = np.asarray(_paper(small).resize(grey.size, Image.Resampling.BILINEAR), np.float32)
    if (paper - light).max() < _LEAST_CONTRAST * _WHITE:
        return page
    darker = np.clip(1 - light / np.maximum(paper, _DEEPEST_SHADOW * paper.max()), 0, 1)
    # Most of a page is paper, and its grain a little darker than its lightest specks. Edges of
    # strokes are paler than strokes, and some specks are darker.
    grain = np.median(darker)
    ink = np.percentile(darker[darker >= darker.max() / 2], 75)
    if ink <= grain:
        return page
    levels = _WHITE * (1 - np.clip((darker - grain) / (ink - grain), 0, 1))
    return Image.fromarray(levels.round().astype(np.uint8))


def _is_light_on_dark(small: Image.Image) -> bool:
    """Ink is the smaller part around most places, and so it differs more from their mean.

    The edge of a shadow differs as much on both sides, and cubes of both cancel out. Of an empty
    page they would say nothing: only a dark one is turned round.
    """
    around = small.filter(ImageFilter.BoxBlur(round(_WINDOW * max(small.size) / 2)))
    grey = np.asarray(small, np.float32)
    cubes = (grey - np.asarray(around, np.float32)) ** 3
    return bool(np.median(grey) <= _WHITE / 2 and cubes.sum() > 0)


def _paper(small: Image.Image) -> Image.Image:
    """How light the paper is at each place, under the ink as well."""
    reach = round(_WINDOW * max(small.size) / 2)
    # Beyond its edges the page goes on as it ends there, once for both: no edge is ink's.
    wide = np.pad(np.asarray(small), 2 * reach, mode="edge")
    closed = _over_window(_over_window(wide, reach, np.maximum), reach, np.minimum)
    return Image.fromarray(closed).filter(ImageFilter.GaussianBlur(_SMOOTHNESS))


def _over_window(values: Bytes, reach: int, taken: np.ufunc) -> Bytes:
    """The largest or smallest in a square of 2 * reach + 1 px around each that has one."""
    for axis in (0, 1):
        values = taken.reduce(sliding_window_view(values, 2 * reach + 1, axis=axis), axis=-1)
    return values
