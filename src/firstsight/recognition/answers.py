"""What recognising answers, and how each answer reads as JSON (docs/answers.md)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from firstsight.deciding.estimated import Estimate
from firstsight.images.reading import Reading

__all__ = ["Answer", "Asked", "Comparison", "Enrollment", "Match", "Rival", "Status", "Unreadable"]

Json = dict[str, Any]
Status = Literal[
    "new", "already", "elsewhere", "unreadable", "misnamed", "refused", "left out", "checked"
]


@dataclass(frozen=True)
class Rival:
    """A thing that was compared: its combined distance, and the photo of it that is nearest.

    agreeing: keypoints that agree in a second look, counted by how near to the pictures' middles
    they lie; None where nobody looked. nearer: by how much the distance is less for that.
    """

    thing: str
    distance: float
    photo: int
    agreeing: float | None = None
    nearer: float = 0.0

    def to_json(self) -> Json:
        return {
            "thing": self.thing,
            "distance": self.distance,
            "photo": self.photo,
            "agreeing": self.agreeing,
            "nearer": self.nearer,
        }


@dataclass(frozen=True, eq=False)
class Asked:
    """The picture behind an answer, kept so that a verdict on it can be recorded.

    vector: (D,) float32. reading: the picture itself, for a small copy or a drawing of it. first,
    first_margin: the nearest thing at first look, by the model's own distance, and how much farther
    another was: what thresholds are made of.
    """

    reading: Reading
    vector: npt.NDArray[np.float32]
    first: Rival
    first_margin: float | None

    def image(self) -> Image.Image:
        return self.reading.image()


@dataclass(frozen=True, eq=False)
class Answer:
    """Which enrolled thing a picture shows, or that it is none of them.

    decision: "known"; "unsure": near enough to be enrolled, yet the name may be wrong;
        "unknown": farther than the threshold from everything.
    thing: the name given; None where unknown.
    probability: that the nearest thing's name is right, at even odds of a stranger and an
        enrolled thing; None where nobody calibrated the model and the gallery is too small.
    threshold: the largest distance at which a name is given; None as above.
    closed_set: the picture was taken to show one of the enrolled things. Then it is never unknown
        and there is no threshold; the probability is that of all the things this is the one.
    nearest, runner_up: the two nearest things, whatever the decision.
    margin: how much farther the runner-up is; None in a gallery of one thing.
    reason: of anything but known, a clause.
    estimate: threshold, rates and their intervals, the rule that combines many photos.
    """

    picture: str
    decision: Literal["known", "unsure", "unknown"]
    thing: str | None
    probability: float | None
    threshold: float | None
    nearest: Rival
    runner_up: Rival | None
    margin: float | None
    reason: str
    estimate: Estimate
    asked: Asked = field(repr=False)
    closed_set: bool = False

    @property
    def distance(self) -> float:
        """To the nearest thing; lower is closer. Below 0 where more agrees than it comes to."""
        return self.nearest.distance

    def to_json(self) -> Json:
        return {
            "picture": self.picture,
            "decision": self.decision,
            "thing": self.thing or "unknown",
            "probability": self.probability,
            "distance": self.distance,
            "threshold": self.threshold,
            "margin": self.margin,
            "reason": self.reason,
            "closed_set": self.closed_set,
            "nearest": self.nearest.to_json(),
            "runner_up": self.runner_up.to_json() if self.runner_up else None,
            "estimate": self.estimate.to_json(),
        }


@dataclass(frozen=True)
class Unreadable:
    """A picture among many that could not be read, and the sentence that says why."""

    picture: str
    trouble: str

    def to_json(self) -> Json:
        return {"picture": self.picture, "error": self.trouble}


@dataclass(frozen=True)
class Comparison:
    """Do two pictures show the same thing?

    distance: less `nearer`, what `agreeing` keypoints bring the pictures nearer; None of these
    where nobody looked, as in drawings. same: distance <= threshold; None where the model was never
    calibrated.
    probability: of "same" at even odds of same and different.
    false_matches: the share of different pairs that the threshold lets pass (FMR), as asked for;
        false_matches_interval: 95 %, as measured. misses: share of same pairs it turns away.
    """

    a: str
    b: str
    distance: float
    same: bool | None = None
    probability: float | None = None
    threshold: float | None = None
    false_matches: float | None = None
    false_matches_interval: tuple[float, float] | None = None
    misses: float | None = None
    agreeing: float | None = None
    nearer: float = 0.0

    def to_json(self) -> Json:
        interval = self.false_matches_interval
        return {
            "a": self.a,
            "b": self.b,
            "same": self.same,
            "probability": self.probability,
            "distance": self.distance,
            "threshold": self.threshold,
            "false_matches": self.false_matches,
            "false_matches_interval": list(interval) if interval else None,
            "misses": self.misses,
            "agreeing": self.agreeing,
            "nearer": self.nearer,
        }


@dataclass(frozen=True)
class Match:
    """One of the most similar photos. probability: of "same", at even odds, where calibrated.

    agreeing, nearer: as of a `Rival`, photo by photo.
    """

    rank: int
    thing: str
    photo: int
    source: str
    distance: float
    probability: float | None
    agreeing: float | None = None
    nearer: float = 0.0

    def to_json(self) -> Json:
        return {
            "rank": self.rank,
            "thing": self.thing,
            "photo": self.photo,
            "source": self.source,
            "distance": self.distance,
            "probability": self.probability,
            "agreeing": self.agreeing,
            "nearer": self.nearer,
        }


@dataclass(frozen=True)
class Enrollment:
    """What became of one picture.

    status: "new"; "already" (the same content under the same name), "elsewhere" (under another
        name, `holder`); "unreadable"; "misnamed" (among many, and no thing may have that name);
        "refused" (careful, and there was a warning);
        "left out" (all-or-nothing, and another picture failed); "checked" (nothing was to be kept,
        and this would be new).
    advice: what is likely to go wrong with it, one sentence each.
    """

    picture: str
    thing: str
    status: Status
    photo: int | None = None
    holder: str | None = None
    trouble: str | None = None
    advice: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the gallery now holds this picture under this name."""
        return self.status in ("new", "already")

    def to_json(self) -> Json:
        return {
            "picture": self.picture,
            "thing": self.thing,
            "status": self.status,
            "photo": self.photo,
            "holder": self.holder,
            "error": self.trouble,
            "advice": list(self.advice),
        }

    @classmethod
    def from_json(cls, record: Json) -> Enrollment:
        """The inverse of `to_json`."""
        given = {**record, "trouble": record["error"], "advice": tuple(record["advice"])}
        del given["error"]
        return cls(**given)
