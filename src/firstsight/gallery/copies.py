"""Nearly the same picture twice: a copy saved again, made smaller, or cut a little at its edges.

The vectors say where to look, the small kept pictures whether it is so. Where a picture was not
kept the vectors decide alone, and more strictly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from firstsight.errors import NotInGallery, PictureError
from firstsight.gallery.neighbours import LEAST_MARGINS, Neighbours
from firstsight.gallery.records import PhotoVectors
from firstsight.images.decode import Mode, decode
from firstsight.images.likeness import NEAR_BITS, Likeness, likeness, near, overlap
from firstsight.similarity import Head

__all__ = [
    "Copy",
    "KeptPictures",
    "find_copies",
    "floor",
    "is_copy",
    "lies_over",
    "share_of",
    "usual_reach",
]

Float64 = npt.NDArray[np.float64]

# Up to how many bits of the hash, and up to which share of the usual reach, two pictures are one:
# whoever differs in more bits must be nearer. How often this is right: benchmarks/copies.py.
_LIMITS: Mapping[Literal["colour", "grey"], tuple[tuple[int, float], ...]] = {
    "colour": ((NEAR_BITS["colour"], 0.5), (14, 0.25)),
    # Things drawn by two people are already alike.
    "grey": ((0, 0.5), (NEAR_BITS["grey"], 0.15), (4, 0.05)),
}
# Of 1,300 pairs of other photos of one thing (snacks, drawings, faces) one lies over so well.
_SAME_PIXELS = 0.985
_WORTH_A_LOOK = max(share for limits in _LIMITS.values() for _, share in limits)
_CERTAIN = 0.03  # by vectors alone: of 19,280 drawings 14 have another as near
# Where no thing has two photos: things lie about three times as far apart as a thing's photos.
_OWN_TO_OTHER = 3


@dataclass(frozen=True)
class Copy:
    """Two rows of the gallery, first < second, that show nearly the same picture."""

    first: int
    second: int
    distance: float


@dataclass(frozen=True, eq=False)
class KeptPictures:
    """read: the kept picture of a photo's id, encoded, or None; it may raise NotInGallery.

    seen_as: as the gallery's model sees pictures; colour says nothing where it sees none.
    """

    read: Callable[[int], bytes | None]
    seen_as: Mode
    _looks: dict[int, Likeness | None] = field(default_factory=dict, repr=False)

    def look(self, photo: int) -> Likeness | None:
        """None where there is no picture, or a damaged one; each photo is looked at once."""
        if photo not in self._looks:
            self._looks[photo] = self._look(photo)
        return self._looks[photo]

    def _look(self, photo: int) -> Likeness | None:
        try:
            kept = self.read(photo)
            return None if kept is None else likeness(decode(kept, mode=self.seen_as))
        except (PictureError, NotInGallery):  # its vector can still be judged
            return None


def find_copies(
    head: Head, vectors: PhotoVectors, found: Neighbours, pictures: KeptPictures | None
) -> list[Copy]:
    """Each pair once, by rows; a photo is compared with its two neighbours only."""
    reach = usual_reach(head, vectors, found)
    own_floor = floor(head, vectors.vectors[found.rows])
    near_by: dict[tuple[int, int], tuple[float, float | None]] = {}
    for distances, partners in ((found.own, found.own_rows), (found.other, found.other_rows)):
        for place in np.flatnonzero(np.isfinite(distances)):
            share = share_of(float(distances[place] - own_floor[place]), reach)
            if share is None or share <= _WORTH_A_LOOK:
                row, partner = int(found.rows[place]), int(partners[place])
                pair = min(row, partner), max(row, partner)
                near_by[pair] = float(distances[place]), share

    def look(row: int) -> Likeness | None:
        return pictures.look(int(vectors.photos[row])) if pictures else None

    return [
        Copy(first, second, distance)
        for (first, second), (distance, share) in sorted(near_by.items())
        if is_copy(look(first), look(second), share) or lies_over(look(first), look(second))
    ]


def is_copy(one: Likeness | None, two: Likeness | None, share: float | None) -> bool:
    """Whether two photos show nearly the same picture; share: as `share_of` gives it."""
    if one is None or two is None:
        return share is not None and share <= _CERTAIN
    limits = _LIMITS["grey" if one.is_grey or two.is_grey else "colour"]
    return any(
        (share is None or share <= most) and near(one.hashed, two.hashed, bits=bits)
        for bits, most in limits
    )


def lies_over(one: Likeness | None, two: Likeness | None) -> bool:
    """Whether two photos are one picture by their pixels, whatever their vectors say."""
    return one is not None and two is not None and overlap(one, two) >= _SAME_PIXELS


def share_of(apart: float, reach: float | None) -> float | None:
    """A distance beyond that of a vector to itself, in usual reaches; None where none is known."""
    if reach is None:
        return None
    return apart / reach if reach > 0 else np.inf  # a collapsed model finds everything alike


def usual_reach(head: Head, vectors: PhotoVectors, found: Neighbours) -> float | None:
    """The usual distance of a photo to the nearest other of its thing, beyond that to itself.

    Estimated from other things where no thing has two photos; None where too few photos are there
    to say what is usual.
    """
    if len(found) < LEAST_MARGINS:
        return None
    own_floor = floor(head, vectors.vectors[found.rows])
    own, other = (found.own - own_floor)[np.isfinite(found.own)], found.other - own_floor
    return float(np.median(own) if len(own) else np.median(other) / _OWN_TO_OTHER)


def floor(head: Head, vectors: npt.NDArray[np.float32]) -> Float64:
    """(n,) each vector's distance to itself; 0 by the euclidean and the plain cosine head."""
    return head.paired(vectors, vectors).astype(np.float64)
