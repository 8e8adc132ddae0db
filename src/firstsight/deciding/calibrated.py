"""What a model knows about its own distances, from classes it never saw in training.

It travels in model.json, distances at six digits and margins at four: the probability that two
pictures are the same, thresholds for `verify` at stated false-match rates, and trials of
identification at several gallery sizes, from which thresholds and probabilities follow while a
gallery is too small to give its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.deciding.trials import BothSides, Float64, Indices, Trials
from firstsight.errors import FirstsightError, ModelFolderError
from firstsight.metrics.calibration import Calibration
from firstsight.metrics.intervals import Interval

__all__ = ["Calibrated", "Operating", "Pool", "SizedTrials"]

VERSION = 1


@dataclass(frozen=True)
class Operating:
    """One threshold of `verify`.

    false_matches: the false-match rate it was set for, per impostor pair; interval: 95 %, by
    thing. misses: share of genuine pairs beyond it.
    """

    false_matches: float
    threshold: float
    interval: Interval
    misses: float

    def to_json(self) -> dict[str, Any]:
        return {
            "false_matches": self.false_matches,
            "threshold": self.threshold,
            "interval": list(self.interval),
            "misses": self.misses,
        }

    @classmethod
    def from_json(cls, record: object) -> Operating:
        names = ("false_matches", "threshold", "interval", "misses")
        fields = _exactly(record, names)
        numbers = _numbers([fields["threshold"]], (1,))
        shares = _numbers([fields["false_matches"], fields["misses"], *fields["interval"]], (4,))
        if shares.min() < 0 or shares.max() > 1 or shares[2] > shares[3]:
            raise ValueError(f"the verify row {record!r} holds no rates")
        return cls(float(shares[0]), float(numbers[0]), _pair(shares[2:]), float(shares[1]))


@dataclass(frozen=True, eq=False)
class Pool:
    """R trials, each at S gallery sizes with one photo a thing.

    thing, cluster: (R,) the class asked about, and which classes are drawn together. distance,
    margin: (R, S) as in Trials; margin is NaN at size 1. right: (R, S).
    """

    thing: Indices
    cluster: Indices
    distance: Float64
    margin: Float64
    right: npt.NDArray[np.bool_]

    def at(self, column: int) -> Trials:
        return Trials.of_things(
            self.distance[:, column],
            self.margin[:, column],
            self.right[:, column],
            self.thing,
            self.cluster,
        )

    def to_json(self) -> dict[str, Any]:
        """Columns of one gallery size each; `right` as a text of 0 and 1."""
        return {
            "thing": self.thing.tolist(),
            "cluster": self.cluster.tolist(),
            "distance": [rounded(column) for column in self.distance.T],
            "margin": [rounded(column, digits=4) for column in self.margin.T],
            "right": ["".join("01"[int(value)] for value in column) for column in self.right.T],
        }

    @classmethod
    def from_json(cls, record: object, n_sizes: int) -> Pool:
        fields = _exactly(record, ("thing", "cluster", "distance", "margin", "right"))
        n = len(fields["thing"])
        thing = _numbers(fields["thing"], (n,)).astype(np.int64)
        cluster = _numbers(fields["cluster"], (n,)).astype(np.int64)
        if not n or min(thing.min(), cluster.min()) < 0:
            raise ValueError("a pool of trials is empty or names a class below 0")
        margin = np.full((n_sizes, n), np.nan)
        if n_sizes > 1:
            margin[1:] = _numbers(fields["margin"][1:], (n_sizes - 1, n))
        if margin[1:].min(initial=0) < 0 or fields["margin"][0] != [None] * n:
            raise ValueError("a margin is below 0, or there is a runner-up in a gallery of one")
        flags = [list(text) for text in fields["right"]]
        if np.shape(flags) != (n_sizes, n) or not set().union(*flags) <= {"0", "1"}:
            raise ValueError("the rightness of trials is no text of 0 and 1 for each size")
        distance = _numbers(fields["distance"], (n_sizes, n))
        return cls(thing, cluster, distance.T, margin.T, (np.array(flags) == "1").T)


@dataclass(frozen=True, eq=False)
class SizedTrials:
    """Trials as at a gallery of some size.

    ratio: how many times larger that gallery is than the largest that was tried; 1 within.
    At `ratio` > 1 the trials are those of the largest, and a share f of false accepts there means
    1 - (1 - f)^ratio: an extrapolation, as if each further part of the gallery were as likely to
    hold something near, on its own account.
    """

    trials: BothSides
    ratio: float

    def shifted(self, by: float) -> SizedTrials:
        """The same with every distance moved: for a rule whose distances are larger or smaller."""
        sides = (
            replace(side, distance=side.distance + by)
            for side in (self.trials.strangers, self.trials.enrolled)
        )
        return SizedTrials(BothSides(*sides), self.ratio)

    def scaled(self, share: float) -> float:
        return float(1 - (1 - share) ** self.ratio)

    def unscaled(self, share: float) -> float:
        return float(1 - (1 - share) ** (1 / self.ratio))


@dataclass(frozen=True, eq=False)
class Calibrated:
    """verify: P(same) at even odds. table: of rising false-match rates, at least one.

    sharpness: by how much a unit of distance lowers the log odds that a thing of a gallery is the
    right one (shares.py); the slope of `verify` is that for pairs of all things taken together,
    easy and hard ones, and mostly less.
    sizes: gallery sizes that strangers and enrolled were tried at, rising from 1. fitted_on: the
    data's name and fingerprint, how many classes and pictures, the seed; for a person to read.
    """

    verify: Calibration
    table: tuple[Operating, ...]
    sharpness: float
    sizes: tuple[int, ...]
    strangers: Pool
    enrolled: Pool
    fitted_on: dict[str, Any]

    @property
    def tells_things_apart(self) -> bool:
        """Whether the same is nearer than the different at all."""
        return self.verify.slope < 0 < self.sharpness

    def at_size(self, size: int) -> SizedTrials:
        """Trials as at a gallery of `size` photos, each of another thing; size >= 1.

        Between two sizes tried, both sizes' trials count, by how near they are in log size. The
        rate of false accepts bends upwards there, so this errs to the safe side (by a tenth at
        most, on the steps 1, 2, 5).
        """
        after = int(np.searchsorted(self.sizes, size))
        if after == len(self.sizes):
            ratio = size / self.sizes[-1]
            return SizedTrials(BothSides(self.strangers.at(-1), self.enrolled.at(-1)), ratio)
        if self.sizes[after] == size:
            return SizedTrials(BothSides(self.strangers.at(after), self.enrolled.at(after)), 1.0)
        low, high = self.sizes[after - 1], self.sizes[after]
        share = float(np.log(size / low) / np.log(high / low))
        sides = (
            _mixed(pool.at(after - 1), pool.at(after), share)
            for pool in (self.strangers, self.enrolled)
        )
        return SizedTrials(BothSides(*sides), 1.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "verify": self.verify.to_json(),
            "table": [row.to_json() for row in self.table],
            "sharpness": self.sharpness,
            "sizes": list(self.sizes),
            "strangers": self.strangers.to_json(),
            "enrolled": self.enrolled.to_json(),
            "fitted_on": self.fitted_on,
        }

    @classmethod
    def from_json(cls, record: object) -> Calibrated:
        """Raises ModelFolderError for anything that `to_json` does not write."""
        try:
            return cls._read(record)
        except (FirstsightError, ValueError, TypeError, KeyError, IndexError) as flaw:
            raise ModelFolderError(
                f"the model's calibration is damaged ({str(flaw)[:200]}); "
                "calibrate the model again: firstsight calibrate MODEL --data FOLDER"
            ) from flaw

    @classmethod
    def _read(cls, record: object) -> Calibrated:
        names = ("version", "verify", "table", "sizes", "strangers", "enrolled", "fitted_on")
        if isinstance(record, Mapping) and "sharpness" not in record:  # as until November 2026
            fields = dict(_exactly(record, names))
            fields["sharpness"] = max(0.0, -Calibration.from_json(fields["verify"]).slope)
        else:
            fields = dict(_exactly(record, (*names, "sharpness")))
        if fields["version"] != VERSION:
            raise ValueError(f"version {fields['version']!r}, wanted {VERSION}")
        table = tuple(map(Operating.from_json, fields["table"]))
        rates = [row.false_matches for row in table]
        if not rates or sorted(set(rates)) != rates:
            raise ValueError("the table's false-match rates do not rise")
        sizes = fields["sizes"]
        whole = isinstance(sizes, list) and all(type(size) is int for size in sizes)
        if not whole or sizes[:1] != [1] or sorted(set(sizes)) != sizes:
            raise ValueError("the gallery sizes do not rise from 1")
        if not isinstance(fields["fitted_on"], dict):
            raise ValueError("fitted_on is no object")
        sharpness = float(_numbers([fields["sharpness"]], (1,))[0])
        if sharpness < 0:
            raise ValueError(f"the sharpness is {sharpness:g}, below 0")
        return cls(
            Calibration.from_json(fields["verify"]),
            table,
            sharpness,
            tuple(sizes),
            Pool.from_json(fields["strangers"], len(sizes)),
            Pool.from_json(fields["enrolled"], len(sizes)),
            dict(fields["fitted_on"]),
        )


def rounded(numbers: npt.ArrayLike, *, digits: int = 6) -> list[float | None]:
    """To so many significant digits, NaN as None."""
    return [
        None if number != number else float(f"{number:.{digits}g}")
        for number in np.asarray(numbers, np.float64).tolist()
    ]


def _mixed(low: Trials, high: Trials, share: float) -> Trials:
    """Both, `share` of the weight on the second; a cluster here is the same cluster there."""
    return Trials(
        np.concatenate([low.distance, high.distance]),
        np.concatenate([low.margin, high.margin]),
        np.concatenate([low.right, high.right]),
        np.concatenate([low.weight * (1 - share), high.weight * share]),
        np.concatenate([low.cluster, high.cluster]),
    )


def _exactly(record: object, names: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(record, Mapping) or set(record) != set(names):
        found = sorted(map(str, record)) if isinstance(record, Mapping) else type(record).__name__
        raise ValueError(f"found {found}, wanted the keys {sorted(names)}")
    return record


def _numbers(values: object, shape: tuple[int, ...]) -> Float64:
    """Finite numbers of that shape; texts and truth values are none."""
    numbers = np.array(values)
    if numbers.shape != shape or numbers.dtype.kind not in "if" or not np.isfinite(numbers).all():
        raise ValueError(f"wanted finite numbers of shape {shape}, got {numbers.shape}")
    return numbers.astype(np.float64)


def _pair(numbers: Float64) -> Interval:
    return float(numbers[0]), float(numbers[1])
