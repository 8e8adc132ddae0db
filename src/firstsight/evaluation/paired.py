"""Two models on the very same one-shot trials: is the second better, beyond doubt?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.data.packed import PackedPictures
from firstsight.evaluation.episodes import score
from firstsight.metrics.intervals import Interval, bootstrap_by_cluster
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Head

__all__ = ["Embedded", "PairedAccuracy", "compare_one_shot"]

MOST_WAY = 200  # things to choose among in a trial
ASKED = 50  # how often each thing is asked about, where things are few
MOST_TASKS = 500


@dataclass(frozen=True, eq=False)
class Embedded:
    """One model's view of pictures: embeddings (N, D), and the head that compares them."""

    embeddings: npt.NDArray[np.float32]
    head: Head


@dataclass(frozen=True)
class PairedAccuracy:
    """Shares of one-shot trials answered rightly, in 0..1, by one model and by another.

    difference: after - before. interval: its 95 % interval when the things asked about are drawn
    again; where these are few it is a little too narrow.
    n_trials: of n_things different things, each among n_way.
    """

    before: float
    after: float
    difference: float
    interval: Interval
    n_trials: int
    n_things: int
    n_way: int

    @property
    def improves(self) -> bool:
        """Whether the second model is better by more than chance explains."""
        return self.interval[0] > 0

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "improves": self.improves}


def compare_one_shot(
    pictures: PackedPictures,
    asked: npt.NDArray[np.bool_],
    before: Embedded,
    after: Embedded,
    *,
    seed: int = 0,
) -> PairedAccuracy:
    """Ask two models the same: which of up to 200 things, one picture of each enrolled, is this?

    asked: (C,) the classes whose pictures are asked about, at least two; the others are there to
    be confused with. Classes with a single picture take no part.
    Raises EpisodeError where fewer than two classes have two pictures, ShapeError where fewer
    than two of these are asked about.
    """
    counts = np.bincount(pictures.labels, minlength=pictures.n_classes)
    n_usable = int((counts >= 2).sum())
    n_way = max(2, min(n_usable, MOST_WAY))
    plan = EpisodePlan(
        n_way=n_way,
        n_query=n_way,
        n_tasks=min(MOST_TASKS, -(-ASKED * n_usable // n_way)),
        within_group=False,
        distinct_drawers=False,
    )
    rng = np.random.default_rng([seed, 30])
    episodes = draw_episodes(pictures.labels, pictures.groups, pictures.drawers, plan, rng)
    things = pictures.labels[episodes.query]  # (T, Q)
    counted = asked[things]
    old, new = (score(episodes, each.embeddings, each.head)[counted] for each in (before, after))
    interval = bootstrap_by_cluster(new - old, things[counted], np.random.default_rng(seed))
    return PairedAccuracy(
        before=float(old.mean()),
        after=float(new.mean()),
        difference=float((new - old).mean()),
        interval=interval,
        n_trials=int(counted.sum()),
        n_things=len(np.unique(things[counted])),
        n_way=n_way,
    )
