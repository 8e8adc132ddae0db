"""Pairs of two different pictures: exactly half of one class, half of two classes.

A batch of n pairs is 2n picture indices: row i and row n + i are twins. Whether they are the same
follows from their labels alone, so that no polarity can be mixed up.
"""

from __future__ import annotations

import numpy as np

from firstsight.errors import DataError
from firstsight.sampling.batches import Indices, UniformBatches, generator_for, rows_by_class

__all__ = ["BalancedPairs", "FixedPairs", "PairPopulation"]


class PairPopulation:
    """Everything that pairs can be drawn from.

    With `groups`, both pictures of every pair come from one group (one alphabet), groups drawn
    uniformly (Koch et al. 2015, section 4.1); without, classes are drawn uniformly from all.
    Raises DataError where no class has two pictures, or no group has two classes.
    """

    def __init__(self, labels: Indices, groups: Indices | None = None) -> None:
        blocks = [np.arange(len(labels))] if groups is None else rows_by_class(groups)
        drawers = [_PairDrawer(labels, np.asarray(rows, dtype=np.int64)) for rows in blocks]
        self._able = [drawer for drawer in drawers if drawer.can_draw]
        if not self._able:
            raise DataError(
                f"no pairs can be drawn from {len(labels)} pictures: wanted two classes in one "
                "group, one of them with two pictures; add class folders or pictures"
            )

    def draw(self, n_pairs: int, rng: np.random.Generator) -> Indices:
        """(2, n_pairs) int64; even columns are same, odd columns different."""
        pairs = np.empty((2, n_pairs), dtype=np.int64)
        which = rng.integers(len(self._able), size=n_pairs)
        for column in range(n_pairs):
            drawer = self._able[which[column]]
            pairs[:, column] = drawer.same(rng) if column % 2 == 0 else drawer.different(rng)
        return pairs


class _PairDrawer:
    """Draws pairs among some rows."""

    def __init__(self, labels: Indices, rows: Indices) -> None:
        present = np.unique(labels[rows], return_inverse=True)[1].astype(np.int64)
        self._classes = [rows[members] for members in rows_by_class(present)]
        self._repeated = [members for members in self._classes if len(members) > 1]
        self.can_draw = len(self._classes) > 1 and bool(self._repeated)

    def same(self, rng: np.random.Generator) -> tuple[int, int]:
        members = self._repeated[rng.integers(len(self._repeated))]
        first, offset = rng.integers(len(members)), rng.integers(1, len(members))
        return int(members[first]), int(members[(first + offset) % len(members)])

    def different(self, rng: np.random.Generator) -> tuple[int, int]:
        first, offset = rng.integers(len(self._classes)), rng.integers(1, len(self._classes))
        a, b = self._classes[first], self._classes[(first + offset) % len(self._classes)]
        return int(a[rng.integers(len(a))]), int(b[rng.integers(len(b))])


class BalancedPairs:
    """Fresh pairs for every step; an epoch is as many pairs as there are pictures."""

    def __init__(
        self, labels: Indices, *, n_pairs: int, seed: int, groups: Indices | None = None
    ) -> None:
        require_even(n_pairs)
        self._population = PairPopulation(labels, groups)
        self._epoch_steps = max(1, len(labels) // n_pairs)
        self._n_pairs, self._seed = n_pairs, seed

    @property
    def epoch_steps(self) -> int:
        return self._epoch_steps

    def at(self, step: int) -> Indices:
        rng = generator_for(self._seed, step)
        return self._population.draw(self._n_pairs, rng).reshape(-1)


class FixedPairs:
    """A pool of pairs drawn once (Koch's 30k, 90k, 150k), shuffled anew each epoch.

    visits: how often an epoch shows each pair; distorted anew each time, nine visits are Koch's
    pairs with eight copies. Same and different pairs are shuffled apart, so that each batch holds
    exactly half of each.
    """

    def __init__(
        self,
        labels: Indices,
        *,
        pool: int,
        n_pairs: int,
        seed: int,
        groups: Indices | None = None,
        visits: int = 1,
    ) -> None:
        require_even(n_pairs)
        require_even(pool)
        pairs = PairPopulation(labels, groups).draw(pool, generator_for(seed))
        self._same, self._different = pairs[:, 0::2], pairs[:, 1::2]
        self._half, n_visits = pool // 2, visits * (pool // 2)
        self._same_order = UniformBatches(n_visits, n_pairs // 2, seed)
        self._different_order = UniformBatches(n_visits, n_pairs // 2, seed + 1)

    @property
    def epoch_steps(self) -> int:
        return self._same_order.epoch_steps

    def at(self, step: int) -> Indices:
        same = self._same[:, self._same_order.at(step) % self._half]
        different = self._different[:, self._different_order.at(step) % self._half]
        return np.concatenate([same, different], axis=1).reshape(-1)


def require_even(n_pairs: int) -> None:
    if n_pairs < 2 or n_pairs % 2:
        raise DataError(
            f"{n_pairs} pairs were asked for; wanted an even number from 2, "
            "so that exactly half can be the same"
        )
