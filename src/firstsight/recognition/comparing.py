"""Are two pictures of the same thing? Needs a model, and no gallery."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.decide import same
from firstsight.images.decode import DEFAULT_LIMITS, DecodeLimits, PictureLike
from firstsight.images.reading import Reading, read_picture
from firstsight.model.embedder import Embedder, load
from firstsight.recognition.answers import Comparison
from firstsight.recognition.second_look import sees_photographs, told_by

__all__ = ["calibrated_of", "compare", "compare_readings", "compare_vectors", "verify"]

Floats = npt.NDArray[np.float32]

DEFAULT_MODEL = "photos"
USUAL_FALSE_MATCHES = 0.01


def verify(
    a: PictureLike,
    b: PictureLike,
    *,
    model: str | Path = DEFAULT_MODEL,
    false_matches: float | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
    second_look: bool = True,
) -> Comparison:
    """Do two pictures show the same thing, at this share of false matches (FMR)?

    false_matches: default 1 %, or the least that the model was calibrated for; the answer says.
    a, b: path, encoded bytes, binary stream, Pillow image or uint8 array. model: a shipped name or
    a model folder; it stays loaded for the next call. second_look: whether photographs that are not
    the same at first are looked at for places that agree.
    Raises PictureError, ModelFolderError, UsageError.
    """
    embedder = _loaded(model)
    return compare(
        embedder, a, b, false_matches=false_matches, limits=limits, second_look=second_look
    )


def compare(
    embedder: Embedder,
    a: PictureLike,
    b: PictureLike,
    *,
    false_matches: float | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
    second_look: bool = True,
) -> Comparison:
    """As `verify`, by a model that is loaded already."""
    readings = [read_picture(picture, limits=limits) for picture in (a, b)]
    return compare_readings(
        embedder, readings, false_matches=false_matches, second_look=second_look
    )


def compare_readings(
    embedder: Embedder,
    readings: Sequence[Reading],
    *,
    false_matches: float | None,
    second_look: bool = True,
) -> Comparison:
    seen = embedder.info.preprocessing
    # One at a time: a network may round a batch of two otherwise than a single picture.
    first, second = (embedder.embed_pixels(each.pixels(seen)[None])[0] for each in readings)
    return compare_vectors(
        embedder,
        readings,
        (first, second),
        false_matches=false_matches,
        second_look=second_look,
    )


def compare_vectors(
    embedder: Embedder,
    readings: Sequence[Reading],
    vectors: tuple[Floats, Floats],
    *,
    false_matches: float | None,
    second_look: bool = True,
) -> Comparison:
    """As `verify`, of two pictures that were embedded already: (D,) each."""
    a, b = (each.name for each in readings)
    distance = float(embedder.distance(vectors[0][None], vectors[1][None])[0, 0])
    calibrated = calibrated_of(embedder)
    if calibrated is None:
        return Comparison(a, b, distance)
    if false_matches is None:
        false_matches = max(USUAL_FALSE_MATCHES, calibrated.table[0].false_matches)
    judged = same(distance, calibrated, false_matches=false_matches)
    agreeing, nearer = None, 0.0
    slope = -calibrated.verify.slope  # of the log odds that two pictures, whichever, are the same
    looks_again = second_look and sees_photographs(embedder.info.preprocessing)
    if looks_again and slope > 0 and not judged.same:
        told = told_by(readings)
        agreeing, nearer = told.agreeing, told.nearer_by(slope)
        judged = same(distance - nearer, calibrated, false_matches=false_matches)
    return Comparison(
        a,
        b,
        distance - nearer,
        same=judged.same,
        probability=judged.probability,
        threshold=judged.threshold,
        false_matches=judged.false_matches,
        false_matches_interval=judged.interval,
        misses=judged.misses,
        agreeing=agreeing,
        nearer=nearer,
    )


def calibrated_of(embedder: Embedder) -> Calibrated | None:
    """What the model knows about its own distances; None before anybody calibrated it."""
    record = embedder.info.calibration
    return None if record is None else Calibrated.from_json(record)


@lru_cache(maxsize=2)
def _loaded(model: str | Path) -> Embedder:
    return load(model)
