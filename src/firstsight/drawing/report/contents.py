"""What a report is made from: figures, distances and pictures, all measured before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from firstsight.data.packed import PackedPictures
from firstsight.drawing.report.telling_apart import Sides
from firstsight.evaluation.atlas import Atlas
from firstsight.evaluation.kshot import KShotCurve
from firstsight.evaluation.looking import Lookalikes, Neighbourhood
from firstsight.evaluation.scorecard import Scorecard
from firstsight.metrics.calibration import ReliabilityBin
from firstsight.model.info import ModelInfo

__all__ = ["Finding", "Report", "Scored", "Shown"]

Scored = tuple[str, Scorecard]  # who was judged, and the figure


@dataclass(frozen=True)
class Finding:
    """A sentence about the data: all is well, something is wrong, or it could not be looked at."""

    level: Literal["well", "wrong", "open"]
    sentence: str


@dataclass(frozen=True, eq=False)
class Shown:
    """What the pictures themselves show.

    sides: distances of the verification pairs by who was judged, the model first. thresholds:
    what their verdicts were given at; both empty where there are too few things for such pairs.
    reliability: empty then, and where the model has no calibration.
    """

    sides: Mapping[str, Sides]
    thresholds: Sequence[float]
    reliability: Sequence[ReliabilityBin]
    around: Neighbourhood
    lookalikes: Sequence[Lookalikes]
    atlas: Atlas
    curve: KShotCurve | None


@dataclass(frozen=True, eq=False)
class Report:
    """One model judged by one set of pictures.

    results: by protocol, the model first and then its baselines on the same trials; `verification`
    is among them where there are things enough. audit: what is known of the data. warnings: why a
    figure may be too good.
    """

    model: ModelInfo
    pictures: PackedPictures
    results: Mapping[str, Sequence[Scored]]
    shown: Shown
    audit: Sequence[Finding]
    warnings: Sequence[str]

    @property
    def card(self) -> Scorecard:
        """The model's own verification figure, or else its first: the provenance of what has none
        of its own."""
        rows = self.results.get("verification") or next(iter(self.results.values()))
        return rows[0][1]
