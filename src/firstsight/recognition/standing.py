"""What a gallery looks like at one generation: its photos to compare with, its thresholds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.combining import combine, prototypes
from firstsight.deciding.estimated import FORMAT, Estimate
from firstsight.errors import GalleryError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.matrix import PhotoMatrix, read_matrix
from firstsight.gallery.records import PhotoVectors
from firstsight.similarity import Head

__all__ = ["Standing", "read_standing"]

Floats = npt.NDArray[np.float32]
Stamp = dict[str, int]

N_REFINED = 16  # things whose distance is computed again exactly, before the two nearest are named
DRIFT = 0.05  # share by which a large gallery may have changed before it is estimated again
QUICKLY_ESTIMATED = 200  # photos; below this not even a server lets an answer go without
ALWAYS_ESTIMATED = 2_000  # photos; below this an estimate costs less than anybody notices


@dataclass(frozen=True, eq=False)
class Standing:
    """generation: of the gallery when this was read; another one means: read it again.

    settled: whether the estimate is of this very generation, or as good; False where it is one of
    before, to go by until another is made.
    """

    generation: int
    head: Head
    matrix: PhotoMatrix
    prototypes: Floats | None
    estimate: Estimate
    settled: bool = True

    @classmethod
    def of(cls, vectors: PhotoVectors, head: Head, estimate: Estimate) -> Standing:
        """Photos that lie beside those in force, as they would be compared."""
        matrix = PhotoMatrix(vectors, head)
        return cls(0, head, matrix, _means(matrix, estimate), estimate)

    def judged_by(self, estimate: Estimate) -> Standing:
        """These photos, with an estimate of another moment."""
        means = _means(self.matrix, estimate)
        return replace(self, prototypes=means, estimate=estimate, settled=False)

    def nearest_things(self, query: Floats) -> list[tuple[int, float, int]]:
        """The nearest things, at most N_REFINED: [(thing id, distance, its nearest photo's id)].

        query: (D,). Distances are the head's own, combined by the estimate's rule; ascending,
        ties by thing id.
        """
        photos = self.matrix.photos
        near = _smallest(self._rough(query), N_REFINED)
        compared = list(self._compared(query, near))
        distances = self._combined(query, near, [apart for _, _, apart in compared])
        found = [
            (int(photos.things[thing]), distance, int(photos.photos[own.start + apart.argmin()]))
            for (thing, own, apart), distance in zip(compared, distances.tolist(), strict=True)
        ]
        return sorted(found, key=lambda each: (each[1], each[0]))

    def nearest_photos(
        self, query: Floats, k: int, *, one_per_thing: bool = False
    ) -> list[tuple[int, float]]:
        """The k nearest photos (fewer where there are fewer): [(photo id, distance)], ascending.

        query: (D,). one_per_thing: only the nearest photo of each thing.
        """
        photos = self.matrix.photos
        if not one_per_thing:
            distances, rows = self.matrix.nearest(query[None], k)
            return [
                (int(photos.photos[row]), float(distance))
                for row, distance in zip(rows[0], distances[0], strict=True)
            ]
        rough = combine(self.matrix.distances(query), photos.starts, "best")
        found = []
        for _, own, apart in self._compared(query, _smallest(rough, k + N_REFINED)):
            found.append((int(photos.photos[own.start + int(apart.argmin())]), float(apart.min())))
        return sorted(found, key=lambda each: (each[1], each[0]))[:k]

    def _compared(
        self, query: Floats, things: npt.NDArray[np.intp]
    ) -> Iterator[tuple[int, slice, Floats]]:
        """Of each thing its rows and their exact distances, all by one call of the head."""
        rows = [self._rows_of(int(thing)) for thing in things]
        vectors = np.concatenate([self.matrix.photos.vectors[own] for own in rows])
        apart = self.head.distance(query[None], vectors)[0]
        start = 0
        for thing, own in zip(things, rows, strict=True):
            end = start + own.stop - own.start
            yield int(thing), own, apart[start:end]
            start = end

    def _rows_of(self, thing: int) -> slice:
        starts = self.matrix.photos.starts
        end = int(starts[thing + 1]) if thing + 1 < len(starts) else len(self.matrix.photos)
        return slice(int(starts[thing]), end)

    def _rough(self, query: Floats) -> Floats:
        """(T,) combined distances, fast: right but for the last digits."""
        if self.prototypes is not None:
            to_means: Floats = self.head.distance(query[None], self.prototypes)[0]
            return to_means
        distances, starts = self.matrix.distances(query), self.matrix.photos.starts
        return combine(distances, starts, "mean" if self.estimate.rule == "mean" else "best")

    def _combined(self, query: Floats, things: npt.NDArray[np.intp], apart: list[Floats]) -> Floats:
        """One distance to each of the things, by the estimate's rule.

        apart: of each thing, the distances to its photos.
        """
        if self.prototypes is not None:
            to_means: Floats = self.head.distance(query[None], self.prototypes[things])[0]
            return to_means
        starts = np.cumsum([0, *map(len, apart[:-1])])
        rule: Literal["mean", "best"] = "mean" if self.estimate.rule == "mean" else "best"
        return combine(np.concatenate(apart), starts, rule)


def read_standing(
    gallery: Gallery,
    head: Head,
    calibrated: Calibrated | None,
    *,
    target: float,
    meanwhile: Estimate | None = None,
) -> Standing:
    """Raises GalleryError where nothing is enrolled yet.

    meanwhile: what to go by where an estimate would have to be made and would take long.
    """
    key = f"estimate {FORMAT} {target:.9g} {_mark(calibrated)}"
    with gallery.snapshot():
        generation = gallery.generation
        matrix = read_matrix(gallery, head)
        kept = gallery.recall(key)
        verdicts = gallery.verdicts()
    n_photos = len(matrix.photos)
    if not n_photos:
        raise GalleryError(
            f"the gallery {gallery.info.name!r} is empty; enroll something first: "
            "firstsight enroll NAME PICTURE"
        )
    stamp = {"generation": generation, "n_photos": n_photos, "n_verdicts": len(verdicts)}
    settled = True
    if kept is not None and _is_true_still(kept["stamp"], stamp):
        found = Estimate.from_json(kept["estimate"])
    elif meanwhile is not None and n_photos > QUICKLY_ESTIMATED:
        found, settled = meanwhile, False
    else:
        from firstsight.deciding.estimate import estimate  # rarely wanted, and dear to import

        found = estimate(
            head, matrix.photos, calibrated=calibrated, target=target, verdicts=verdicts
        )
        gallery.remember(key, {"stamp": stamp, "estimate": found.to_json()})
    return Standing(generation, head, matrix, _means(matrix, found), found, settled)


def _means(matrix: PhotoMatrix, estimate: Estimate) -> Floats | None:
    if estimate.rule != "prototype":
        return None
    return prototypes(matrix.photos.vectors, matrix.photos.starts)


def _is_true_still(kept: Stamp, now: Stamp) -> bool:
    """The gallery is the same; or it is large, and has hardly grown since."""
    if kept["generation"] == now["generation"]:
        return True
    grown = abs(now["n_photos"] - kept["n_photos"])
    return (
        now["n_photos"] > ALWAYS_ESTIMATED
        and grown <= DRIFT * kept["n_photos"]
        and kept["n_verdicts"] == now["n_verdicts"]
    )


def _mark(calibrated: Calibrated | None) -> str:
    """What tells one calibration of a model from another."""
    if calibrated is None:
        return "uncalibrated"
    small = [calibrated.verify.to_json(), [row.to_json() for row in calibrated.table]]
    told = json.dumps([*small, calibrated.sizes, calibrated.fitted_on], sort_keys=True)
    marked = hashlib.sha256(told.encode())
    # As bytes: to write them out as JSON takes longer than all else of an answer.
    for pool in (calibrated.strangers, calibrated.enrolled):
        for trials in (pool.thing, pool.cluster, pool.distance, pool.margin, pool.right):
            marked.update(trials.tobytes())
    return marked.hexdigest()[:16]


def _smallest(values: Floats, n: int) -> npt.NDArray[np.intp]:
    """Where the n smallest stand, in no particular order."""
    if len(values) <= n:
        return np.arange(len(values))
    return np.argpartition(values, n)[:n]
