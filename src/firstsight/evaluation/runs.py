"""The 20 runs of Lake, Salakhutdinov and Tenenbaum 2015 (the protocol `lake2015`)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.data.manifest import Archives
from firstsight.data.omniglot import Run
from firstsight.errors import DataError
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.episodes import score
from firstsight.evaluation.scorecard import Scorecard
from firstsight.images.preprocess import Preprocessing
from firstsight.metrics.intervals import wilson
from firstsight.sampling.episodes import Episodes
from firstsight.similarity import Head

__all__ = ["PackedRuns", "lake2015", "pack_runs"]


def lake2015(
    embed: Embed, head: Head, runs: Sequence[Run], preprocessing: Preprocessing
) -> Scorecard:
    """Error rate on the 20 runs (PROTOCOLS.md, section 2): errors / 400, Wilson's interval.

    Each query is answered by itself. Ties cost what guessing costs, so errors may be fractional.
    """
    return pack_runs(runs, preprocessing).judge(embed, head)


@dataclass(frozen=True, eq=False)
class PackedRuns:
    """The runs' pictures (n, H, W, C) and one episode a run, pointing at them."""

    pixels: npt.NDArray[np.uint8]
    episodes: Episodes
    names: tuple[str, ...]

    def judge(self, embed: Embed, head: Head) -> Scorecard:
        return self.scorecard(score(self.episodes, embed_all(embed, self.pixels), head))

    def scorecard(self, right: npt.NDArray[np.float64]) -> Scorecard:
        """From what each answer was worth, (runs, queries) in 0..1."""
        # fsum: twenty answers worth 1/20 must make exactly one, so that chance shows as chance.
        answered = math.fsum(right.ravel())
        low, high = wilson(answered, right.size)
        data = hashlib.sha256(np.ascontiguousarray(self.pixels).tobytes())
        data.update(np.ascontiguousarray(self.episodes.truth).tobytes())
        errors = {
            name: len(row) - math.fsum(row) for name, row in zip(self.names, right, strict=True)
        }
        return Scorecard(
            protocol="lake2015",
            measure="error_rate",
            value=(right.size - answered) / right.size,
            interval=(1 - high, 1 - low),
            n=right.size,
            seed=None,
            data_name="omniglot:runs",
            data_fingerprint=data.hexdigest(),
            details={"errors": right.size - answered, "errors_by_run": errors},
        )


def pack_runs(runs: Sequence[Run], preprocessing: Preprocessing) -> PackedRuns:
    """Read and preprocess all pictures; PictureError where one cannot be read."""
    if not runs:
        raise DataError("there are no runs to judge by; read them with read_runs()")
    sources = [source for run in runs for source in (*run.support, *run.query)]
    with Archives() as archives:
        pixels = np.stack(
            [preprocessing.pixels(archives.read(each), name=each.name) for each in sources]
        )
    n_support, n_query = len(runs[0].support), len(runs[0].query)
    index = np.arange(len(sources)).reshape(len(runs), n_support + n_query)
    truth = np.stack([run.truth for run in runs])
    episodes = Episodes(index[:, :n_support, None], index[:, n_support:], truth)
    return PackedRuns(pixels, episodes, tuple(run.name for run in runs))
