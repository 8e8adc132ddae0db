"""Before a photo is saved: what is likely to go wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from firstsight.errors import ShapeError
from firstsight.gallery.copies import is_copy_by_vector, usual_reach
from firstsight.gallery.diagnosing import (
    LEAST_CONFUSED,
    LEAST_SHARE,
    SERIOUS_CONFUSED,
    SERIOUS_SHARE,
    Named,
)
from firstsight.gallery.findings import Finding, Severity, ordered, part_told
from firstsight.gallery.neighbours import draw_rows, find_neighbours, usual_margin
from firstsight.gallery.records import PhotoVectors
from firstsight.similarity import Head

__all__ = ["PictureFlaw", "advise_enrollment"]

Vector = npt.NDArray[np.float32]
Distances = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

MOST_LOOKALIKES = 3
MOST_PHOTOS = 100  # of one thing that are asked about
SAMPLE = 100  # photos of the gallery that say what is usual


class PictureFlaw(Protocol):
    """As `images.quality.picture_flaws` gives it; told: a phrase such as "it is blurred; ..."."""

    @property
    def kind(self) -> str: ...

    @property
    def told(self) -> str: ...


def advise_enrollment(
    head: Head,
    vectors: PhotoVectors,
    names: Mapping[int, str],
    new_name: str,
    new_vector: Vector,
    *,
    threshold: float | None,
    flaws: Sequence[PictureFlaw] = (),
    near_duplicate_of: str | None = None,
) -> list[Finding]:
    """What enrolling one photo as `new_name` would do to a gallery; warnings first.

    vectors: of the gallery as it is, which may be empty. names: of each thing's id. new_vector:
    (D,). threshold: the distance up to which a photo is given a name, None where none is known.
    near_duplicate_of: the thing with a photo that the caller knows to be nearly the same picture;
    without it copies are told by vectors alone.

    A photo of another thing counts as confused where the new photo would become its nearest (or as
    near) when it is left out, or where it lies within `threshold` of the new photo, so that the new
    name would be given to it. Time grows with one comparison of the new photo with each photo.
    Raises ShapeError where the vector does not fit.
    """
    if new_vector.ndim != 1 or (len(vectors) and len(new_vector) != vectors.vectors.shape[1]):
        raise ShapeError(
            f"the new photo's vector has shape {new_vector.shape} and the gallery's "
            f"{vectors.vectors.shape}; embed both with the gallery's model"
        )
    findings = [_flawed(new_name, flaw) for flaw in flaws]
    if near_duplicate_of is not None:
        findings.append(_copied(new_name, near_duplicate_of, (), 0.0))
    if not len(vectors):
        return list(ordered(findings))
    enrollment = _Enrollment(head, Named(vectors, names), new_name, new_vector, threshold)
    copy = enrollment.copy() if near_duplicate_of is None else None
    if copy or near_duplicate_of is not None:
        findings += [copy] if copy else []
        return list(ordered(findings))  # that a copy looks like what it copies is no news
    misplaced = enrollment.misplaced()
    findings += [misplaced] if misplaced else enrollment.lookalikes()
    return list(ordered(findings))


class _Enrollment:
    """One new photo against a gallery."""

    def __init__(
        self, head: Head, gallery: Named, name: str, vector: Vector, threshold: float | None
    ) -> None:
        self._head, self._gallery, self._name = head, gallery, name
        self._vectors, self._vector, self._threshold = gallery.vectors, vector[None], threshold
        distances = head.distance(self._vector, self._vectors.vectors)[0]
        self._distances = np.where(np.isnan(distances), np.inf, distances)
        own = [i for i in range(len(self._vectors.things)) if gallery.thing(i) == name]
        self._is_own = np.isin(gallery.thing_of_row, own)

    def copy(self) -> Finding | None:
        """Whether the nearest photo is nearly the same, by the vectors."""
        row = int(self._distances.argmin())
        # No thing reaches as far as to the middle of all photos: most new ones end here, quickly.
        if not self._is_copy(row, float(np.median(self._distances) - self._distances[row])):
            return None
        sample = draw_rows(self._vectors, SAMPLE, np.random.default_rng(0))
        reach = usual_reach(
            self._head, self._vectors, find_neighbours(self._head, self._vectors, sample)
        )
        if reach is None or not self._is_copy(row, reach):
            return None
        thing, photo = self._gallery.of_row(row), self._gallery.photo(row)
        return _copied(self._name, thing, (photo,), float(self._distances[row]))

    def _is_copy(self, row: int, reach: float) -> bool:
        there = self._vectors.vectors[[row]]
        return is_copy_by_vector(self._head, self._vector, there, reach)

    def misplaced(self) -> Finding | None:
        """Whether the photo fits another thing than the one that it is to be enrolled as."""
        own_rows = np.flatnonzero(self._is_own)
        if len(own_rows) < 2 or len(own_rows) == len(self._vectors):
            return None
        own = float(self._distances[own_rows].min())
        elsewhere = np.where(self._is_own, np.inf, self._distances)
        row = int(elsewhere.argmin())
        if elsewhere[row] >= own:
            return None
        sample = draw_rows(self._vectors, SAMPLE, np.random.default_rng(0))
        usual = usual_margin(find_neighbours(self._head, self._vectors, sample))
        kin = find_neighbours(self._head, self._vectors, own_rows[:MOST_PHOTOS])
        other = float(elsewhere[row])
        if usual is None or not usual.is_misplaced(own, other, kin.own, kin.other):
            return None
        alike = self._gallery.of_row(row)
        told = (
            f"the photo looks like '{alike}', and not like the photos of '{self._name}', which "
            f"agree; enroll it as '{alike}', or check the name"
        )
        margins = (own - other) / usual.middle
        return Finding("mislabelled", "warning", (self._name, alike), (), told, margins)

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


def _copied(name: str, thing: str, photos: tuple[int, ...], distance: float) -> Finding:
    if thing == name:
        told = f"'{name}' has nearly the same picture already; another view would help more"
        return Finding("duplicate", "advice", (name,), photos, told, distance)
    told = f"nearly the same picture is enrolled as '{thing}'; check which name is right"
    return Finding("duplicate", "warning", (name, thing), photos, told, distance)
