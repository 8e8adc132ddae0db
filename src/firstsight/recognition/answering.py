"""From a picture's vector to an answer: what is nearest, and what the thresholds make of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from firstsight.deciding.decide import decide
from firstsight.errors import NotInGallery
from firstsight.gallery.gallery import Gallery
from firstsight.images.reading import Reading
from firstsight.recognition.answers import Answer, Asked, Match, Rival
from firstsight.recognition.standings import Standings

__all__ = ["answer_of", "matches_of"]

Floats = npt.NDArray[np.float32]


def answer_of(
    standings: Standings, reading: Reading, vector: Floats, false_accepts: float | None
) -> Answer:
    """Which enrolled thing a picture shows, by its vector (D,)."""
    standing = standings.at_share(false_accepts)
    found = standing.nearest_things(vector)[:2]
    names = standings.names(thing for thing, _, _ in found)
    if len(names) < len(found):
        raise NotInGallery("what came nearest was removed this very moment; ask again")
    rivals = [Rival(names[thing], distance, photo) for thing, distance, photo in found]
    nearest, runner_up = rivals[0], rivals[1] if len(rivals) > 1 else None
    decided = decide(nearest.distance, runner_up.distance if runner_up else None, standing.estimate)
    return Answer(
        picture=reading.name,
        decision=decided.decision,
        thing=None if decided.decision == "unknown" else nearest.thing,
        probability=decided.probability,
        threshold=decided.threshold,
        nearest=nearest,
        runner_up=runner_up,
        margin=decided.margin,
        reason=decided.reason,
        estimate=standing.estimate,
        asked=Asked(reading, vector),
    )


def matches_of(
    standings: Standings, gallery: Gallery, vector: Floats, k: int, *, one_per_thing: bool
) -> list[Match]:
    """The k photos most similar to a vector (D,), nearest first."""
    found = standings.current().nearest_photos(vector, k, one_per_thing=one_per_thing)
    calibrated = standings.calibrated
    matches = []
    for rank, (number, distance) in enumerate(found, start=1):
        photo = gallery.photo(number)
        probability = float(calibrated.verify.probability(distance)) if calibrated else None
        matches.append(Match(rank, photo.thing, photo.id, photo.source, distance, probability))
    return matches
