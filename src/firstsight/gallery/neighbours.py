"""Each photo left out in turn: its nearest in its own thing, its nearest elsewhere, what is usual.

A photo of a thing is as a rule nearer to the thing's other photos than to any other thing; by how
much, its margin, is what all of the doctor's judgements rest on. They are taken from this very
gallery by medians, so they hold for any head and any model and are not moved by a few bad photos.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from firstsight.deciding.combining import photos_each
from firstsight.gallery.records import PhotoVectors
from firstsight.similarity import Head

__all__ = [
    "LEAST_MARGINS",
    "Neighbours",
    "UsualMargin",
    "ask_without",
    "draw_rows",
    "find_neighbours",
    "thing_of_rows",
    "usual_margin",
]

Indices = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]

CHUNK_CELLS = 2**22  # distances held at a time: 16 MB of float32
LEAST_MARGINS = 8  # fewer photos cannot say what is usual
_FALSE_ACCUSATIONS = 0.02  # a gallery, were its margins normal; real ones have longer tails
_TO_DEVIATION = 1.4826  # the median absolute deviation of a normal distribution, to its standard


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Of n photos, each asked about with itself taken out of the gallery.

    rows: (n,) in the PhotoVectors. things: (n,) position of each one's thing.
    own, other: (n,) distance to the nearest photo of its own thing, and of any other thing; inf
    where there is none or it is NaN. own_rows, other_rows: (n,) those photos; arbitrary at inf.
    """

    rows: Indices
    things: Indices
    own: Float64
    own_rows: Indices
    other: Float64
    other_rows: Indices

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class UsualMargin:
    """middle, spread: median and robust deviation of `other - own` over n photos of a gallery."""

    middle: float
    spread: float
    n: int

    def is_misplaced(self, own: float, other: float, kin_own: Float64, kin_other: Float64) -> bool:
        """Whether a photo fits another thing and not its own, while its kin agree.

        own, other: of the photo. kin_own, kin_other: (k,) of the other photos of its thing.

        It must lie at least as far on the wrong side as the usual photo lies on the right one, and
        be an outlier among this gallery's photos, farther out the more of them there are: so a
        model that hardly tells the things apart accuses none. And most of its kin, two at least,
        must fit their thing, and be nearer to each other than it is to them: two things that are
        confused altogether are no mislabelling.
        """
        if len(kin_own) < 2 or self.middle <= 0:
            return False
        margin = other - own
        deviations = NormalDist().inv_cdf(1 - _FALSE_ACCUSATIONS / self.n)
        is_far = margin <= -self.middle
        is_outlier = margin <= self.middle - deviations * self.spread
        agree = np.median(kin_own) < own and (kin_own < kin_other).mean() >= 0.5
        return bool(is_far and is_outlier and agree)


def usual_margin(found: Neighbours) -> UsualMargin | None:
    """None where fewer than LEAST_MARGINS photos have both neighbours."""
    whole = np.isfinite(found.own) & np.isfinite(found.other)
    n = int(whole.sum())
    if n < LEAST_MARGINS:
        return None
    margins = found.other[whole] - found.own[whole]
    middle = float(np.median(margins))
    return UsualMargin(middle, _TO_DEVIATION * float(np.median(np.abs(margins - middle))), n)


def find_neighbours(head: Head, vectors: PhotoVectors, rows: Indices) -> Neighbours:
    """Ask about the photos in `rows`, exactly by the head; memory stays bounded."""
    things = thing_of_rows(vectors)
    n = len(rows)
    own, other = np.full(n, np.inf), np.full(n, np.inf)
    own_rows, other_rows = np.zeros(n, np.int64), np.zeros(n, np.int64)
    ends = np.append(vectors.starts, len(vectors))
    step = max(1, CHUNK_CELLS // max(1, len(vectors)))
    for start in range(0, n, step):
        part = rows[start : start + step]
        distances = head.distance(vectors.vectors[part], vectors.vectors)
        np.copyto(distances, np.inf, where=np.isnan(distances))
        for i, (row, to_all) in enumerate(zip(part, distances, strict=True), start):
            first, end = ends[things[row]], ends[things[row] + 1]
            to_all[row] = np.inf
            own_rows[i] = first + to_all[first:end].argmin()
            own[i] = to_all[own_rows[i]]
            to_all[first:end] = np.inf
            other_rows[i] = to_all.argmin()
            other[i] = to_all[other_rows[i]]
    return Neighbours(rows, things[rows], own, own_rows, other, other_rows)


def draw_rows(vectors: PhotoVectors, most: int, rng: np.random.Generator) -> Indices:
    """At most `most` rows, ascending, of whole things drawn at random: shares need whole things.

    The last thing drawn is cut where it does not fit. All rows where they are no more.
    """
    if len(vectors) <= most:
        return np.arange(len(vectors))
    ends = np.append(vectors.starts, len(vectors))
    drawn = [
        np.arange(ends[thing], ends[thing + 1])
        for thing in rng.permutation(len(vectors.starts))[:most]  # a photo each at least
    ]
    return np.sort(np.concatenate(drawn)[:most])


def ask_without(
    head: Head, vectors: PhotoVectors, found: Neighbours, dropped: Indices
) -> tuple[PhotoVectors, Neighbours]:
    """The gallery without the rows `dropped`, and what `found` is in it, asking only where needed.

    Things left without photos go, and rows and things are numbered anew.
    """
    if not len(dropped):
        return vectors, found
    kept = np.ones(len(vectors), np.bool_)
    kept[dropped] = False
    things, starts = np.unique(thing_of_rows(vectors)[kept], return_index=True)
    rest = PhotoVectors(vectors.photos[kept], vectors.vectors[kept], vectors.things[things], starts)
    number = np.cumsum(kept) - 1
    still = kept[found.rows]
    rows = number[found.rows[still]]
    left = Neighbours(
        rows=rows,
        things=thing_of_rows(rest)[rows],
        own=found.own[still],
        own_rows=number[found.own_rows[still]],
        other=found.other[still],
        other_rows=number[found.other_rows[still]],
    )
    stale = ~(kept[found.own_rows[still]] & kept[found.other_rows[still]])
    again = find_neighbours(head, rest, rows[stale])
    for name in ("own", "own_rows", "other", "other_rows"):
        getattr(left, name)[stale] = getattr(again, name)
    return rest, left


def thing_of_rows(vectors: PhotoVectors) -> Indices:
    """(P,) position of each photo's thing in `vectors.things`."""
    if not len(vectors):
        return np.zeros(0, np.int64)
    sizes = photos_each(vectors.starts, len(vectors))
    return np.repeat(np.arange(len(sizes)), sizes)
