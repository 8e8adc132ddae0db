"""Names a collapse in plain words while there is still time to stop."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch.nn.functional as F
from torch import Tensor

__all__ = ["Watchdog", "embedding_spread"]


def embedding_spread(embeddings: Tensor) -> float:
    """One minus the mean cosine between different pictures of a batch; (B, D).

    0: all pictures get one direction; about 1: directions spread over the whole sphere.
    """
    directions = F.normalize(embeddings.detach().float())
    n = len(directions)
    if n < 2:
        return 1.0
    total = directions.sum(0).square().sum()
    return float(1 - (total - n) / (n * (n - 1)))


@dataclass
class Watchdog:
    """Looks at the batches and says, once, what has gone wrong.

    smallest_spread: below this the embeddings count as one point.
    patience: looks in a row before it speaks; the first steps of a network are often narrow.
    """

    smallest_spread: float = 1e-3
    patience: int = 5
    _narrow: int = field(default=0, init=False)
    _idle: int = field(default=0, init=False)
    _said: set[str] = field(default_factory=set, init=False)

    def look(self, spread: float, active_triplets: float | None) -> str | None:
        """A sentence, the first time a trouble has lasted `patience` looks; else None."""
        self._narrow = self._narrow + 1 if spread < self.smallest_spread else 0
        idle = active_triplets is not None and active_triplets == 0
        self._idle = self._idle + 1 if idle else 0
        if self._narrow >= self.patience:
            return self._once(
                "collapse",
                "collapse: every picture is mapped to nearly the same point "
                f"(spread {spread:.1e}); the loss can fall no further than a constant answer. "
                "Lower optimiser.lr, raise the margin, or start with semi_hard mining",
            )
        if self._idle >= self.patience:
            return self._once(
                "idle",
                "no triplet costs anything any more: this mining has nothing left to teach; "
                "raise loss.margin or use loss.mining 'hard'",
            )
        return None

    def _once(self, trouble: str, sentence: str) -> str | None:
        if trouble in self._said:
            return None
        self._said.add(trouble)
        return sentence
