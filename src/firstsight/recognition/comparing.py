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
) -> Comparison:
    """Do two pictures show the same thing, at this share of false matches (FMR)?

    false_matches: default 1 %, or the least that the model was calibrated for; the answer says.
    a, b: path, encoded bytes, binary stream, Pillow image or uint8 array. model: a shipped name or
    a model folder; it stays loaded for the next call.
    Raises PictureError, ModelFolderError, UsageError.
    """
    return compare(_loaded(model), a, b, false_matches=false_matches, limits=limits)


def compare(
    embedder: Embedder,
    a: PictureLike,
    b: PictureLike,
    *,
    false_matches: float | None = None,
    limits: DecodeLimits = DEFAULT_LIMITS,
) -> Comparison:
    """As `verify`, by a model that is loaded already."""
    readings = [read_picture(picture, limits=limits) for picture in (a, b)]
    return compare_readings(embedder, readings, false_matches=false_matches)


def compare_readings(
    embedder: Embedder, readings: Sequence[Reading], *, false_matches: float | None
) -> Comparison:
    seen = embedder.info.preprocessing
    # One at a time: a network may round a batch of two otherwise than a single picture.
    first, second = (embedder.embed_pixels(each.pixels(seen)[None])[0] for each in readings)
    names = readings[0].name, readings[1].name
    return compare_vectors(embedder, names, (first, second), false_matches=false_matches)


def compare_vectors(
    embedder: Embedder,
    names: tuple[str, str],
    vectors: tuple[Floats, Floats],
    *,
    false_matches: float | None,
) -> Comparison:
    """As `verify`, of two pictures that were embedded already: (D,) each."""
    a, b = names
    distance = float(embedder.distance(vectors[0][None], vectors[1][None])[0, 0])
    calibrated = calibrated_of(embedder)
    if calibrated is None:
        return Comparison(a, b, distance)
    if false_matches is None:
        false_matches = max(USUAL_FALSE_MATCHES, calibrated.table[0].false_matches)
    judged = same(distance, calibrated, false_matches=false_matches)
    return Comparison(
        a,
        b,
        distance,
        same=judged.same,
        probability=judged.probability,
        threshold=judged.threshold,
        false_matches=judged.false_matches,
        false_matches_interval=judged.interval,
        misses=judged.misses,
    )


def calibrated_of(embedder: Embedder) -> Calibrated | None:
    """What the model knows about its own distances; None before anybody calibrated it."""
    record = embedder.info.calibration
    return None if record is None else Calibrated.from_json(record)


@lru_cache(maxsize=2)
def _loaded(model: str | Path) -> Embedder:
    return load(model)
