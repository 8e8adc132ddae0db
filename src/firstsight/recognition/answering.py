"""From a picture's vector to an answer: what is nearest, and what the thresholds make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from firstsight.deciding.decide import Decision, decide, decide_closed_set
from firstsight.deciding.estimated import Estimate
from firstsight.deciding.shares import COMPARED
from firstsight.errors import NotInGallery
from firstsight.gallery.gallery import Gallery
from firstsight.images.reading import Reading
from firstsight.recognition.answers import Answer, Asked, Match, Rival
from firstsight.recognition.nearest import Near
from firstsight.recognition.standings import Standings

__all__ = ["answers_of", "matches_of"]

Floats = npt.NDArray[np.float32]


def answers_of(
    standings: Standings,
    asked: Sequence[tuple[Reading, Floats]],
    false_accepts: float | None,
    *,
    closed_set: bool,
) -> list[Answer]:
    """Which enrolled thing each picture shows, by its vector (D,)."""
    if not asked:
        return []
    standing = standings.at_share(false_accepts)
    vectors = np.stack([vector for _, vector in asked])
    estimate, n_things = standing.estimate, len(standing.matrix.photos.things)
    found = standing.nearest_things(vectors, COMPARED if closed_set else estimate.n_compared)
    names = standings.names({near.thing for nearest in found for near in nearest[:2]})
    deciding = decide_closed_set if closed_set else decide
    answers = []
    for each, nearest in zip(asked, found, strict=True):
        decided = deciding([near.distance for near in nearest], n_things, estimate)
        answer = _answer(each, nearest[:2], names, estimate, decided)
        answers.append(replace(answer, closed_set=closed_set))
    return answers


def _answer(
    asked: tuple[Reading, Floats],
    found: list[Near],
    names: dict[int, str],
    estimate: Estimate,
    decided: Decision,
) -> Answer:
    """found: the two nearest things, or the only one."""
    if any(near.thing not in names for near in found):
        raise NotInGallery("what came nearest was removed this very moment; ask again")
    rivals = [Rival(names[near.thing], near.distance, near.photo) for near in found]
    nearest, runner_up = rivals[0], rivals[1] if len(rivals) > 1 else None
    reading, vector = asked
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
        estimate=estimate,
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
