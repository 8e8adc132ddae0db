"""Which pictures make up training batch number `step`: a pure function of seed and step.

Nothing here keeps state between batches, so a training that is resumed at step 700 sees exactly
the pictures it would have seen without the interruption.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import DataError

Indices = NDArray[np.int64]

__all__ = [
    "BatchSource",
    "ClassBatches",
    "EpisodeBatches",
    "HalfGroupBatches",
    "UniformBatches",
    "generator_for",
]


class BatchSource(Protocol):
    """Gives the picture indices of any step, (B,) int64."""

    @property
    def epoch_steps(self) -> int:
        """Batches until every picture (or class, or pair) has had its turn once."""
        ...

    def at(self, step: int) -> Indices: ...


def generator_for(seed: int, *place: int) -> np.random.Generator:
    """A generator of its own for each place (epoch, step, ...), independent of all others."""
    return np.random.default_rng([seed, *place])


@dataclass(frozen=True)
class UniformBatches:
    """Every picture once an epoch, in shuffled order; the ragged last batch is left out."""

    n_pictures: int
    size: int
    seed: int
    _order: dict[int, Indices] = field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.n_pictures < self.size:
            raise DataError(
                f"a batch of {self.size} pictures was asked for, but only {self.n_pictures} are "
                "there; lower batches.size or add pictures"
            )

    @property
    def epoch_steps(self) -> int:
        return self.n_pictures // self.size

    def at(self, step: int) -> Indices:
        epoch, position = divmod(step, self.epoch_steps)
        return self._shuffled(epoch)[position * self.size : (position + 1) * self.size]

    def _shuffled(self, epoch: int) -> Indices:
        if epoch not in self._order:
            self._order.clear()
            order = generator_for(self.seed, epoch).permutation(self.n_pictures)
            self._order[epoch] = order.astype(np.int64)
        return self._order[epoch]


class ClassBatches:
    """P classes x K different pictures of each (FaceNet, section 3.2).

    Each class comes up once an epoch; classes with fewer than K pictures have some repeated.
    """

    def __init__(self, labels: Indices, *, n_classes: int, n_pictures: int, seed: int) -> None:
        self._rows = rows_by_class(labels)
        if len(self._rows) < n_classes:
            raise DataError(
                f"a batch of {n_classes} classes was asked for, but only {len(self._rows)} are "
                "there; lower batches.n_classes or add class folders"
            )
        self._n_classes, self._n_pictures, self._seed = n_classes, n_pictures, seed
        self._class_order = UniformBatches(len(self._rows), n_classes, seed)

    @property
    def epoch_steps(self) -> int:
        return self._class_order.epoch_steps

    def at(self, step: int) -> Indices:
        rng = generator_for(self._seed, step, 1)
        chosen = [
            draw_different(self._rows[label], self._n_pictures, rng)
            for label in self._class_order.at(step)
        ]
        return np.concatenate(chosen)


class EpisodeBatches:
    """Training episodes (Snell et al. 2017, algorithm 1): all support pictures, class by class,
    then all queries, class by class; no picture twice.

    Each class comes up once an epoch; classes with fewer than k_shot + n_query pictures never do.
    """

    def __init__(
        self, labels: Indices, *, n_way: int, k_shot: int, n_query: int, seed: int
    ) -> None:
        self._k_shot, self._each, self._seed = k_shot, k_shot + n_query, seed
        self._rows = [rows for rows in rows_by_class(labels) if len(rows) >= self._each]
        if len(self._rows) < n_way:
            raise DataError(
                f"episodes of {n_way} classes by {self._each} pictures were asked for, but only "
                f"{len(self._rows)} classes have so many; lower batches.n_way, k_shot or n_query, "
                "or add pictures"
            )
        self._class_order = UniformBatches(len(self._rows), n_way, seed)

    @property
    def epoch_steps(self) -> int:
        return self._class_order.epoch_steps

    def at(self, step: int) -> Indices:
        rng = generator_for(self._seed, step, 3)
        drawn = np.stack(
            [
                draw_different(self._rows[which], self._each, rng)
                for which in self._class_order.at(step)
            ]
        )
        support, query = drawn[:, : self._k_shot], drawn[:, self._k_shot :]
        return np.concatenate([support.ravel(), query.ravel()])


class HalfGroupBatches:
    """Half of each batch from one group (alphabet), half from everywhere.

    The classes a picture is hardest to tell from are its own alphabet's; a uniform batch holds
    few of them. Groups come up in proportion to their pictures.
    """

    def __init__(self, groups: Indices, *, size: int, seed: int) -> None:
        self._groups, self._size, self._seed = groups, size, seed
        self._everywhere = UniformBatches(len(groups), size - size // 2, seed)
        self._members = rows_by_class(groups)

    @property
    def epoch_steps(self) -> int:
        return self._everywhere.epoch_steps

    def at(self, step: int) -> Indices:
        rng = generator_for(self._seed, step, 2)
        group = self._groups[rng.integers(len(self._groups))]
        inside = draw_different(self._members[int(group)], self._size // 2, rng)
        return np.concatenate([self._everywhere.at(step), inside])


def rows_by_class(labels: Indices) -> list[Indices]:
    """Row numbers of each class 0..C-1, each in rising order."""
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    return [rows.astype(np.int64) for rows in np.split(order, np.cumsum(counts)[:-1])]


def draw_different(rows: Indices, n: int, rng: np.random.Generator) -> Indices:
    """`n` of `rows`, none twice as long as there are enough of them."""
    whole, rest = divmod(n, len(rows))
    return np.concatenate([np.tile(rows, whole), rng.permutation(rows)[:rest]])
