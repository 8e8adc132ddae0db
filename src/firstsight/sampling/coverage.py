"""What a sampler really shows: how many of the pictures and classes, and how often."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstsight.sampling.batches import BatchSource, Indices

__all__ = ["Coverage", "coverage"]


@dataclass(frozen=True)
class Coverage:
    """Of `n_pictures` pictures and `n_classes` classes, those seen in `steps` batches.

    most_often: how many times the picture seen most came up.
    """

    steps: int
    n_pictures: int
    n_classes: int
    pictures_seen: int
    classes_seen: int
    most_often: int

    def told(self, epoch_steps: int) -> str:
        """In a sentence."""
        span = f"an epoch ({epoch_steps:,} steps) shows"
        if self.steps < epoch_steps:
            span = f"the first {self.steps:,} of an epoch's {epoch_steps:,} steps show"
        often = "once" if self.most_often == 1 else f"up to {self.most_often} times"
        return (
            f"{span} {self.pictures_seen:,} of {self.n_pictures:,} pictures, {often} each, and "
            f"{self.classes_seen:,} of {self.n_classes:,} classes"
        )


def coverage(source: BatchSource, labels: Indices, *, steps: int) -> Coverage:
    """Draw the first `steps` batches and count. labels: (N,) class of each picture."""
    times = np.zeros(len(labels), np.int64)
    for step in range(steps):
        np.add.at(times, source.at(step), 1)
    seen = times > 0
    return Coverage(
        steps=steps,
        n_pictures=len(labels),
        n_classes=len(np.unique(labels)),
        pictures_seen=int(seen.sum()),
        classes_seen=len(np.unique(labels[seen])),
        most_often=int(times.max(initial=0)),
    )
