"""New drawings of seen characters, and beside them drawings of unseen ones (`omniglot-12-4-4`).

Reimplementations of Koch et al. 2015 that split the background set by its drawers alone (12 to
train on, 4 to validate, 4 to test) report how well pairs of characters are told that the training
knew. That is easier than what one-shot learning asks, so it is never given here by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from firstsight.data.packed import PackedPictures
from firstsight.data.splits import by_drawer, require_no_shared_classes
from firstsight.errors import UsageError
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.scorecard import Scorecard
from firstsight.evaluation.verification import draw_pairs, pair_distances
from firstsight.evaluation.verifying import Half, pair_details
from firstsight.metrics.intervals import Interval, interval_by_pair
from firstsight.metrics.roc import best_threshold
from firstsight.similarity import Head

__all__ = ["DrawersPlan", "drawers_12_4_4"]

VALIDATION_DRAWERS, TEST_DRAWERS = range(12, 16), range(16, 20)  # counted from 0
SEEN, OTHER_DRAWERS, UNSEEN, WITHIN, INTERVAL = range(70, 75)  # random streams of one seed


@dataclass(frozen=True)
class DrawersPlan:
    """n_pairs: in each part, half of them genuine."""

    n_pairs: int = 10_000

    def __post_init__(self) -> None:
        if self.n_pairs < 2 or self.n_pairs % 2:
            raise UsageError(f"n_pairs is {self.n_pairs}; give an even number from 2")


def drawers_12_4_4(
    embed: Embed,
    head: Head,
    sides: tuple[PackedPictures, PackedPictures],
    seed: int,
    plan: DrawersPlan | None = None,
) -> Scorecard:
    """Accuracy on pairs of seen characters by drawers 13-16, at the threshold best for 17-20.

    sides: the characters that the training knew, and others, each by all of its drawers; DataError
    where they share a class. The two characters of an impostor pair are any two.
    Details: the other way round (drawers 17-20 at the threshold best for 13-16), and by drawers
    13-16 the unseen characters at the very threshold of the value, any two of them and any two of
    one alphabet, each with its interval. Intervals are bootstrapped by alphabet.
    """
    plan = plan or DrawersPlan()
    require_no_shared_classes(*sides)
    seen, other = (by_drawer(sides[0], who) for who in (VALIDATION_DRAWERS, TEST_DRAWERS))
    unseen = by_drawer(sides[1], VALIDATION_DRAWERS)

    def drawn(pictures: PackedPictures, stream: int, *, within: bool = False) -> Half:
        rng = np.random.default_rng([seed, stream])
        groups = pictures.groups if within else None
        pairs = draw_pairs(pictures.labels, groups, plan.n_pairs, rng)
        distances = pair_distances(pairs, embed_all(embed, pictures.pixels), head)
        return Half(distances, pairs.same, pairs.of(pictures.groups))

    first, second = drawn(seen, SEEN), drawn(other, OTHER_DRAWERS)
    threshold = best_threshold(*second.sides)
    value, interval = _accuracy(first, threshold, seed)
    beside = {
        **_named("drawers_17_20", second, best_threshold(*first.sides), seed),
        **_named("unseen_characters", drawn(unseen, UNSEEN), threshold, seed),
        **_named("unseen_in_alphabet", drawn(unseen, WITHIN, within=True), threshold, seed),
    }
    return Scorecard(
        protocol="omniglot-12-4-4",
        measure="accuracy",
        value=value,
        interval=interval,
        n=plan.n_pairs,
        seed=seed,
        data_name=f"{seen.name}, drawers 13-16",
        data_fingerprint=seen.fingerprint,
        details={
            **pair_details([first], [threshold], None),
            "chance": 0.5,
            **beside,
            "unseen_data_fingerprint": unseen.fingerprint,
            "told": f"{_percent(value, interval)} of pairs are told rightly where the training "
            f"knew the characters; {_told(beside, 'unseen_characters')} where it never saw them; "
            f"{_told(beside, 'unseen_in_alphabet')} where both are of one alphabet, too",
        },
    )


def _accuracy(half: Half, threshold: float, seed: int) -> tuple[float, Interval]:
    right = half.right_at(threshold)
    rng = np.random.default_rng([seed, INTERVAL])
    return float(right.mean()), interval_by_pair(right, half.things, rng)


def _named(name: str, half: Half, threshold: float, seed: int) -> dict[str, Any]:
    value, interval = _accuracy(half, threshold, seed)
    return {name: value, f"{name}_interval": list(interval)}


def _told(beside: dict[str, Any], name: str) -> str:
    return _percent(beside[name], beside[f"{name}_interval"])


def _percent(value: float, interval: Sequence[float]) -> str:
    low, high = interval
    return f"{100 * value:.2f} % ({100 * low:.1f} .. {100 * high:.1f})"
