"""Learning rate and momentum as pure functions of the step: nothing to save or restore."""

from __future__ import annotations

import math
from collections.abc import Callable

from firstsight.learning.recipes.schema.optimiser import Schedule

__all__ = ["momentum_at", "rate_factor"]


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


def momentum_at(schedule: Schedule, *, goal: float, epoch: int) -> float:
    """From the schedule's start in a straight line to `goal`, an epoch at a time (Koch et al. 2015,
    section 3.2)."""
    assert schedule.momentum_start is not None
    share = min(1.0, epoch / schedule.momentum_epochs)
    return schedule.momentum_start + share * (goal - schedule.momentum_start)
