"""A person's word on an answer, as a gallery records it."""

from __future__ import annotations

from firstsight.gallery.records import Verdict, VerdictKind
from firstsight.recognition.answers import Answer

__all__ = ["verdict_on"]


def verdict_on(
    answer: Answer, kind: VerdictKind, truth: str | None, *, keeps_picture: bool
) -> Verdict:
    """truth: the thing that the picture shows; None where it is none of those enrolled.

    The distance is the model's own, which thresholds are made of: as if nobody had looked twice.
    """
    asked, rival = answer.asked, answer.runner_up
    distance = answer.distance + answer.nearest.nearer
    margin = None if rival is None else rival.distance + rival.nearer - distance
    return Verdict(
        kind=kind,
        named=answer.nearest.thing,
        truth=truth,
        distance=distance,
        margin=None if margin is None else max(0.0, margin),
        digest=asked.reading.digest,
        vector=asked.vector,
        kept=asked.reading.kept() if keeps_picture else None,
        details={"decision": answer.decision, "picture": answer.picture},
    )
