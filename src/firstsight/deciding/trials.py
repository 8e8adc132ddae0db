"""Trials: what an identification showed, weighed so that each thing counts once.

A stranger's trial is a photo of a thing that the gallery lacks; an enrolled trial is a photo of
a thing that it holds. How many photos a thing happens to have must not decide how much it counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["BothSides", "Trials", "VerdictLike", "join_trials", "trials_of_verdicts"]

Float64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trials:
    """n trials of one side.

    distance: (n,) finite, to the nearest thing. margin: (n,) how much farther the runner-up is,
    >= 0; NaN where there was none. right: (n,) was the nearest thing the right one, with no other
    as near? weight: (n,) > 0; those of one thing sum to 1. cluster: (n,) from 0: trials that rise
    and fall together, at least those of one thing.
    """

    distance: Float64
    margin: Float64
    right: Bools
    weight: Float64
    cluster: Indices

    def __len__(self) -> int:
        return len(self.distance)

    @property
    def n_things(self) -> float:
        return float(self.weight.sum())

    @property
    def n_clusters(self) -> int:
        return int(self.cluster.max(initial=-1)) + 1

    @classmethod
    def of_things(
        cls,
        distance: npt.ArrayLike,
        margin: npt.ArrayLike,
        right: npt.ArrayLike,
        thing: npt.ArrayLike,
        together: npt.NDArray[Any] | None = None,
    ) -> Trials:
        """Weigh trials by `thing` (n,); those with an infinite distance are left out.

        together: (n,) equal for things that are drawn together; None: each thing by itself.
        """
        distance = np.asarray(distance, np.float64)
        kept = np.isfinite(distance)
        of_thing = np.asarray(thing, np.int64)[kept]
        member, sizes = np.unique(of_thing, return_inverse=True, return_counts=True)[1:]
        drawn_as = of_thing if together is None else together[kept]
        return cls(
            distance=distance[kept],
            margin=np.asarray(margin, np.float64)[kept],
            right=np.asarray(right, np.bool_)[kept],
            weight=(1 / sizes)[member],
            cluster=np.unique(drawn_as, return_inverse=True)[1].astype(np.int64),
        )

    def take(self, kept: Bools) -> Trials:
        return Trials(
            self.distance[kept],
            self.margin[kept],
            self.right[kept],
            self.weight[kept],
            self.cluster[kept],
        )


@dataclass(frozen=True, eq=False)
class BothSides:
    strangers: Trials
    enrolled: Trials


class VerdictLike(Protocol):
    """A person's word on one answer: "right", "wrong" (any name is), "other" (it is another)."""

    @property
    def kind(self) -> str: ...

    @property
    def distance(self) -> float: ...

    @property
    def margin(self) -> float | None: ...


def trials_of_verdicts(verdicts: Sequence[VerdictLike]) -> BothSides:
    """Each verdict as a trial of a thing of its own.

    "wrong" is a stranger's; "right" and "other" are an enrolled thing's, named rightly or not.
    """

    def side(kinds: tuple[str, ...]) -> Trials:
        chosen = [verdict for verdict in verdicts if verdict.kind in kinds]
        margins = [np.nan if each.margin is None else each.margin for each in chosen]
        return Trials.of_things(
            [each.distance for each in chosen],
            margins,
            [each.kind == "right" for each in chosen],
            np.arange(len(chosen)),
        )

    return BothSides(side(("wrong",)), side(("right", "other")))


def join_trials(first: Trials, second: Trials) -> Trials:
    """Both, no cluster of the one being a cluster of the other."""
    return Trials(
        np.concatenate([first.distance, second.distance]),
        np.concatenate([first.margin, second.margin]),
        np.concatenate([first.right, second.right]),
        np.concatenate([first.weight, second.weight]),
        np.concatenate([first.cluster, second.cluster + first.n_clusters]),
    )
