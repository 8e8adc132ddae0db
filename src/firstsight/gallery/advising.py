"""Before a photo is saved: what is likely to go wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError
from firstsight.gallery.copies import (
    KeptPictures,
    floor,
    is_copy,
    lies_over,
    share_of,
    usual_reach,
)
from firstsight.gallery.diagnosing import (
    LEAST_CONFUSED,
    LEAST_SHARE,
    SERIOUS_CONFUSED,
    SERIOUS_SHARE,
    Named,
)
from firstsight.gallery.findings import Finding, Severity, ordered, part_told
from firstsight.gallery.neighbours import LEAST_MARGINS, draw_rows, find_neighbours, usual_margin
from firstsight.gallery.records import PhotoVectors
from firstsight.images.likeness import Likeness
from firstsight.similarity import Head

__all__ = ["Newcomer", "PictureFlaw", "advise_enrollment"]

Vector = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

MOST_LOOKALIKES = 3
MOST_LOOKED_AT = 3  # photos that may be copies
MOST_PHOTOS = 100  # of one thing that are asked about
SAMPLE = 100  # photos of the gallery that say what is usual


class PictureFlaw(Protocol):
    """As `images.quality.picture_flaws` gives it; told: a phrase such as "it is blurred; ..."."""

    @property
    def kind(self) -> str: ...

    @property
    def told(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Newcomer:
    """A photo that is about to be enrolled.

    thing: the name that it is to have. vector: (D,). likeness: where its picture is at hand.
    held: the photo's id and the thing's name that hold its very content already.
    """

    thing: str
    vector: Vector
    flaws: Sequence[PictureFlaw] = ()
    likeness: Likeness | None = None
    held: tuple[int, str] | None = None


def advise_enrollment(
    head: Head,
    vectors: PhotoVectors,
    names: Mapping[int, str],
    new: Newcomer,
    *,
    threshold: float | None,
    pictures: KeptPictures | None = None,
) -> list[Finding]:
    """What enrolling one photo would do to a gallery; warnings first.

    vectors: of the gallery as it is, which may be empty. names: of each thing's id. threshold: the
    distance up to which a photo is given a name, None where none is known. pictures: without them
    copies are told by vectors alone.

    A photo of another thing counts as confused where the new photo would become its nearest (or as
    near) when it is left out, or where it lies within `threshold` of the new photo, so that the new
    name would be given to it. Time grows with one comparison of the new photo with each photo.
    Raises ShapeError where the vector does not fit.
    """
    if new.vector.ndim != 1 or (len(vectors) and len(new.vector) != vectors.vectors.shape[1]):
        raise ShapeError(
            f"the new photo's vector has shape {new.vector.shape} and the gallery's "
            f"{vectors.vectors.shape}; embed both with the gallery's model"
        )
    findings = [_flawed(new.thing, flaw) for flaw in new.flaws]
    if new.held is not None:
        photo, thing = new.held
        if thing != new.thing:  # else it stays the one photo that it is
            findings.append(_copied(new.thing, thing, photo, 0.0))
    elif len(vectors):
        enrollment = _Enrollment(head, Named(vectors, names), new, threshold)
        copy = enrollment.copy(pictures)
        # That a copy looks like what it copies is no news.
        findings += [copy] if copy else enrollment.misplaced() or enrollment.lookalikes()
    return list(ordered(findings))


class _Enrollment:
    """One new photo against a gallery."""

    def __init__(self, head: Head, gallery: Named, new: Newcomer, threshold: float | None) -> None:
        self._head, self._gallery, self._name = head, gallery, new.thing
        self._vectors, self._vector, self._threshold = gallery.vectors, new.vector[None], threshold
        self._likeness = new.likeness
        distances = head.distance(self._vector, self._vectors.vectors)[0]
        self._distances = np.where(np.isnan(distances), np.inf, distances)
        own = [i for i in range(len(self._vectors.things)) if gallery.thing(i) == self._name]
        self._is_own = np.isin(gallery.thing_of_row, own)

    def copy(self, pictures: KeptPictures | None) -> Finding | None:
        """Whether one of the nearest photos is nearly the same."""
        apart = self._distances - floor(self._head, self._vector)[0]
        # No thing reaches as far as to the middle of all photos: most new ones end here, quickly.
        farthest = float(np.median(apart)) if len(apart) >= LEAST_MARGINS else None
        for row in np.argsort(apart, kind="stable")[:MOST_LOOKED_AT].tolist():
            photo = self._gallery.photo(row)
            held = pictures.look(photo) if pictures else None
            beyond = float(apart[row])
            near_enough = is_copy(self._likeness, held, share_of(beyond, farthest)) and is_copy(
                self._likeness, held, share_of(beyond, self._reach)
            )
            if near_enough or lies_over(self._likeness, held):
                thing = self._gallery.of_row(row)
                return _copied(self._name, thing, photo, float(self._distances[row]))
        return None

    @cached_property
    def _reach(self) -> float | None:
        found = find_neighbours(self._head, self._vectors, self._sample)
        return usual_reach(self._head, self._vectors, found)

    @cached_property
    def _sample(self) -> Indices:
        return draw_rows(self._vectors, SAMPLE, np.random.default_rng(0))

    def misplaced(self) -> list[Finding]:
        """Whether the photo fits another thing than the one that it is to be enrolled as."""
        own_rows = np.flatnonzero(self._is_own)
        if len(own_rows) < 2 or len(own_rows) == len(self._vectors):
            return []
        own = float(self._distances[own_rows].min())
        elsewhere = np.where(self._is_own, np.inf, self._distances)
        row = int(elsewhere.argmin())
        if elsewhere[row] >= own:
            return []
        usual = usual_margin(find_neighbours(self._head, self._vectors, self._sample))
        kin = find_neighbours(self._head, self._vectors, own_rows[:MOST_PHOTOS])
        other = float(elsewhere[row])
        if usual is None or not usual.is_misplaced(own, other, kin.own, kin.other):
            return []
        alike = self._gallery.of_row(row)
        told = (
            f"the photo looks like '{alike}', and not like the photos of '{self._name}', which "
            f"agree; enroll it as '{alike}', or check the name"
        )
        margins = (own - other) / usual.middle
        return [Finding("mislabelled", "warning", (self._name, alike), (), told, margins)]

    def lookalikes(self) -> list[Finding]:
        """The things that it looks most like, if it would take some of their photos."""
        nearest = np.minimum.reduceat(self._distances, self._vectors.starts)
        is_own = self._is_own[self._vectors.starts]
        candidates = np.argsort(np.where(is_own, np.inf, nearest), kind="stable")
        found = [
            self._lookalike(int(thing))
            for thing in candidates[:MOST_LOOKALIKES]
            if not is_own[thing]
        ]
        return [finding for finding in found if finding]

    def _lookalike(self, thing: int) -> Finding | None:
        rows = np.flatnonzero(self._gallery.thing_of_row == thing)[:MOST_PHOTOS]
        to_new = self._distances[rows].astype(np.float64)
        among = self._head.distance(self._vectors.vectors[rows], self._vectors.vectors[rows])
        np.fill_diagonal(among, np.inf)
        own = among.min(axis=1)
        is_near = to_new <= (-np.inf if self._threshold is None else self._threshold)
        is_taken = is_near | (np.isfinite(own) & (to_new <= own))
        share = float(is_taken.mean())
        if share < LEAST_SHARE or not (is_near.any() or is_taken.sum() >= LEAST_CONFUSED):
            return None
        name = self._gallery.thing(thing)
        confused = part_told(int(is_taken.sum()), len(rows), "its")
        told = (
            f"it looks much like '{name}': {confused} would be confused with it; "
            "add a photo from another side"
        )
        is_sure = is_near.any() or is_taken.sum() >= SERIOUS_CONFUSED
        severity: Severity = "warning" if is_sure and share >= SERIOUS_SHARE else "advice"
        photos = tuple(self._gallery.photo(int(row)) for row in rows[is_taken])
        return Finding("lookalike", severity, (self._name, name), photos, told, share)


def _flawed(name: str, flaw: PictureFlaw) -> Finding:
    severity: Severity = "warning" if flaw.kind == "blank" else "advice"
    return Finding("flaw", severity, (name,), (), f"of the photo: {flaw.told}", 1.0)


def _copied(name: str, thing: str, photo: int, distance: float) -> Finding:
    if thing == name:
        told = f"'{name}' has nearly the same picture already (photo {photo}); another view would "
        return Finding("duplicate", "advice", (name,), (photo,), f"{told}help more", distance)
    told = (
        f"nearly the same picture is enrolled as '{thing}' (photo {photo}); "
        "check which of the two names is right"
    )
    return Finding("duplicate", "warning", (name, thing), (photo,), told, distance)
