"""One look at each picture file of a set: what it is, and what it is like."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count

from PIL import Image

from firstsight.data.decoding import Progress
from firstsight.data.manifest import Archives, Manifest, Source
from firstsight.errors import PictureError
from firstsight.images.decode import (
    DEFAULT_LIMITS,
    open_encoded,
    reduce_draft,
    telling_damage,
    turned_upright,
    upright_size,
)
from firstsight.images.likeness import likeness
from firstsight.images.modes import flatten

__all__ = ["Look", "Seen", "Unseen", "look_at_all"]

_BLOCK = 64
_SHORT_SIDE = 32


@dataclass(frozen=True)
class Seen:
    """digest: sha256 of the file's bytes. likeness: its perceptual hash, 64 bits.

    size: upright width and height in px. mode: Pillow's, of the file. is_grey: no pixel has colour.
    """

    digest: bytes
    likeness: int
    size: tuple[int, int]
    mode: str
    is_grey: bool
    n_frames: int


@dataclass(frozen=True)
class Unseen:
    """Why a file could not be read: a sentence that begins with its name."""

    reason: str


Look = Seen | Unseen


def look_at_all(manifest: Manifest, progress: Progress) -> Iterator[Look]:
    """A look at each picture, in order, by all cores; progress is told (done, in all)."""
    sources = manifest.sources
    blocks = [sources[start : start + _BLOCK] for start in range(0, len(sources), _BLOCK)]
    done = 0
    with Archives() as archives, ThreadPoolExecutor(cpu_count()) as pool:
        try:
            for looks in pool.map(lambda block: [_look(each, archives) for each in block], blocks):
                yield from looks
                done += len(looks)
                progress(done, len(sources))
        finally:
            pool.shutdown(cancel_futures=True)


def _look(source: Source, archives: Archives) -> Look:
    try:
        encoded = archives.read(source)
        with telling_damage(source.name):
            return _seen(encoded, open_encoded(encoded, source.name, DEFAULT_LIMITS))
    except PictureError as fault:
        return Unseen(str(fault))


def _seen(encoded: bytes, image: Image.Image) -> Seen:
    size, mode = upright_size(image), image.mode
    # A JPEG with a second picture for the other eye is no film.
    n_frames = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    reduce_draft(image, _SHORT_SIDE)
    image.load()
    upright = flatten(turned_upright(image), "RGB")
    look = likeness(upright)
    return Seen(
        digest=hashlib.sha256(encoded).digest(),
        likeness=look.hashed,
        size=size,
        mode=mode,
        is_grey=look.is_grey,
        n_frames=n_frames,
    )
