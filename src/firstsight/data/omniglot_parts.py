"""Which characters of Omniglot each named part holds, known without the pictures.

The Vinyals split (Vinyals et al. 2016) is that which Snell et al. 2017 published with their code,
and everybody has used since: all 964 background characters and the first 236 of the evaluation
set, in the order of their names, to train on; the last 423 of the evaluation set to test. So it
cuts the alphabet Gurmukhi in two, and its training set holds characters of the 20 runs.

Koch's split (Koch et al. 2015) is 30 alphabets x 12 drawers, 10 x 4 and 10 x 4, and was never
published. Here: the background alphabets by drawers 1-12 to train on; of the evaluation
alphabets, those without a run, by drawers 13-16, to validate; those of the runs, by drawers
17-20, to test.

The drawers' split, 12-4-4, is that of reimplementations that use the background set alone: every
character is in all three parts, and only the people are new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = [
    "OMNIGLOT_PARTS",
    "TURNS",
    "OmniglotPart",
    "characters_of",
    "drawings_of",
    "turned_names",
]

TURNS = (0, 90, 180, 270)  # degrees, anticlockwise

PREFIX = "omniglot:"


@dataclass(frozen=True)
class OmniglotPart:
    """A part that is cut out of the two large sets.

    sets: of those, by their names. drawers: who drew it, 0..19.
    """

    name: str
    sets: tuple[str, ...]
    drawers: range = range(20)


OMNIGLOT_PARTS = (
    OmniglotPart("omniglot:vinyals-train", ("background", "evaluation")),
    OmniglotPart("omniglot:vinyals-test", ("evaluation",)),
    OmniglotPart("omniglot:koch-train", ("background",), range(12)),
    OmniglotPart("omniglot:koch-validation", ("evaluation",), range(12, 16)),
    OmniglotPart("omniglot:koch-test", ("evaluation",), range(16, 20)),
    OmniglotPart("omniglot:drawers-1-12", ("background",), range(12)),
    OmniglotPart("omniglot:drawers-13-16", ("background",), range(12, 16)),
    OmniglotPart("omniglot:drawers-17-20", ("background",), range(16, 20)),
)


@cache
def characters_of(name: str) -> frozenset[str]:
    """Class names, as in "Greek/character01"; of no set of ours: none.

    name: "omniglot:background" and so on; "omniglot:runs" stands for all of its ten alphabets.
    """
    facts = _facts()
    background = _all_of(facts["background"])
    evaluation = _all_of(facts["evaluation"])
    vinyals_test = frozenset(
        _named(alphabet, number)
        for alphabet, (first, last) in facts["vinyals_test"].items()
        for number in range(first, last + 1)
    )
    runs = _within(evaluation, facts["runs"])
    return {
        "background": background,
        "evaluation": evaluation,
        "minimal1": _within(background, facts["minimal1"]),
        "minimal2": _within(background, facts["minimal2"]),
        "runs": runs,
        "vinyals-train": (background | evaluation) - vinyals_test,
        "vinyals-test": vinyals_test,
        "koch-train": background,
        "koch-validation": evaluation - runs,
        "koch-test": runs,
        "drawers-1-12": background,
        "drawers-13-16": background,
        "drawers-17-20": background,
    }.get(name.removeprefix(PREFIX) if name.startswith(PREFIX) else "", frozenset())


def drawings_of(name: str) -> tuple[frozenset[str], range]:
    """Class names, as `characters_of` tells them, and the drawers whose drawings a part holds."""
    part = next((each for each in OMNIGLOT_PARTS if each.name == name), None)
    return characters_of(name), range(20) if part is None else part.drawers


def turned_names(names: Iterable[str]) -> tuple[str, ...]:
    """Each character four times, as "Greek/character01/rot090": a class for each quarter turn."""
    return tuple(f"{name}/rot{turn:03d}" for turn in TURNS for name in names)


@cache
def _facts() -> dict[str, Any]:
    text = files("firstsight.data").joinpath("omniglot_characters.json").read_text("utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts


def _all_of(counts: dict[str, int]) -> frozenset[str]:
    return frozenset(
        _named(alphabet, number)
        for alphabet, count in counts.items()
        for number in range(1, count + 1)
    )


def _within(characters: frozenset[str], alphabets: Iterable[str]) -> frozenset[str]:
    wanted = set(alphabets)
    return frozenset(name for name in characters if name.partition("/")[0] in wanted)


def _named(alphabet: str, number: int) -> str:
    return f"{alphabet}/character{number:02d}"
