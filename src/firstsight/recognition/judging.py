"""A person's word on an answer, as a gallery records it."""

from __future__ import annotations

from firstsight.gallery.records import Verdict, VerdictKind
from firstsight.recognition.answers import Answer

__all__ = ["verdict_on"]


def verdict_on(
    answer: Answer, kind: VerdictKind, truth: str | None, *, keeps_picture: bool
) -> Verdict:
    """truth: the thing that the picture shows; None where it is none of those enrolled."""
    asked = answer.asked
    return Verdict(
        kind=kind,
        named=answer.nearest.thing,
        truth=truth,
        distance=answer.distance,
        margin=answer.margin,
        digest=asked.reading.digest,
        vector=asked.vector,
        kept=asked.reading.kept() if keeps_picture else None,
        details={"decision": answer.decision, "picture": answer.picture},
    )
