"""What needs no learning: the floor under every figure, and a check of the loader.

Raw pixels and Hausdorff distance have known scores on the 20 runs: other figures mean pictures
that were inverted, cropped, resized or mislabelled while they were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.data.omniglot import Run, read_runs
from firstsight.evaluation.episodes import worth
from firstsight.evaluation.hausdorff import Ink, modified_hausdorff
from firstsight.evaluation.runs import lake2015, pack_runs
from firstsight.evaluation.scorecard import Scorecard
from firstsight.images.preprocess import Preprocessing
from firstsight.similarity import Cosine

__all__ = [
    "LoaderCheck",
    "embed_constant",
    "embed_raw_pixels",
    "hausdorff_lake2015",
    "loader_checks",
]

Pixels = npt.NDArray[np.uint8]

FULL_SIZE = Preprocessing(size=105)


def embed_constant(pixels: Pixels) -> npt.NDArray[np.float32]:
    """The same point for every picture (N, 1): must score chance."""
    return np.ones((len(pixels), 1), np.float32)


def embed_raw_pixels(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Ink, 1 - pixels / 255, in one row a picture: (N, H*W*C) in 0..1. Compare by cosine."""
    paper = pixels.reshape(len(pixels), -1).astype(np.float32) / np.float32(255)
    return np.float32(1) - paper


def hausdorff_lake2015(runs: Sequence[Run], preprocessing: Preprocessing = FULL_SIZE) -> Scorecard:
    """The 20 runs by modified Hausdorff distance of centred ink, as in Lake's demo (38.75 %)."""
    packed = pack_runs(runs, preprocessing)
    ink = [Ink.of(picture) for picture in packed.pixels]
    episodes = packed.episodes
    right = np.empty(episodes.query.shape)
    for run, (support, query) in enumerate(
        zip(episodes.support[:, :, 0], episodes.query, strict=True)
    ):
        distances = [[modified_hausdorff(ink[q], ink[s]) for s in support] for q in query]
        right[run] = worth(np.array(distances), episodes.truth[run])
    return packed.scorecard(right)


@dataclass(frozen=True)
class LoaderCheck:
    """An error rate on the 20 runs that reading the pictures rightly must give."""

    method: str
    expected_percent: float
    tolerance_percent: float
    measured_percent: float

    @property
    def passed(self) -> bool:
        return abs(self.measured_percent - self.expected_percent) <= self.tolerance_percent

    def __str__(self) -> str:
        verdict = "as expected" if self.passed else "NOT as expected: check how pictures are read"
        return (
            f"{self.method}: {self.measured_percent:.2f} % error on the 20 runs, expected "
            f"{self.expected_percent:g} within {self.tolerance_percent:g} ({verdict})"
        )


def loader_checks(runs: Sequence[Run] | None = None) -> tuple[LoaderCheck, ...]:
    """Measure both known figures at full size; takes some seconds.

    Expected: modified Hausdorff 38.75; raw pixels by cosine, published between 78.3 and 81.0.
    """
    runs = read_runs() if runs is None else runs
    raw_pixels = lake2015(embed_raw_pixels, Cosine(), runs, FULL_SIZE)
    hausdorff = hausdorff_lake2015(runs)
    return (
        LoaderCheck("modified Hausdorff distance", 38.75, 0.3, 100 * hausdorff.value),
        LoaderCheck("raw pixels by cosine", 78.25, 0.3, 100 * raw_pixels.value),
    )
