"""The learning rate as a pure function of the step: nothing to save, nothing to restore."""

from __future__ import annotations

import math
from collections.abc import Callable

from firstsight.learning.recipes.schema import Schedule

__all__ = ["rate_factor"]


def rate_factor(schedule: Schedule, *, steps: int, epoch_steps: int) -> Callable[[int], float]:
    """Step number (from 0) to the share of the recipe's learning rate."""
    warmup = round(schedule.warmup_share * steps)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        if schedule.kind == "cosine":
            progress = min(1.0, (step - warmup) / max(1, steps - warmup))
            wave = (1 + math.cos(math.pi * progress)) / 2
            return schedule.final_share + (1 - schedule.final_share) * wave
        if schedule.kind == "decay":
            return float(schedule.decay_per_epoch ** (step // epoch_steps))
        return 1.0

    return factor
