"""Every pixel layout Pillow knows, brought to 8-bit grey or RGB as an eye would see it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["flatten"]

# TIFF tags
_BITS_PER_SAMPLE = 258
_PHOTOMETRIC = 262
_WHITE_IS_ZERO = 0


def flatten(image: Image.Image, mode: Literal["L", "RGB"]) -> Image.Image:
    """A new image of `mode`: transparency over white, deep grey scaled down, Lab made RGB.

    image: a loaded image of any mode. Raises whatever Pillow raises where it cannot convert.
    """
    if image.mode.startswith("I") or image.mode == "F":
        image = _deep_grey_to_8_bit(image)
    elif image.has_transparency_data:
        image = _over_white(image)
    elif image.mode == "LAB":
        image = image.convert("RGB")  # The one mode Pillow turns Lab into.
    return image.convert(mode)


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode == "La":
        image = image.convert("LA")  # Pillow has no way from grey times alpha to anything else.
    # By way of RGBA: it alone understands palettes and keyed colours with transparency.
    colours = image.convert("RGBA")
    page = Image.new("RGB", image.size, "white")
    page.paste(colours, mask=colours.getchannel("A"))
    return page


def _deep_grey_to_8_bit(image: Image.Image) -> Image.Image:
    """Pillow's own conversion clips at 255, which turns 16-bit photos white."""
    values = np.asarray(image).astype(np.float32)
    lowest, highest = _tone_range(image, values)
    scaled = (values - lowest) * (255 / (highest - lowest))
    grey = np.clip(np.nan_to_num(np.rint(scaled)), 0, 255).astype(np.uint8)
    if image.mode.startswith("I;16") and _tiff_tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        grey = 255 - grey  # Pillow turns such TIFF round at 8 bits, but not at 16.
    key = image.info.get("transparency")
    if isinstance(key, int):
        grey[np.asarray(image) == key] = 255
    return Image.fromarray(grey)


def _tone_range(image: Image.Image, values: NDArray[np.float32]) -> tuple[float, float]:
    """What counts as black and as white: the format's range, or the picture's own beyond it."""
    finite = values[np.isfinite(values)]
    lowest, highest = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if image.mode.startswith("I;16"):
        return 0.0, float(2 ** _bits_per_sample(image) - 1)
    # A picture of 16 bits has more than 255 anywhere, or nothing could be seen in it.
    usual = (1.0, 255.0) if image.mode == "F" else (255.0, 65535.0)
    for white in usual:
        if lowest >= 0 and highest <= white:
            return 0.0, white
    return (lowest, highest) if highest > lowest else (lowest, lowest + 1)


def _bits_per_sample(image: Image.Image) -> int:
    # 12-bit TIFF arrives as I;16 with values up to 4095.
    bits = _tiff_tag(image, _BITS_PER_SAMPLE)
    return bits if bits is not None and 8 < bits < 16 else 16


def _tiff_tag(image: Image.Image, tag: int) -> int | None:
    tags = getattr(image, "tag_v2", None)
    value = None if tags is None else tags.get(tag)
    if isinstance(value, tuple) and value:
        value = value[0]
    return value if isinstance(value, int) else None
