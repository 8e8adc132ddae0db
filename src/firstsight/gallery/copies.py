"""Nearly the same picture twice in a gallery.

The vectors say where to look, the small kept pictures whether it is so. Where a picture was not
kept the vectors decide alone, and more strictly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from firstsight.errors import NotInGallery, PictureError
from firstsight.gallery.neighbours import Neighbours
from firstsight.gallery.records import PhotoVectors
from firstsight.images.decode import decode
from firstsight.images.quality import near, perceptual_hash
from firstsight.similarity import Head

__all__ = ["Copy", "find_copies", "is_copy_by_vector", "usual_reach"]

Pictures = Callable[[int], bytes | None]
Float64 = npt.NDArray[np.float64]

# Of the usual distance between two photos of one thing. Measured with `characters` on Omniglot:
# saved as JPEG of quality 90 a drawing moves by 0.001 of it, of quality 50 by 0.03, halved by 0.08.
_WORTH_A_LOOK = 0.15
_CERTAIN = 0.03  # of 19,280 drawings 14 have another as near
# Stricter than what tells any two pictures apart: things drawn by two people are already alike.
# With it, copies by JPEG are found (98 % at quality 50) and halved ones (93 %); of 45,000 drawings
# in clean galleries 24 are called copies, most of them single strokes or dots.
_HASH_BITS = 2
# Where no thing has two photos: things lie about three times as far apart as a thing's photos.
_OWN_TO_OTHER = 3


@dataclass(frozen=True)
class Copy:
    """Two rows of the gallery, first < second, that show nearly the same picture."""

    first: int
    second: int
    distance: float


def find_copies(
    head: Head, vectors: PhotoVectors, found: Neighbours, pictures: Pictures | None
) -> list[Copy]:
    """Each pair once, by rows; a photo is compared with its two neighbours only."""
    reach = usual_reach(head, vectors, found)
    if reach is None:
        return []
    apart = {}
    for distances, partners in ((found.own, found.own_rows), (found.other, found.other_rows)):
        close = distances - _floor(head, vectors.vectors[found.rows]) <= _WORTH_A_LOOK * reach
        for row, partner, distance in zip(
            found.rows[close], partners[close], distances[close], strict=True
        ):
            apart[min(int(row), int(partner)), max(int(row), int(partner))] = float(distance)
    look = cache(lambda row: _hash(pictures, int(vectors.photos[row])))
    copies = []
    for (first, second), distance in sorted(apart.items()):
        one, two = look(first), look(second)
        if one is None or two is None:
            pair = vectors.vectors[[first]], vectors.vectors[[second]]
            is_copy = is_copy_by_vector(head, *pair, reach)
        else:
            is_copy = near(one, two, bits=_HASH_BITS)
        if is_copy:
            copies.append(Copy(first, second, distance))
    return copies


def usual_reach(head: Head, vectors: PhotoVectors, found: Neighbours) -> float | None:
    """The usual distance of a photo to the nearest other of its thing, beyond that to itself.

    Estimated from other things where no thing has two photos; None where nothing can be said.
    """
    floor = _floor(head, vectors.vectors[found.rows])
    own, other = (found.own - floor)[np.isfinite(found.own)], (found.other - floor)
    other = other[np.isfinite(other)]
    reach = float(np.median(own)) if len(own) else 0.0
    if not len(own) and len(other):
        reach = float(np.median(other)) / _OWN_TO_OTHER
    return reach if reach > 0 else None  # a collapsed model finds everything alike


def is_copy_by_vector(
    head: Head, one: npt.NDArray[np.float32], two: npt.NDArray[np.float32], reach: float
) -> bool:
    """Whether vectors (1, D) and (1, D) are so near that hardly anything else explains it."""
    return bool(head.paired(one, two)[0] - _floor(head, one)[0] <= _CERTAIN * reach)


def _floor(head: Head, vectors: npt.NDArray[np.float32]) -> Float64:
    """(n,) each vector's distance to itself; only that of weighted_l1 is not 0."""
    return head.paired(vectors, vectors).astype(np.float64)


def _hash(pictures: Pictures | None, photo: int) -> int | None:
    try:
        kept = pictures(photo) if pictures else None
        return None if kept is None else perceptual_hash(decode(kept, mode="grey"))
    except (PictureError, NotInGallery):  # damaged or gone by now; its vector can still be judged
        return None
