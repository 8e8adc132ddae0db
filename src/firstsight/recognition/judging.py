"""A person's word on an answer, as a gallery records it."""

from __future__ import annotations

from firstsight.gallery.records import Verdict, VerdictKind
from firstsight.recognition.answers import Answer

__all__ = ["verdict_on"]


def verdict_on(answer: Answer, truth: str | None, *, keeps_picture: bool) -> Verdict:
    """truth: the thing that the picture shows; None where it is none of those enrolled.

    Of the first look, for thresholds are made of the model's own distances: whether its nearest
    thing is the right one. What a person denied, though, is the name that the answer gave.
    """
    asked = answer.asked
    kind: VerdictKind = "wrong"
    if truth is not None:
        kind = "right" if asked.first.thing == truth else "other"
    is_denied = answer.nearest.thing != truth
    return Verdict(
        kind=kind,
        named=truth if kind == "right" else (answer.nearest if is_denied else asked.first).thing,
        truth=truth,
        distance=asked.first.distance,
        margin=asked.first_margin,
        digest=asked.reading.digest,
        vector=asked.vector,
        kept=asked.reading.kept() if keeps_picture else None,
        details={"decision": answer.decision, "picture": answer.picture},
    )
