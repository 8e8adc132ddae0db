"""From a picture's vector to an answer: what is nearest, and what the thresholds make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from firstsight.deciding.decide import Decision, decide, decide_closed_set
from firstsight.deciding.estimated import Estimate
from firstsight.deciding.shares import COMPARED
from firstsight.errors import NotInGallery
from firstsight.gallery.gallery import Gallery
from firstsight.images.reading import Reading
from firstsight.recognition.answers import Answer, Asked, Match, Rival
from firstsight.recognition.second_look import LOOKED_AT, OF_ONE, SecondLook, Seen, few_of_each
from firstsight.recognition.standing import Standing
from firstsight.recognition.standings import Standings

__all__ = ["answers_of", "matches_of"]

Floats = npt.NDArray[np.float32]


def answers_of(
    standings: Standings,
    asked: Sequence[tuple[Reading, Floats]],
    false_accepts: float | None,
    *,
    closed_set: bool,
    second_look: SecondLook | None = None,
) -> list[Answer]:
    """Which enrolled thing each picture shows, by its vector (D,).

    second_look: taken at those that are not known at first.
    """
    if not asked:
        return []
    standing = standings.at_share(false_accepts)
    vectors = np.stack([vector for _, vector in asked])
    deciding = _Deciding(standing, closed_set)
    answers = []
    for (reading, vector), found in zip(
        asked, standing.nearest_things(vectors, deciding.n_compared), strict=True
    ):
        first = [Seen(near) for near in found]
        seen, decided = first, deciding(first)
        sharpness = standing.estimate.sharpness
        if second_look is not None and sharpness and decided.decision != "known":
            (found,) = standing.nearest_things(vector[None], max(deciding.n_compared, LOOKED_AT))
            photos = few_of_each(standing.nearest_photos(vector, OF_ONE * LOOKED_AT))
            seen = second_look.at(reading, found, photos, sharpness, closed_set=closed_set)
            decided = deciding(seen)
        answer = _answer(
            (reading, vector), first[:2], seen[:2], standings, standing.estimate, decided
        )
        answers.append(replace(answer, closed_set=closed_set))
    return answers


@dataclass(frozen=True, eq=False)
class _Deciding:
    standing: Standing
    closed_set: bool

    @property
    def n_compared(self) -> int:
        return COMPARED if self.closed_set else self.standing.estimate.n_compared

    def __call__(self, seen: Sequence[Seen]) -> Decision:
        distances = [each.near.distance for each in seen[: self.n_compared]]
        n_things = len(self.standing.matrix.photos.things)
        rule = decide_closed_set if self.closed_set else decide
        return rule(distances, n_things, self.standing.estimate)


def _answer(
    asked: tuple[Reading, Floats],
    first: Sequence[Seen],
    seen: Sequence[Seen],
    standings: Standings,
    estimate: Estimate,
    decided: Decision,
) -> Answer:
    """first, seen: the two nearest things, or the only one, at first look and in the end."""
    names = standings.names(each.near.thing for each in [*first, *seen])
    if any(each.near.thing not in names for each in [*first, *seen]):
        raise NotInGallery("what came nearest was removed this very moment; ask again")
    (nearest, *others), (nearest_first, *others_first) = (
        [
            Rival(names[near.thing], near.distance, near.photo, each.agreeing, each.nearer)
            for each in two
            for near in [each.near]
        ]
        for two in (seen, first)
    )
    reading, vector = asked
    margin = others_first[0].distance - nearest_first.distance if others_first else None
    return Answer(
        picture=reading.name,
        decision=decided.decision,
        thing=None if decided.decision == "unknown" else nearest.thing,
        probability=decided.probability,
        threshold=decided.threshold,
        nearest=nearest,
        runner_up=others[0] if others else None,
        margin=decided.margin,
        reason=decided.reason,
        estimate=estimate,
        asked=Asked(reading, vector, nearest_first, margin),
    )


def matches_of(
    standings: Standings,
    gallery: Gallery,
    asked: tuple[Reading | None, Floats],
    k: int,
    *,
    one_per_thing: bool,
    second_look: SecondLook | None = None,
) -> list[Match]:
    """The k photos most similar to a picture, by its vector (D,), nearest first.

    second_look: taken at the nearest, where the picture itself is given.
    """
    reading, vector = asked
    standing, calibrated = standings.current(), standings.calibrated
    # Of the log odds that two pictures, whichever, are the same: as in `verify`.
    sharpness = 0.0 if calibrated is None else -calibrated.verify.slope
    if second_look is None or reading is None or sharpness <= 0:
        seen = [Seen(near) for near in standing.nearest_photos(vector, k, one_per_thing)]
    else:
        enough = LOOKED_AT if one_per_thing else OF_ONE * LOOKED_AT
        found = standing.nearest_photos(vector, max(k, enough), one_per_thing)
        seen = second_look.at_photos(reading, found, sharpness)[:k]
    matches = list[Match]()
    for each in seen:
        distance = each.near.distance
        try:
            photo = gallery.photo(each.near.photo)
        except NotInGallery:  # by now
            continue
        probability = float(calibrated.verify.probability(distance)) if calibrated else None
        matches.append(
            Match(
                len(matches) + 1,
                photo.thing,
                photo.id,
                photo.source,
                distance,
                probability,
                each.agreeing,
                each.nearer,
            )
        )
    return matches
