"""What the doctor says: one finding, one plain sentence with its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

__all__ = ["Finding", "FindingKind", "Severity", "ordered", "part_told", "some"]

_ENOUGH_FOR_PERCENTS = 8

FindingKind = Literal["mislabelled", "duplicate", "lookalike", "flaw", "few_photos"]
Severity = Literal["warning", "advice"]


@dataclass(frozen=True)
class Finding:
    """Something about a gallery that is likely to give wrong answers.

    kind, and what `measure` is by it:
      mislabelled  a photo that fits another thing, not its own: how far it lies on the wrong
                   side, in margins by which the gallery's usual photo lies on the right one (>= 1)
      duplicate    nearly the same picture twice: the distance by the model's head
      lookalike    two things that are taken for each other: share of photos confused, in 0..1
      flaw         of the picture itself: 1
      few_photos   too few photos to be sure of: how many things have so few
    severity: "warning" where answers will be wrong, "advice" where more could be had.
    things: names. photos: ids; a photo not yet saved has none. told: one sentence.
    """

    kind: FindingKind
    severity: Severity
    things: tuple[str, ...]
    photos: tuple[int, ...]
    told: str
    measure: float

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "things": list(self.things), "photos": list(self.photos)}


def ordered(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Warnings first, then by kind, the worst first."""
    severities, kinds = get_args(Severity), get_args(FindingKind)
    return tuple(
        sorted(
            findings,
            key=lambda it: (severities.index(it.severity), kinds.index(it.kind), -it.measure),
        )
    )


def some(names: Sequence[str], most: int = 3) -> str:
    """'a', 'b', 'c' and 9 more."""
    told = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(told)} and {len(names) - most:,} more"
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def part_told(confused: int, of: int, whose: str) -> str:
    """Like "38 % of its 12 photos", "2 of its 5 photos" or "its only photo", `whose` being "its".

    Percents of a handful would pretend to more than was seen.
    """
    if of == 1:
        return f"{whose} only photo"
    part = f"{100 * confused / of:.0f} %" if of >= _ENOUGH_FOR_PERCENTS else str(confused)
    return f"{part} of {whose} {of} photos"
