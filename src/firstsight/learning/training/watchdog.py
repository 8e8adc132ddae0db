"""Names a collapse in plain words while there is still time to stop."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from firstsight.learning.networks.heads import HeadModule

__all__ = ["Watchdog", "distance_spread"]


@torch.no_grad()
def distance_spread(embeddings: Tensor, head: HeadModule) -> float:
    """Standard deviation of the distances between pictures half a batch apart; (B, D).

    0 where everything is mapped to one point, whatever the head: it cannot tell anything apart.
    """
    half = len(embeddings) // 2
    if half < 2:
        return 1.0
    embeddings = embeddings.detach().float()
    return float(head(embeddings[:half], embeddings[half : 2 * half]).std())


@dataclass
class Watchdog:
    """Looks at the batches and says, once, what has gone wrong.

    smallest_spread: below this, all distances count as one and the same.
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
                f"(distances spread by {spread:.1e}); the loss can fall no further than a "
                "constant answer. Lower optimiser.lr, raise the margin, "
                "or start with semi_hard mining",
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
