"""Exponential moving average of the weights, with a start that forgets the random ones."""

from __future__ import annotations

from typing import cast

import torch
from lightning.pytorch.callbacks import WeightAveraging
from torch import Tensor

from firstsight.learning.training.module import TwinTraining

__all__ = ["MovingAverage"]


class MovingAverage(WeightAveraging):
    """Validates, saves and exports the average; batch-norm statistics are averaged with it.

    The decay at update t is min(decay, (1 + t) / (10 + t)), so that a short training is not held
    back by its first weights.
    """

    def __init__(self, decay: float) -> None:
        def average(means: list[Tensor], current: list[Tensor], updates: Tensor | int) -> None:
            t = float(updates)
            if means[0].is_floating_point():
                torch._foreach_lerp_(means, current, 1 - min(decay, (1 + t) / (10 + t)))
            else:  # batch-norm counters
                torch._foreach_copy_(means, current)

        super().__init__(use_buffers=True, multi_avg_fn=average)

    def averaged(self, module: TwinTraining) -> TwinTraining:
        """The module with averaged weights; `module` itself before there is an average."""
        average = self._average_model
        return module if average is None else cast(TwinTraining, average.module)
