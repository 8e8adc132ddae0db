"""One picture, read once: its digest, its size, its pixels for a network, and a small copy to keep.

Where a picture is identified and perhaps enrolled, all of these are wanted of the very same bytes,
even where the file changes in between or the stream can be read only once.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, field
from io import BytesIO
from math import ceil
from numbers import Integral
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firstsight.errors import PictureError, UsageError
from firstsight.images.decode import (
    DEFAULT_LIMITS,
    DecodeLimits,
    PictureLike,
    encoded_bytes,
    is_reducible,
    load_whole,
    loaded,
    open_encoded,
    picture_name,
    reduce_draft,
    require_limits,
    telling_damage,
    turned_upright,
    upright_size,
)
from firstsight.images.modes import flatten
from firstsight.images.preprocess import Preprocessing
from firstsight.images.room import room_for

__all__ = ["KEPT_LONGEST_SIDE", "STANDARD_INPUT", "Crop", "Reading", "read_picture"]

Crop: TypeAlias = tuple[int, int, int, int]  # left, top, right, bottom; the last two exclusive

STANDARD_INPUT = "-"
KEPT_LONGEST_SIDE = 384

_MOST_PNG_BYTES = 64 * 2**10
_MOST_PNG_COLOURS = 4096
# Embedded anew from such a copy, 1.1-megapixel photos move by 0.0025 (median; `photos`, where the
# nearest other photo is at 0.65). WebP of quality 90 at 384 px moves them by 0.013, in five times
# the time and half the bytes.
_JPEG_QUALITY = 85
_REDUCING_GAP = 1.5  # averaging whole blocks first takes half the time and looks the same
_NO_LIMITS = DecodeLimits(max_bytes=sys.maxsize, max_pixels=sys.maxsize)


@dataclass(frozen=True, eq=False)
class Reading:
    """A picture whose bytes are here and whose header is sane; JPEG is decoded when asked for.

    digest: sha256 hex of the encoded bytes; of an array or Pillow image, of its mode, size and
        pixels; in either case of the crop too, where there is one.
    size: upright width and height in px, after the crop, before any reduction.
    Not for two threads at once.
    """

    name: str
    digest: str
    size: tuple[int, int]
    _crop: Crop | None = field(repr=False)
    _whole: tuple[int, int] = field(repr=False)  # upright, before the crop
    _source: bytes | Image.Image = field(repr=False)  # a JPEG's bytes, or upright and cropped
    # The last decoding of a JPEG, upright and cropped, by the size that Pillow drafted.
    _decoded: dict[tuple[int, int], Image.Image] = field(default_factory=dict, repr=False)

    def pixels(self, preprocessing: Preprocessing) -> NDArray[np.uint8]:
        """(H, W, C) uint8, the very pixels that `preprocessing.pixels` gives of this picture."""
        with telling_damage(self.name):
            image = self._image(preprocessing.decoded_side)
            mode: Literal["L", "RGB"] = "L" if preprocessing.mode == "grey" else "RGB"
            # A copy of a large picture would double the memory for nothing.
            flat = image if _is_flat(image, mode) else flatten(image, mode)
            return preprocessing.fitted_pixels(flat)

    def image(self, longest_side: int = KEPT_LONGEST_SIDE) -> Image.Image:
        """An upright RGB copy without metadata, its longest side at most `longest_side` px."""
        with telling_damage(self.name):
            image = _reduced(self._flat_of_side(longest_side), longest_side)
        # Whatever else the file said, like where a photo was taken, is not to be kept.
        image.info.clear()
        return image

    def kept(self, longest_side: int = KEPT_LONGEST_SIDE) -> bytes:
        """A small copy as `image` gives it, encoded: its longest side is `longest_side` or more.

        It is less than twice that, and never more than the picture's own: averaging whole blocks
        takes a quarter of the time that any other size does, and blurs less. PNG for drawings and
        tiny pictures (up to 64 KiB), else JPEG.
        """
        with telling_damage(self.name):
            image = self._flat_of_side(longest_side)
            image = image.reduce(max(1, max(image.size) // longest_side))
        image.info.clear()
        # Compressing a photo to a PNG that is then too large would cost more than its decoding.
        is_tiny = 3 * image.width * image.height <= 2 * _MOST_PNG_BYTES
        if is_tiny or image.getcolors(_MOST_PNG_COLOURS) is not None:
            encoded = _encoded(image, "PNG")
            if len(encoded) <= _MOST_PNG_BYTES:
                return encoded
        return _encoded(image, "JPEG", quality=_JPEG_QUALITY)

    def _image(self, short_side_hint: int) -> Image.Image:
        """Upright and cropped, in the file's own mode; JPEG reduced as `decode` reduces it."""
        if isinstance(self._source, Image.Image):
            return self._source
        # Nothing but the header again; sizes were judged when the reading began.
        image = open_encoded(self._source, self.name, _NO_LIMITS)
        # A reduced crop, too, must keep twice the short side that is wanted in the end.
        reduce_draft(image, ceil(short_side_hint * min(self._whole) / min(self.size)))
        drafted = image.size
        if drafted not in self._decoded:
            load_whole(image)
            self._decoded.clear()
            self._decoded[drafted] = _cropped(turned_upright(image), self._crop, self._whole)
        return self._decoded[drafted]

    def _flat_of_side(self, longest_side: int) -> Image.Image:
        """RGB: palettes and transparency cannot be averaged as they are."""
        image = self._image_of_side(longest_side)
        return image if _is_flat(image, "RGB") else flatten(image, "RGB")

    def _image_of_side(self, longest_side: int) -> Image.Image:
        """The decoding at hand where it is large enough, else one that is."""
        for image in self._decoded.values():
            if max(image.size) >= min(longest_side, max(self.size)):
                return image
        return self._image(ceil(longest_side / 2))


def read_picture(
    picture: PictureLike | Literal["-"],
    *,
    limits: DecodeLimits = DEFAULT_LIMITS,
    crop: Crop | None = None,
    name: str | None = None,
) -> Reading:
    """Read a picture under `limits`, from standard input where it is "-".

    crop: left, top, right, bottom in px of the whole upright picture; only that part is read.
        Raises UsageError where it is no crop of any picture.
    name: what to call the picture, where it has no name of its own.
    Raises PictureError where the picture cannot be read, or is too small for the crop; damage
    further inside a JPEG shows when its pixels are asked for.
    """
    require_limits(limits)
    if isinstance(picture, str) and picture == STANDARD_INPUT:
        return _read_encoded(_standard_input(limits), name or "standard input", limits, crop)
    name = name or picture_name(picture)
    with telling_damage(name):
        if not isinstance(picture, np.ndarray | Image.Image):
            return _read_encoded(encoded_bytes(picture, name, limits), name, limits, crop)
        # A copy, for the caller may change the picture afterwards.
        image = turned_upright(loaded(picture, name, limits)).copy()
        crop = _sensible(crop, image.size, name)
        return _reading_of_image(image, name, _digest(_content(image), crop), crop)


def _read_encoded(data: bytes, name: str, limits: DecodeLimits, crop: Crop | None) -> Reading:
    with telling_damage(name):
        image = open_encoded(data, name, limits)
        if not is_reducible(image):
            # Formats that are decoded whole in any case may hide their orientation at the end.
            load_whole(image)
            image = turned_upright(image)
            crop = _sensible(crop, image.size, name)
            return _reading_of_image(image, name, _digest(data, crop), crop)
        whole = upright_size(image)
    crop = _sensible(crop, whole, name)
    return Reading(name, _digest(data, crop), _size_of(crop, whole), crop, whole, data)


def _reading_of_image(image: Image.Image, name: str, digest: str, crop: Crop | None) -> Reading:
    whole = image.size
    image = _cropped(image, crop, whole)
    return Reading(name, digest, image.size, crop, whole, image)


def _standard_input(limits: DecodeLimits) -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "a picture was to come from standard input, but none is connected to it; "
            "connect one, as in: firstsight identify - < photo.jpg"
        )
    return encoded_bytes(sys.stdin.buffer, "standard input", limits)


def _sensible(crop: Crop | None, whole: tuple[int, int], name: str) -> Crop | None:
    """The crop, or None where there is none or it leaves nothing out."""
    if crop is None:
        return None
    width, height = whole
    edges: tuple[object, ...] = tuple(crop)
    if len(edges) != 4 or not all(isinstance(edge, Integral) for edge in edges):
        raise UsageError(
            f"the crop is {crop!r}; give four whole numbers of pixels: left, top, right, bottom"
        )
    left, top, right, bottom = crop
    if not (0 <= left < right and 0 <= top < bottom):
        raise UsageError(
            f"the crop {left}, {top}, {right}, {bottom} is empty or begins outside of every "
            "picture; give left, top, right, bottom, the last two beyond the first"
        )
    if right > width or bottom > height:
        raise PictureError(
            f"the crop {left}, {top}, {right}, {bottom} is no part of {name}, which is "
            f"{width} x {height} pixels when upright; give left, top, right, bottom within it"
        )
    return None if edges == (0, 0, width, height) else (left, top, right, bottom)


def _size_of(crop: Crop | None, whole: tuple[int, int]) -> tuple[int, int]:
    return whole if crop is None else (crop[2] - crop[0], crop[3] - crop[1])


def _cropped(image: Image.Image, crop: Crop | None, whole: tuple[int, int]) -> Image.Image:
    """The part of an upright image that may be smaller than the whole the crop was told of."""
    if crop is None:
        return image
    across, down = image.width / whole[0], image.height / whole[1]
    left, top = int(crop[0] * across), int(crop[1] * down)
    right, bottom = ceil(crop[2] * across), ceil(crop[3] * down)
    with room_for(image.width * image.height):
        return image.crop((left, top, min(right, image.width), min(bottom, image.height)))


def _digest(content: bytes, crop: Crop | None) -> str:
    hashed = hashlib.sha256(content)
    if crop is not None:  # Two things cropped from one picture are two photos.
        hashed.update("crop {} {} {} {}".format(*crop).encode())
    return hashed.hexdigest()


def _content(image: Image.Image) -> bytes:
    """What makes an image that was never encoded: mode, size, pixels, and what colours mean."""
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")
    keyed = image.info.get("transparency")
    head = f"{image.mode} {image.width} x {image.height} {keyed} "
    return head.encode() + image.tobytes()


def _is_flat(image: Image.Image, mode: Literal["L", "RGB"]) -> bool:
    return image.mode == mode and not image.has_transparency_data


def _reduced(image: Image.Image, longest_side: int) -> Image.Image:
    """A new image; pictures are never enlarged."""
    ratio = longest_side / max(image.size)
    if ratio >= 1:
        return image.copy()
    width, height = (max(1, round(side * ratio)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=_REDUCING_GAP)


def _encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()
