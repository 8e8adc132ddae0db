"""The scale of distances that pages draw: 0 on the left, the threshold, what came near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Mark", "Scale", "scale_of"]

BEYOND = 1.12  # how far the line goes past the farthest mark
MOST_LETTERS = 22  # of a name; on a phone more would not fit
EDGE = 40.0  # percent; nearer to an edge, words run away from it


@dataclass(frozen=True)
class Mark:
    """at: percent of the line. first: what the answer speaks of; the others are rivals."""

    at: float
    words: str
    first: bool


@dataclass(frozen=True)
class Scale:
    """limit: percent where the threshold lies, None where none is known. told: for whoever
    cannot see it."""

    marks: tuple[Mark, ...]
    limit: float | None
    limit_words: str
    told: str

    @staticmethod
    def anchor(at: float) -> str:
        """To which side of their place words are written, to stay on the page."""
        return "start" if at < EDGE else "end" if at > 100 - EDGE else "middle"


def scale_of(
    distances: Sequence[tuple[str, float]], threshold: float | None, *, limit_words: str
) -> Scale:
    """distances: (words, distance) of one thing or two, the one that the answer speaks of first."""
    farthest = max([distance for _, distance in distances] + [threshold or 0.0, 1e-9])
    end = BEYOND * farthest

    def place(distance: float) -> float:
        return round(100 * max(0.0, distance) / end, 2)

    marks = tuple(
        Mark(place(distance), f"{_short(words)} {distance:.3f}", row == 0)
        for row, (words, distance) in enumerate(distances)
    )
    told = "; ".join(f"{words}: distance {distance:.3f}" for words, distance in distances)
    if threshold is None:
        return Scale(marks, None, "", f"{told}; no threshold is known")
    limit_words = f"{limit_words} {threshold:.3f}"
    return Scale(marks, place(threshold), limit_words, f"{told}; {limit_words}")


def _short(words: str) -> str:
    return words if len(words) <= MOST_LETTERS else words[: MOST_LETTERS - 1].rstrip() + "…"
