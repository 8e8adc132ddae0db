"""Episodes: N classes, K support pictures of each, and queries that belong to one of them.

Who drew what matters: two drawings by one hand are easier to match. The caller picks one of two
strategies by `EpisodePlan.distinct_drawers`:

- True, the manner of Lake et al. 2015: in an episode, support shot k of every class is by one
  drawer, and the queries are by another (a further one for each further query of a class). Only
  drawers who drew every class in play can serve.
- False, where drawers are unknown or mere running numbers: support and query are different
  pictures of the class, and nothing more.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.errors import EpisodeError, ShapeError, UsageError

__all__ = ["EpisodePlan", "Episodes", "draw_episodes"]

Indices = npt.NDArray[np.int64]

DRAW_CELLS = 2**22  # numbers shuffled at a time: 32 MB


@dataclass(frozen=True)
class EpisodePlan:
    """What an episode looks like, and how many to draw.

    n_query: queries an episode, spread over the classes as evenly as can be (n_query == n_way
    asks for every class once). within_group: whether all classes of an episode come from one
    group (alphabet), each group being equally likely. Raises UsageError for impossible numbers.
    """

    n_way: int = 20
    k_shot: int = 1
    n_query: int = 1
    n_tasks: int = 1000
    within_group: bool = True
    distinct_drawers: bool = True

    def __post_init__(self) -> None:
        least = {"n_way": 2, "k_shot": 1, "n_query": 1, "n_tasks": 1}
        for name, limit in least.items():
            if getattr(self, name) < limit:
                raise UsageError(f"{name} is {getattr(self, name)}; give at least {limit}")

    @property
    def pictures_a_class(self) -> int:
        """How many pictures of one class an episode may need: shots and queries together."""
        return self.k_shot + -(-self.n_query // self.n_way)


@dataclass(frozen=True)
class Episodes:
    """Picture indices of T episodes.

    support: (T, N, K). query: (T, Q). truth: (T, Q) position 0..N-1 of each query's class.
    Positions are shuffled, and no picture appears twice in an episode.
    """

    support: Indices
    query: Indices
    truth: Indices

    def __post_init__(self) -> None:
        fits = self.support.ndim == 3 and self.query.ndim == 2
        if not fits or self.query.shape != self.truth.shape or len(self.support) != len(self.query):
            raise ShapeError(
                f"episodes with support {self.support.shape}, query {self.query.shape} and truth "
                f"{self.truth.shape}; give (T, N, K), (T, Q) and (T, Q)"
            )

    def __len__(self) -> int:
        return len(self.support)


def draw_episodes(
    labels: Indices, groups: Indices, drawers: Indices, plan: EpisodePlan, rng: np.random.Generator
) -> Episodes:
    """Draw `plan.n_tasks` episodes; the same generator state gives the same episodes.

    labels, groups, drawers: (n,) class, group and drawer of each picture, any whole numbers.
    Classes with too few pictures take no part. Raises EpisodeError where no such episode exists,
    ShapeError where the lengths differ.
    """
    shelf = _Shelf.of(labels, drawers if plan.distinct_drawers else None)
    pools = _pools(shelf, groups, plan)
    which = rng.integers(len(pools), size=plan.n_tasks)
    pictures = np.empty((plan.n_tasks, plan.n_way, plan.pictures_a_class), np.int64)
    for number, pool in enumerate(pools):
        tasks = np.flatnonzero(which == number)
        places = _choose(np.full(len(tasks), len(pool.classes)), plan.n_way, rng)
        classes = pool.classes[places]  # (tasks, N), positions shuffled
        if plan.distinct_drawers:
            people = _choose(np.full(len(tasks), len(pool.drawers)), plan.pictures_a_class, rng)
            pictures[tasks] = shelf.by_drawer(classes, pool.drawers[people], rng)
        else:
            pictures[tasks] = shelf.any_picture(classes, plan.pictures_a_class, rng)
    return _dealt(pictures, plan, rng)


@dataclass(frozen=True)
class _Shelf:
    """Pictures in order of class and drawer, so that a class's (and a drawer's) lie together.

    order: (n,) picture indices. starts, counts: (classes, drawers) where each pair's pictures
    begin in `order`, and how many they are. Without drawers there is one column.
    """

    order: Indices
    starts: Indices
    counts: Indices

    @classmethod
    def of(cls, labels: Indices, drawers: Indices | None) -> _Shelf:
        drawers = np.zeros(len(labels), np.int64) if drawers is None else drawers
        if len(labels) != len(drawers) or not len(labels):
            raise ShapeError(
                f"got {len(labels)} labels and {len(drawers)} drawers; give one of each a picture"
            )
        _, label = np.unique(labels, return_inverse=True)
        _, drawer = np.unique(drawers, return_inverse=True)
        shape = (int(label.max()) + 1, int(drawer.max()) + 1)
        cell = label * shape[1] + drawer
        counts = np.bincount(cell, minlength=shape[0] * shape[1])
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        order = np.argsort(cell, kind="stable")
        return cls(order, starts.reshape(shape), counts.reshape(shape))

    def by_drawer(self, classes: Indices, people: Indices, rng: np.random.Generator) -> Indices:
        """classes (tasks, N) as drawn by people (tasks, M): pictures (tasks, N, M)."""
        cells = classes[:, :, None], people[:, None, :]
        pictures: Indices = self.order[self.starts[cells] + rng.integers(self.counts[cells])]
        return pictures

    def any_picture(self, classes: Indices, n: int, rng: np.random.Generator) -> Indices:
        """n different pictures of each of classes (tasks, N): (tasks, N, n)."""
        flat = classes.ravel()
        chosen = _choose(self.counts[flat, 0], n, rng)
        pictures: Indices = self.order[self.starts[flat, 0][:, None] + chosen]
        return pictures.reshape(*classes.shape, n)


@dataclass(frozen=True)
class _Pool:
    """Classes that may meet in one episode, and the drawers who drew all of them."""

    classes: Indices
    drawers: Indices


def _pools(shelf: _Shelf, groups: Indices, plan: EpisodePlan) -> list[_Pool]:
    if len(groups) != len(shelf.order):
        raise ShapeError(
            f"got {len(shelf.order)} labels and {len(groups)} groups; give one of each a picture"
        )
    group_of_class = groups[shelf.order[shelf.starts[:, 0]]]
    usable = shelf.counts.sum(axis=1) >= plan.pictures_a_class
    gathered = (
        [np.flatnonzero(usable & (group_of_class == group)) for group in np.unique(group_of_class)]
        if plan.within_group
        else [np.flatnonzero(usable)]
    )
    large = [classes for classes in gathered if len(classes) >= plan.n_way]
    if not large:
        raise EpisodeError(_too_few_classes(plan, max(map(len, gathered)), int((~usable).sum())))
    pools = [
        _Pool(classes, np.flatnonzero((shelf.counts[classes] > 0).all(axis=0))) for classes in large
    ]
    if not plan.distinct_drawers:
        return pools
    complete = [pool for pool in pools if len(pool.drawers) >= plan.pictures_a_class]
    if not complete:
        most = max(len(pool.drawers) for pool in pools)
        raise EpisodeError(
            f"cannot draw episodes by distinct drawers: at most {most} drew every class in play, "
            f"and {plan.pictures_a_class} are needed; do without distinct drawers, lower k_shot or "
            "n_query, or leave the incomplete classes out"
        )
    return complete


def _too_few_classes(plan: EpisodePlan, most: int, left_out: int) -> str:
    where = "the largest group has" if plan.within_group else "there are"
    poor = f" with {plan.pictures_a_class} pictures or more ({left_out} have fewer)"
    remedy = "lower n_way, draw across groups" if plan.within_group else "lower n_way"
    return (
        f"cannot draw {plan.n_way}-way episodes: {where} {most} classes"
        f"{poor if left_out else ''}; {remedy}, or add classes{' or pictures' if left_out else ''}"
    )


def _dealt(pictures: Indices, plan: EpisodePlan, rng: np.random.Generator) -> Episodes:
    """Deal (T, N, shots + rounds) pictures into support and query.

    In each round every class is asked at most once, in random order, so positions stay shuffled.
    """
    rounds = plan.pictures_a_class - plan.k_shot
    tasks = np.full(plan.n_tasks, plan.n_way)
    truth = np.concatenate([_choose(tasks, plan.n_way, rng) for _ in range(rounds)], axis=1)
    truth = truth[:, : plan.n_query]
    shot = plan.k_shot + np.arange(plan.n_query) // plan.n_way
    query = pictures[np.arange(plan.n_tasks)[:, None], truth, shot]
    return Episodes(np.ascontiguousarray(pictures[:, :, : plan.k_shot]), query, truth)


def _choose(sizes: Indices, n: int, rng: np.random.Generator) -> Indices:
    """For each size, n different numbers of 0..size-1 in random order: (len(sizes), n)."""
    result = np.empty((len(sizes), n), np.int64)
    for part in _parts(sizes):
        rows = np.arange(len(sizes[part]))
        deck = np.tile(np.arange(sizes[part].max()), (len(rows), 1))
        for place in range(n):  # the first n steps of Fisher and Yates's shuffle, for all rows
            other = rng.integers(place, sizes[part])
            result[part, place] = deck[rows, other]
            deck[rows, other] = deck[:, place]
    return result


def _parts(sizes: Indices) -> Iterator[slice]:
    if len(sizes):
        step = max(1, DRAW_CELLS // int(sizes.max()))
        yield from (slice(start, start + step) for start in range(0, len(sizes), step))
