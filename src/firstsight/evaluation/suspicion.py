"""Reasons to doubt a figure: it looks too good, or its trials hold what they should not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from firstsight.data.nearness import by_content
from firstsight.data.packed import PackedPictures
from firstsight.evaluation.scorecard import Scorecard

__all__ = ["Acquaintance", "Suspicion", "Twins", "count_twins", "suspicions"]

NEARLY_PERFECT = 0.995
ENOUGH_TRIALS = 100
CONSTANT, RAW_PIXELS, UNTRAINED = "a constant", "raw pixels", "untrained network"

Kind = Literal[
    "nearly perfect",
    "learned",
    "calibrated",
    "twins",
    "mislabelled twins",
    "constant",
    "nothing learned",
]


@dataclass(frozen=True)
class Suspicion:
    """told: one sentence for the user, with what to do."""

    kind: Kind
    told: str


@dataclass(frozen=True)
class Twins:
    """Pictures made from the very same bytes as another: of one class, and of two.

    The first may be support and query of one trial; the second cannot both be labelled rightly.
    """

    n_same: int
    n_other: int


@dataclass(frozen=True)
class Acquaintance:
    """What a model knew of n_pictures before it was judged by them.

    n_learned: pictures among them that it learned from. calibrated: whether its probabilities and
    thresholds were fitted on these very pictures. watched: whether its training held them out, and
    chose its weights by them.
    """

    n_learned: int
    n_pictures: int
    calibrated: bool
    watched: bool


def count_twins(pictures: PackedPictures) -> Twins:
    """Count the pictures that have a twin in their own class, and in another."""
    n_same = n_other = 0
    for rows in by_content(digest.tobytes() for digest in pictures.digests):
        each = Counter(pictures.labels[rows].tolist())
        n_same += sum(n for n in each.values() if n > 1)
        n_other += len(rows) if len(each) > 1 else 0
    return Twins(n_same, n_other)


def suspicions(
    card: Scorecard,
    *,
    others: Mapping[str, Scorecard] | None = None,
    twins: Twins | None = None,
    known: Acquaintance | None = None,
) -> tuple[Suspicion, ...]:
    """Why `card` may be worth less than it says; none where nothing speaks against it.

    others: baselines on the same trials, by the names that `evaluate` prints. twins: of the
    pictures that the trials were drawn from. known: what the model knew of these.
    """
    others = others or {}
    good = _goodness(card)
    found = []
    if good >= NEARLY_PERFECT and card.n >= ENOUGH_TRIALS:
        found.append(
            Suspicion(
                "nearly perfect",
                f"{100 * good:.2f} % right is rare: make sure that the model never saw these "
                "things, that no picture is there twice, and that the task is not too easy",
            )
        )
    found += _about_acquaintance(known)
    found += _about_twins(twins)
    found += _about_chance(card, others.get(CONSTANT))
    found += _about_learning(card, good, others)
    return tuple(found)


def _about_chance(card: Scorecard, constant: Scorecard | None) -> list[Suspicion]:
    chance = card.details.get("chance")
    if constant is None or not isinstance(chance, float) or _goodness(constant) <= chance + 1e-9:
        return []
    told = (
        f"a model that sees nothing scores {100 * _goodness(constant):.2f} % where chance is "
        f"{100 * chance:.2f} %: the trials give their answers away; do not trust them"
    )
    return [Suspicion("constant", told)]


def _about_acquaintance(known: Acquaintance | None) -> list[Suspicion]:
    found = []
    if known is not None and known.n_learned:
        found.append(
            Suspicion(
                "learned",
                f"{known.n_learned:,} of the {known.n_pictures:,} pictures were learned from, byte "
                "for byte: delete the copies and measure again",
            )
        )
    if known is not None and known.calibrated:
        watched = " and chose its weights" if known.watched else ""
        found.append(
            Suspicion(
                "calibrated",
                f"these things also calibrated the model{watched}, so it may look better here than "
                "it is, its probabilities above all: other things, or crossvalidate, tell more",
            )
        )
    return found


def _about_twins(twins: Twins | None) -> list[Suspicion]:
    found = []
    if twins is not None and twins.n_same:
        found.append(
            Suspicion(
                "twins",
                f"{twins.n_same} pictures are the same file as another of their class: support and "
                "query may be one picture; delete the copies and measure again",
            )
        )
    if twins is not None and twins.n_other:
        found.append(
            Suspicion(
                "mislabelled twins",
                f"{twins.n_other} pictures are the same file as one of another class: one of the "
                "two is labelled wrongly; mend the labels and measure again",
            )
        )
    return found


def _about_learning(
    card: Scorecard, good: float, others: Mapping[str, Scorecard]
) -> list[Suspicion]:
    """A baseline that nobody trained, inside the model's interval or above it."""
    low = min(1 - end if _is_error(card) else end for end in card.interval)
    for name in (UNTRAINED, RAW_PIXELS):
        if name in others and (share := _goodness(others[name])) >= low:
            told = (
                f"the baseline {name!r} scores {100 * share:.2f} % on the same trials, beside "
                f"these {100 * good:.2f} %: the figure shows nothing that was learned"
            )
            return [Suspicion("nothing learned", told)]
    return []


def _is_error(card: Scorecard) -> bool:
    return card.measure in ("error_rate", "misses")


def _goodness(card: Scorecard) -> float:
    """The share that was right, whatever the card's measure is."""
    return 1 - card.value if _is_error(card) else card.value
