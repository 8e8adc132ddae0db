"""Rates over all pairs of some things, when the things are drawn again.

A thing that is drawn twice counts twice: its genuine pairs twice, its impostor pairs with a thing
that is drawn three times six times. A pair inside one thing counts as often as the thing. So
weights on the same sorted distances are enough.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["WeightedPairs"]

Indices = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class WeightedPairs:
    """P pairs: distances (P,), same (P,) bool, and the things (P,) of both pictures of each.

    Things may be wider than what "same" means: alphabets, where characters are told apart.

    A distance that is no number counts as the largest there is. There must be pairs of both kinds.
    """

    distances: npt.NDArray[np.float32]
    same: npt.NDArray[np.bool_]
    first: Indices
    second: Indices

    def __len__(self) -> int:
        return len(self.same)

    def rates(self) -> Float64:
        """(3,) equal error rate, area under the curve, true accepts at 1 % false accepts.

        As in metrics/roc.py, each pair counted once.
        """
        return self._weighted(np.ones(len(self)), *self._order())

    def redrawn_rates(self, repeats: int, rng: np.random.Generator) -> Float64:
        """(repeats, 3): `rates` when as many things are drawn again, with replacement."""
        names, numbered = np.unique(np.concatenate([self.first, self.second]), return_inverse=True)
        first, second = np.split(numbered, 2)
        order = self._order()
        rows: list[Float64] = []
        while len(rows) < repeats:
            times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)))
            if (times > 0).sum() < 2:  # one thing alone has no impostors
                continue
            weights = np.where(first == second, times[first], times[first] * times[second])
            if weights[self.same].any():
                rows.append(self._weighted(weights.astype(np.float64), *order))
        return np.array(rows)

    def accepted(self, threshold: float) -> tuple[float, float]:
        """Shares of genuine and of impostor pairs that `threshold` accepts."""
        accepted = self.distances <= threshold
        return float(accepted[self.same].mean()), float(accepted[~self.same].mean())

    def _order(self) -> tuple[Indices, Indices]:
        """The pairs by distance, and the last place of each group of equal distances."""
        distances = np.where(np.isnan(self.distances), np.inf, self.distances)
        order = np.argsort(distances, kind="stable")
        rising = distances[order]
        last = np.flatnonzero(np.append(rising[1:] != rising[:-1], True))
        return order, last

    def _weighted(self, weights: Float64, order: Indices, last: Indices) -> Float64:
        weights, same = weights[order], self.same[order]
        matched, false = (
            np.concatenate([[0.0], np.cumsum(np.where(side, weights, 0))[last]])
            for side in (same, ~same)
        )
        matched, false = matched / matched[-1], false / false[-1]
        excess = false - (1 - matched)  # rises from -1 to 1
        after = int(np.argmax(excess >= 0))
        share = -excess[after - 1] / (excess[after] - excess[after - 1])
        equal = false[after - 1] + share * (false[after] - false[after - 1])
        area = np.sum(np.diff(false) * (matched[1:] + matched[:-1]) / 2)
        return np.array([equal, area, matched[np.flatnonzero(false <= 0.01)[-1]]])
