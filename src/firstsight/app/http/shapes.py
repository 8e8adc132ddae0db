"""The shape of every answer, as /openapi.json describes it.

Answers are made by the library's own `to_json`, and are not checked against these when they are
sent, which would cost more than finding them; the tests check every one that they get.
docs/answers.md says what the fields mean.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from firstsight.evaluation.kshot import KShotCurve
from firstsight.gallery.records import Photo, Step, Thing

__all__ = [
    "Alike",
    "Compared",
    "Embedded",
    "Enrolled",
    "Explained",
    "Forgotten",
    "Galleries",
    "Gallery",
    "Health",
    "Identified",
    "Judged",
    "Photos",
    "Refused",
    "Removed",
    "RemovedPhoto",
    "Report",
    "Steps",
    "Things",
    "Undone",
    "Verdicts",
    "Withdrawn",
]

Rate = tuple[float, float, float]  # the share, and its 95 % interval
Interval = tuple[float, float]
Basis = Literal["gallery", "model", "none"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Trouble(_Shape):
    code: str
    message: str


class Error(Trouble):
    request_id: str
    details: list[dict[str, Any]] = Field(
        default_factory=list, description="Only where several things were wrong: a record each."
    )


class Refused(_Shape):
    error: Error


class Rejected(_Shape):
    position: int = Field(description="Among all the pictures that came, from 0.")
    picture: str
    error: Trouble


class Health(_Shape):
    live: bool
    ready: bool


class Logistic(_Shape):
    intercept: float
    by_distance: float
    by_margin: float


class LikelyRight(_Shape):
    alone: Logistic
    rivalled: Logistic | None


class Estimate(_Shape):
    rule: Literal["best", "mean", "prototype"]
    accuracies: dict[str, float] | None
    rule_kept: str
    target: float
    n_things: int
    n_photos: int
    n_verdicts: int
    basis: Basis
    threshold: float | None
    threshold_interval: Interval | None
    false_accepts: Rate | None
    misses: Rate | None
    misses_basis: Basis
    seen_here: Rate | None
    on_average: Rate | None
    likely_right: LikelyRight | None
    likely_right_basis: Basis
    sharpness: float | None
    sharpness_basis: Basis
    offset: float | None
    kept: str


class Rival(_Shape):
    thing: str
    distance: float
    photo: int
    agreeing: float | None
    nearer: float


class Answer(_Shape):
    picture: str
    decision: Literal["known", "unsure", "unknown"]
    thing: str
    probability: float | None
    distance: float
    threshold: float | None
    margin: float | None
    reason: str
    closed_set: bool
    nearest: Rival
    runner_up: Rival | None
    estimate: Estimate


class Identified(_Shape):
    answers: list[Answer]
    rejected: list[Rejected]


class Match(_Shape):
    rank: int
    thing: str
    photo: int
    source: str
    distance: float
    probability: float | None
    agreeing: float | None
    nearer: float


class Alike(_Shape):
    matches: list[Match]


class Compared(_Shape):
    a: str
    b: str
    same: bool | None
    probability: float | None
    distance: float
    threshold: float | None
    false_matches: float | None
    false_matches_interval: Interval | None
    misses: float | None
    agreeing: float | None
    nearer: float


class Embedding(_Shape):
    picture: str
    embedding: list[float]


class Embedded(_Shape):
    model: str = Field(description="Its fingerprint.")
    embeddings: list[Embedding]
    rejected: list[Rejected]


class Explained(_Shape):
    answer: Answer
    why: str
    sheet: str = Field(description="A PNG file in base64.")


class Enrollment(_Shape):
    picture: str
    thing: str
    status: Literal["new", "already", "elsewhere", "unreadable", "refused", "left out", "checked"]
    photo: int | None
    holder: str | None
    error: str | None
    advice: list[str]


class Enrolled(_Shape):
    results: list[Enrollment]
    rejected: list[Rejected]


class Model(_Shape):
    name: str
    fingerprint: str
    embedding_size: int


class Gallery(_Shape):
    name: str
    model: Model
    keeps_pictures: bool
    created: str
    schema_version: int
    things: int
    photos: int
    estimate: Estimate | None


class Galleries(_Shape):
    galleries: list[Gallery]


class Finding(_Shape):
    kind: Literal["mislabelled", "duplicate", "lookalike", "flaw", "few_photos"]
    severity: Literal["warning", "advice"]
    things: list[str]
    photos: list[int]
    told: str
    measure: float


class Report(_Shape):
    findings: list[Finding]
    n_things: int
    n_photos: int
    n_asked: int
    seed: int
    recognised: float | None
    recognised_interval: Interval | None
    kshot: KShotCurve | None
    summary: str


class Steps(_Shape):
    steps: list[Step]


class Undone(_Shape):
    undone: list[Step]


class Things(_Shape):
    things: list[Thing]
    next: str | None


class Photos(_Shape):
    photos: list[Photo]
    next: int | None


class Removed(_Shape):
    removed: str


class RemovedPhoto(_Shape):
    removed: int


class ForgottenParts(_Shape):
    photos: int
    verdicts: int


class Forgotten(_Shape):
    forgotten: ForgottenParts


class Judged(_Shape):
    verdict: int
    answer: Answer
    estimate: Estimate


class Verdict(_Shape):
    verdict: int
    kind: Literal["right", "wrong", "other"]
    named: str | None
    truth: str | None
    distance: float
    when: str
    picture: str | None


class Verdicts(_Shape):
    verdicts: list[Verdict]


class Withdrawn(_Shape):
    withdrawn: int
