"""How a picture becomes a network's input: frozen, and carried inside every model."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from firstsight.errors import ModelFolderError, ShapeError, UsageError
from firstsight.images.decode import DEFAULT_LIMITS, DecodeLimits, Mode, PictureLike, decode
from firstsight.images.ink import framed

__all__ = ["Fit", "Preprocessing"]

Fit = Literal["squash", "crop", "pad", "ink"]

# The triangle filter, widened by Pillow with the reduction: every source pixel counts by its
# distance, and nothing overshoots as bicubic does at strokes. Pillow's BOX takes pixels whole or
# not at all, so at 105 -> 32 it weighs three or four of them in turn and strokes would flicker.
_FILTER = Image.Resampling.BILINEAR
# From six times the wanted size on, Pillow may average whole blocks first: faster, same look.
_REDUCING_GAP = 3.0
_WHITE = 255
_INK_SHARE = 8


@dataclass(frozen=True)
class Preprocessing:
    """Decode, fit into a square, normalise; raises UsageError where a value makes no sense.

    size: side of the square in px.
    mode: "grey" (one channel) or "rgb" (three).
    invert: after scaling to 0..1, ink becomes 1 and paper 0.
    fit: "squash" stretches to the square; "crop" takes the middle square; "pad" keeps all and
        fills with white; "ink" makes paper white and ink black, in any light (images/paper.py), and
        frames what is drawn, wherever on the page (images/ink.py).
    mean, deviation: of the 0..1 values, one for all channels or one each.
    """

    size: int
    mode: Mode = "grey"
    invert: bool = False
    fit: Fit = "squash"
    mean: tuple[float, ...] = (0.0,)
    deviation: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if type(self.size) is not int or not 1 <= self.size <= 4096:
            raise UsageError(f"size is {self.size!r}, but must be a whole number from 1 to 4096")
        for key, known in (("mode", get_args(Mode)), ("fit", get_args(Fit))):
            if getattr(self, key) not in known:
                raise UsageError(f"{key} is {getattr(self, key)!r}, but must be {_either(known)}")
        if type(self.invert) is not bool:
            raise UsageError(f"invert is {self.invert!r}, but must be true or false")
        object.__setattr__(self, "mean", self._per_channel("mean"))
        object.__setattr__(self, "deviation", self._per_channel("deviation"))
        if min(self.deviation) <= 0:
            raise UsageError(f"deviation is {self.deviation}, but must be above 0")

    @property
    def decoded_side(self) -> int:
        """The short side in px that a picture is wanted at; a JPEG may be decoded smaller."""
        # What is drawn may fill a small part of the page.
        return _INK_SHARE * self.size if self.fit == "ink" else self.size

    @property
    def channels(self) -> int:
        return 1 if self.mode == "grey" else 3

    def pixels(
        self,
        picture: PictureLike,
        limits: DecodeLimits = DEFAULT_LIMITS,
        *,
        name: str | None = None,
    ) -> NDArray[np.uint8]:
        """(H, W, C) uint8 as seen: dark ink on light paper, never inverted. Raises PictureError."""
        hint = self.decoded_side
        image = decode(picture, mode=self.mode, limits=limits, short_side_hint=hint, name=name)
        return self.fitted_pixels(image)

    def fitted_pixels(self, image: Image.Image) -> NDArray[np.uint8]:
        """`pixels` from the upright image that `decode` gave in this mode, at any size."""
        return np.array(self._fitted(image)).reshape(self.size, self.size, self.channels)

    def normalise(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's input, (B, C, H, W), from pixels (B, H, W, C) uint8. Raises ShapeError."""
        wanted = (self.size, self.size, self.channels)
        if pixels.ndim != 4 or pixels.shape[1:] != wanted or pixels.dtype != np.uint8:
            raise ShapeError(
                f"pixels of shape {pixels.shape} and type {pixels.dtype} came where "
                f"(B, {self.size}, {self.size}, {self.channels}) uint8 was wanted; "
                "make them with Preprocessing.pixels"
            )
        # In place: each copy of a batch would cost more than its arithmetic.
        values = pixels.transpose(0, 3, 1, 2).astype(np.float32, order="C")
        values /= np.float32(255)
        if self.invert:
            np.subtract(np.float32(1), values, out=values)
        values -= np.array(self.mean, np.float32).reshape(-1, 1, 1)
        values /= np.array(self.deviation, np.float32).reshape(-1, 1, 1)
        return values

    def to_json(self) -> dict[str, Any]:
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, record: object) -> Preprocessing:
        """The inverse of `to_json`; raises ModelFolderError for anything it would not have made."""
        if not isinstance(record, dict):
            raise ModelFolderError(f"preprocessing is {record!r}, but must be a table of settings")
        wanted = {field.name for field in fields(cls)}
        if odd := sorted(wanted.symmetric_difference(record), key=str):
            state = "missing from" if odd[0] in wanted else "unknown in"
            raise ModelFolderError(
                f"the setting {odd[0]!r} is {state} the model's preprocessing; "
                "take a model made by this version of firstsight, or update firstsight"
            )
        try:
            return cls(**record)
        except UsageError as refusal:
            raise ModelFolderError(
                f"the model's preprocessing is damaged: {refusal}; fetch or train the model again"
            ) from refusal

    def _per_channel(self, key: str) -> tuple[float, ...]:
        values = getattr(self, key)
        if (
            not isinstance(values, tuple | list)
            or len(values) not in (1, self.channels)
            or not all(_is_finite_number(value) for value in values)
        ):
            raise UsageError(
                f"{key} is {values!r}, but must hold one finite number, or one for each of "
                f"{self.channels} channels"
            )
        return tuple(float(value) for value in values)

    def _fitted(self, image: Image.Image) -> Image.Image:
        width, height = image.size
        if self.fit == "pad":
            return self._padded(image)
        if self.fit == "ink":
            return framed(image, self.size, _FILTER, _REDUCING_GAP)
        box = (0.0, 0.0, float(width), float(height))
        if self.fit == "crop":
            side = min(width, height)
            left, top = (width - side) / 2, (height - side) / 2
            box = (left, top, left + side, top + side)
        return image.resize((self.size, self.size), _FILTER, box, _REDUCING_GAP)

    def _padded(self, image: Image.Image) -> Image.Image:
        scale = self.size / max(image.size)
        width, height = (max(1, round(side * scale)) for side in image.size)
        small = image.resize((width, height), _FILTER, reducing_gap=_REDUCING_GAP)
        page = Image.new(image.mode, (self.size, self.size), (_WHITE,) * self.channels)
        page.paste(small, ((self.size - width) // 2, (self.size - height) // 2))
        return page


def _either(known: tuple[str, ...]) -> str:
    return " or ".join(repr(name) for name in known)


def _is_finite_number(value: object) -> bool:
    return isinstance(value, int | float) and type(value) is not bool and math.isfinite(value)
