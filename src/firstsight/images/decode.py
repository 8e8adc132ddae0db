"""Any picture a person may hand over, as one upright grey or RGB image, under limits.

Pillow does the decoding. What this module adds: nothing is decoded before its size is known to
be sane, and whatever goes wrong inside Pillow leaves as one PictureError that names the picture.
Pillow's global settings are not relied on, and only one is ever changed, for a while: see room.py.
"""

from __future__ import annotations

import importlib
import stat
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from numbers import Integral
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from firstsight.errors import FirstsightError, PictureError, UsageError
from firstsight.images.modes import flatten
from firstsight.images.room import room_for, room_for_opening

__all__ = [
    "DEFAULT_LIMITS",
    "DecodeLimits",
    "Mode",
    "PictureLike",
    "decode",
    "encoded_bytes",
    "is_reducible",
    "load_whole",
    "loaded",
    "open_encoded",
    "picture_name",
    "reduce_draft",
    "require_limits",
    "telling_damage",
    "turned_upright",
    "upright_size",
]

PictureLike: TypeAlias = str | Path | bytes | BinaryIO | Image.Image | NDArray[np.uint8]
Mode: TypeAlias = Literal["grey", "rgb"]

_READABLE = "JPEG, PNG, WebP, GIF, TIFF, BMP, PPM or AVIF"
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "AVIF")
_USUAL = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1")
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = frozenset(_UPRIGHT[orientation] for orientation in (5, 6, 7, 8))
# Limits as whoever sees the message knows them: in Python, and on the command line.
_TOLD = {"max_bytes": "max_bytes (--max-mib)", "max_pixels": "max_pixels (--max-megapixels)"}
# Silencing warnings swaps a list that all threads share, so one thread at a time may do it.
_quiet_lock = threading.Lock()


@dataclass(frozen=True)
class DecodeLimits:
    """The largest picture worth decoding; Pillow's own limit gives way to this one."""

    max_bytes: int = 50 * 2**20
    max_pixels: int = 200_000_000

    def __post_init__(self) -> None:
        for most in (self.max_bytes, self.max_pixels):
            if not isinstance(most, Integral) or isinstance(most, bool) or most < 1:
                raise UsageError(
                    "max_bytes and max_pixels must be whole numbers of at least 1, but are "
                    f"{self.max_bytes!r} and {self.max_pixels!r}; leave them out for the defaults"
                )


DEFAULT_LIMITS = DecodeLimits()


def require_limits(limits: object) -> None:
    """UsageError for anything but DecodeLimits, lest a good picture be called damaged."""
    if not isinstance(limits, DecodeLimits):
        raise UsageError(
            f"limits is {limits!r}; give DecodeLimits(max_bytes=..., max_pixels=...), or leave it "
            "out"
        )


def decode(
    picture: PictureLike,
    *,
    mode: Mode,
    limits: DecodeLimits = DEFAULT_LIMITS,
    short_side_hint: int | None = None,
    name: str | None = None,
) -> Image.Image:
    """The first frame of `picture`, upright by its EXIF, any transparency over white.

    picture: path, encoded bytes, binary stream, Pillow image, or array (H, W), (H, W, 1),
        (H, W, 3) or (H, W, 4) uint8. A Pillow image or array is never changed.
    short_side_hint: the short side wanted in the end, in px. JPEG is then decoded at a half, a
        quarter or an eighth, as long as its short side stays at least twice as long.
    name: what errors call the picture, where it has no name of its own.
    Returns a new image of mode "L" (grey) or "RGB". Raises PictureError, and nothing else, where
    the picture cannot be read.
    """
    require_limits(limits)
    name = name or picture_name(picture)
    with telling_damage(name):
        if isinstance(picture, np.ndarray | Image.Image):
            image = loaded(picture, name, limits)
        else:
            image = open_encoded(encoded_bytes(picture, name, limits), name, limits)
            if short_side_hint is not None:
                reduce_draft(image, short_side_hint)
            load_whole(image)
        return flatten(turned_upright(image), "L" if mode == "grey" else "RGB")


@contextmanager
def telling_damage(name: str) -> Iterator[None]:
    """Whatever Pillow raises over the picture `name` leaves as a PictureError."""
    try:
        yield
    except FirstsightError:
        raise
    except Exception as fault:  # Damaged bytes make Pillow raise nearly anything.
        raise PictureError(
            f"{name} is damaged or cut short ({_reason(fault)}); save or fetch it again"
        ) from fault


def picture_name(picture: PictureLike) -> str:
    """What to call a picture when speaking to a person."""
    if isinstance(picture, str | Path):
        return repr(str(picture)) if "\0" in str(picture) else str(picture)
    if isinstance(picture, bytes):
        return f"a picture of {len(picture)} bytes"
    if isinstance(picture, np.ndarray):
        return f"a picture array of shape {picture.shape}"
    # Images and streams that came from a file know its name; a pipe's "name" is a number.
    own = getattr(picture, "filename", None) or getattr(picture, "name", None)
    return own if isinstance(own, str) and own else "a picture without a name"


def loaded(
    picture: NDArray[np.uint8] | Image.Image, name: str, limits: DecodeLimits
) -> Image.Image:
    """A picture that needs no opening, as a loaded image that may share the caller's pixels."""
    if isinstance(picture, np.ndarray):
        return _from_array(picture, name, limits)
    _require_sane_size(picture.size, name, limits)
    load_whole(picture)
    return picture


def load_whole(image: Image.Image) -> None:
    """Decode an image whose size is known to be sane, however large."""
    with room_for(image.width * image.height):
        image.load()


def is_reducible(image: Image.Image) -> bool:
    """Whether a freshly opened image can be decoded at a reduced size."""
    return image.format in ("JPEG", "MPO")


def reduce_draft(image: Image.Image, short_side_hint: int) -> None:
    """Let a freshly opened JPEG be decoded smaller, its short side at least twice the hint."""
    if is_reducible(image):
        image.draft(None, (2 * short_side_hint, 2 * short_side_hint))


def encoded_bytes(picture: str | Path | bytes | BinaryIO, name: str, limits: DecodeLimits) -> bytes:
    """The bytes of a file or stream as they are, at most limits.max_bytes; else PictureError."""
    try:
        if isinstance(picture, str | Path):
            data = _file_bytes(Path(picture), name, limits)
        elif isinstance(picture, bytes | bytearray | memoryview):
            data = bytes(picture)
        elif hasattr(picture, "read"):
            data = picture.read(limits.max_bytes + 1)
        else:
            data = None
    except (OSError, ValueError) as refusal:
        raise PictureError(
            f"{name} could not be read ({_reason(refusal)}); check the path and its permissions"
        ) from refusal
    if not isinstance(data, bytes):
        raise PictureError(
            f"a picture cannot be read from {type(picture).__name__}; give a path, bytes, a stream "
            "opened in binary mode, a Pillow image or a uint8 array"
        )
    if not data:
        raise PictureError(f"{name} is empty (0 bytes); save or fetch it again")
    _require_few_bytes(len(data), name, limits)
    return data


def _file_bytes(path: Path, name: str, limits: DecodeLimits) -> bytes:
    status = path.stat()
    # Reading a pipe or a device could wait or run for ever.
    if not stat.S_ISREG(status.st_mode):
        raise PictureError(f"{name} is not a file; name a picture file")
    _require_few_bytes(status.st_size, name, limits)
    with path.open("rb") as stream:
        return stream.read(limits.max_bytes + 1)


def _require_few_bytes(n_bytes: int, name: str, limits: DecodeLimits) -> None:
    if n_bytes > limits.max_bytes:
        raise PictureError(
            f"{name} is larger than {limits.max_bytes / 2**20:.3g} MiB, the most that is read; "
            f"make it smaller or raise {_TOLD['max_bytes']}"
        )


def _require_sane_size(size: tuple[int, int], name: str, limits: DecodeLimits) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise PictureError(f"{name} has no pixels ({width} x {height}); save or fetch it again")
    if width * height > limits.max_pixels:
        raise PictureError(
            f"{name} is {width} x {height} pixels, more than the {limits.max_pixels:,} that are "
            f"decoded; make it smaller or raise {_TOLD['max_pixels']}"
        )


def open_encoded(data: bytes, name: str, limits: DecodeLimits) -> Image.Image:
    """An image of which only the header has been read, its size known to be sane."""
    image = _opened(data, name, limits)
    _require_sane_size(image.size, name, limits)
    if image.format == "TIFF":
        _turn_of(image)  # Loading would read its tags as well, and warn of odd ones.
    return image


def _opened(data: bytes, name: str, limits: DecodeLimits) -> Image.Image:
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return _opened_heic(data, name)
    try:
        try:
            return _opened_by_pillow(data)
        except Image.DecompressionBombError:  # by its own limit, which is seldom ours
            with room_for_opening(limits.max_pixels):
                return _opened_by_pillow(data)
    except UnidentifiedImageError as fault:
        raise PictureError(
            f"{name} is no picture that can be read here; convert it to {_READABLE}"
        ) from fault
    except Image.DecompressionBombError as fault:
        raise PictureError(
            f"{name} has more pixels than the {limits.max_pixels:,} that are decoded; make it "
            f"smaller or raise {_TOLD['max_pixels']}"
        ) from fault


def _opened_by_pillow(data: bytes) -> Image.Image:
    with _quiet_pillow():
        return Image.open(BytesIO(data), formats=_openers(data))


def _openers(data: bytes) -> tuple[str, ...]:
    """The formats worth trying; importing all of Pillow's takes longer than decoding a photo."""
    for magic, known in _USUAL.items():
        if data.startswith(magic):
            return (known,)
    Image.init()
    return tuple(known for known in _FORMATS if known in Image.OPEN)


def _opened_heic(data: bytes, name: str) -> Image.Image:
    try:
        heif = importlib.import_module("pillow_heif")
    except ImportError as missing:
        raise PictureError(
            f"{name} is a HEIC picture, which needs one more package; install it with: "
            "pip install pillow-heif, or convert the picture to JPEG"
        ) from missing
    # pillow_heif's opener would have to be registered with Pillow globally; its own class need not.
    return cast("Image.Image", heif.HeifImageFile(BytesIO(data)))


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Pillow warns of big pictures and odd metadata; the first we judge, the second we ignore."""
    with _quiet_lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height once turned upright; for a JPEG, its header is enough."""
    width, height = image.size
    return (height, width) if _turn_of(image) in _SIDEWAYS else (width, height)


def turned_upright(image: Image.Image) -> Image.Image:
    """A loaded image as its EXIF wants it seen: itself where it is upright, else a turned copy."""
    turn = _turn_of(image)
    return image if turn is None else image.transpose(turn)


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    try:
        with _quiet_pillow():
            orientation: Any = image.getexif().get(_ORIENTATION_TAG)
        return _UPRIGHT.get(orientation)
    except Exception:  # A good picture with broken metadata is still a good picture.
        return None


def _from_array(array: NDArray[np.uint8], name: str, limits: DecodeLimits) -> Image.Image:
    if array.dtype != np.uint8 or not (
        array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    ):
        raise PictureError(
            f"an array of shape {array.shape} and type {array.dtype} is no picture; give uint8 of "
            "shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"
        )
    _require_sane_size((array.shape[1], array.shape[0]), name, limits)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    return Image.fromarray(np.ascontiguousarray(array))


def _reason(fault: BaseException) -> str:
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    first_line = str(fault).strip().split("\n")[0].rstrip(".")
    return first_line or type(fault).__name__
