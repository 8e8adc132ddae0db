"""What a gallery looks like at one generation: its photos to compare with, its thresholds."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.combining import prototypes
from firstsight.deciding.estimated import FORMAT, Estimate
from firstsight.errors import GalleryError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.judging import last_words
from firstsight.gallery.matrix import PhotoMatrix, read_matrix
from firstsight.gallery.places import gallery_option
from firstsight.gallery.records import PhotoVectors
from firstsight.recognition.drift import drift, sketch
from firstsight.recognition.nearest import Near, nearest_things
from firstsight.similarity import Head

__all__ = ["Standing", "read_standing"]

Floats = npt.NDArray[np.float32]

DRIFT = 0.05  # share of a large gallery that may be another before it is estimated again
QUICKLY_ESTIMATED = 200  # photos; below this not even a server lets an answer go without
ALWAYS_ESTIMATED = 2_000  # photos; below this an estimate costs less than anybody notices


@dataclass(frozen=True, eq=False)
class Standing:
    """generation: of the gallery when this was read; another one means: read it again.

    means: a vector for each thing, where the estimate's rule goes by those.
    settled: whether the estimate is of this very generation, or as good; False where it is one of
    before, to go by until another is made.
    """

    generation: int
    matrix: PhotoMatrix
    means: PhotoMatrix | None
    estimate: Estimate
    settled: bool = True

    @classmethod
    def of(cls, vectors: PhotoVectors, head: Head, estimate: Estimate) -> Standing:
        """Photos that lie beside those in force, as they would be compared."""
        matrix = PhotoMatrix(vectors, head)
        return cls(0, matrix, _means(matrix, estimate), estimate)

    def judged_by(self, estimate: Estimate) -> Standing:
        """These photos, with an estimate of another moment."""
        means = _means(self.matrix, estimate)
        return replace(self, means=means, estimate=estimate, settled=False)

    def nearest_things(self, queries: Floats, k: int = 2) -> list[list[Near]]:
        """The k nearest things of each query (Q, D), by the estimate's rule: see nearest.py."""
        rule: Literal["mean", "best"] = "mean" if self.estimate.rule == "mean" else "best"
        return nearest_things(self.matrix, queries, k, rule=rule, means=self.means)

    def nearest_photos(self, query: Floats, k: int, one_per_thing: bool = False) -> list[Near]:
        """The k nearest photos (fewer where there are fewer), by rising distance.

        query: (D,). one_per_thing: only the nearest photo of each thing.
        """
        if one_per_thing:
            (found,) = nearest_things(self.matrix, query[None], k, rule="best")
            return found
        photos = self.matrix.photos
        distances, rows = self.matrix.nearest(query[None], k)
        things = photos.things[np.searchsorted(photos.starts, rows[0], side="right") - 1]
        columns = (things, distances[0], photos.photos[rows[0]])
        return [Near(*each) for each in zip(*(each.tolist() for each in columns), strict=True)]


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
            f"firstsight enroll NAME PICTURE{gallery_option(gallery.place)}"
        )
    settled = True
    before = _read(kept)
    if before and _is_true_still(kept["stamp"], generation, len(verdicts), matrix.photos):
        found = before
    elif meanwhile is not None and n_photos > QUICKLY_ESTIMATED:
        found, settled = meanwhile, False
    else:
        from firstsight.deciding.estimate import estimate  # rarely wanted, and dear to import

        found = estimate(
            head,
            matrix.photos,
            calibrated=calibrated,
            target=target,
            verdicts=last_words(verdicts),
        )
        stamp = {
            "generation": generation,
            "n_verdicts": len(verdicts),
            "sketch": sketch(matrix.photos) if n_photos > ALWAYS_ESTIMATED else [],
        }
        gallery.remember(key, {"stamp": stamp, "estimate": found.to_json()})
    return Standing(generation, matrix, _means(matrix, found), found, settled)


def _means(matrix: PhotoMatrix, estimate: Estimate) -> PhotoMatrix | None:
    """The things' mean vectors, where the rule goes by those: a photo for each thing."""
    if estimate.rule != "prototype":
        return None
    photos = matrix.photos
    rows = np.arange(len(photos.things))
    means = prototypes(photos.vectors, photos.starts)
    return PhotoMatrix(PhotoVectors(rows, means, photos.things, rows), matrix.head)


def _read(kept: Any) -> Estimate | None:
    """None where nothing was kept, or what was is damaged: then it is estimated anew."""
    try:
        return None if kept is None else Estimate.from_json(kept["estimate"])
    except GalleryError:
        return None


def _is_true_still(
    kept: dict[str, Any], generation: int, n_verdicts: int, photos: PhotoVectors
) -> bool:
    """The gallery is the same; or it is large, and hardly any of it is another since."""
    if kept["generation"] == generation:
        return True
    return (
        len(photos) > ALWAYS_ESTIMATED
        and kept["n_verdicts"] == n_verdicts
        and bool(kept.get("sketch"))
        and drift(kept["sketch"], sketch(photos)) <= DRIFT
    )


def _mark(calibrated: Calibrated | None) -> str:
    """What tells one calibration of a model from another."""
    if calibrated is None:
        return "uncalibrated"
    small: list[Any] = [calibrated.verify.to_json(), [row.to_json() for row in calibrated.table]]
    small += [calibrated.sharpness, calibrated.sizes, calibrated.fitted_on]
    told = json.dumps(small, sort_keys=True)
    marked = hashlib.sha256(told.encode())
    # As bytes: to write them out as JSON takes longer than all else of an answer.
    for pool in (calibrated.strangers, calibrated.enrolled):
        for trials in (pool.thing, pool.cluster, pool.distance, pool.margin, pool.right):
            marked.update(trials.tobytes())
    return marked.hexdigest()[:16]
