"""The record of an estimate: what a gallery's answers rest on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Literal, cast, get_args

from firstsight.deciding.combining import RULES, Rule
from firstsight.deciding.likelihood import LikelyRight
from firstsight.deciding.shares import COMPARED
from firstsight.deciding.thresholds import Rate
from firstsight.errors import GalleryError
from firstsight.metrics.intervals import Interval

__all__ = ["FORMAT", "Basis", "Estimate"]

FORMAT = 4  # of `to_json`: what was kept in another is estimated anew
ROUNDING = 1e-9  # that a share may lie beyond 0 and 1 by

Basis = Literal["gallery", "model", "none"]


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What to expect of `identify` in one gallery of n_things and n_photos.

    rule: how the photos of a thing combine. accuracies: share of this gallery's own photos, each
    left out in turn, that each rule named rightly and found nearer than a stranger; None where too
    few things have two photos.
    rule_kept: why this rule, in a clause.
    target: wanted FPIR. basis: whose trials the threshold comes from; "none": there is none.
    threshold, threshold_interval: nearest distances up to the threshold are given a name.
    false_accepts: FPIR, of pictures of strangers; misses: FNIR, of pictures of enrolled things.
    misses_basis, likely_right_basis: whose trials those are from.
    seen_here: FPIR that this gallery's own things, as strangers and with copies seen past
    (copies.py), show at the model's threshold, and false_accepts covers its interval; None where
    the threshold is the gallery's, or there is a single thing: then false_accepts is on_average,
    and this gallery may differ.
    on_average: FPIR at the model's threshold, as the mean over galleries of things like those the
    model was calibrated on; None where the threshold is the gallery's, or was lowered for it.
    likely_right: P(the name given is right), at even odds of stranger and enrolled; None where
    nothing is known, or where shares tell it: of things unlike those that the model was calibrated
    on, which cannot speak for themselves yet.
    sharpness: by how much a unit of distance lowers the log odds of "the same", for shares in a
    closed set (shares.py); sharpness_basis: whose photos say so. offset: those odds at distance 0,
    where shares tell the probability; else None.
    kept: why this threshold, in a sentence; it names the remedy where there is none.
    """

    rule: Rule
    accuracies: Mapping[Rule, float] | None
    rule_kept: str
    target: float
    n_things: int
    n_photos: int
    n_verdicts: int
    basis: Basis
    threshold: float | None
    threshold_interval: Interval | None
    false_accepts: Rate | None
    misses: Rate | None
    misses_basis: Basis
    seen_here: Rate | None
    on_average: Rate | None
    likely_right: LikelyRight | None
    likely_right_basis: Basis
    sharpness: float | None
    sharpness_basis: Basis
    offset: float | None
    kept: str

    @property
    def n_compared(self) -> int:
        """How many of the nearest things `decide` wants to know of."""
        return 2 if self.offset is None else COMPARED

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, texts and lists; a rate is [rate, low, high]."""
        record = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("false_accepts", "misses", "seen_here", "on_average"):
            rate = record[name]
            record[name] = None if rate is None else [rate.rate, *rate.interval]
        record["accuracies"] = None if self.accuracies is None else dict(self.accuracies)
        record["threshold_interval"] = self.threshold_interval and list(self.threshold_interval)
        record["likely_right"] = self.likely_right and self.likely_right.to_json()
        return record

    @classmethod
    def from_json(cls, record: object) -> Estimate:
        """Raises GalleryError for anything that `to_json` does not write."""
        try:
            return cls._read(record)
        except (ValueError, TypeError, KeyError) as flaw:
            raise GalleryError(
                f"the gallery's kept estimate is damaged ({str(flaw)[:200]}); estimate it again"
            ) from flaw

    @classmethod
    def _read(cls, record: object) -> Estimate:
        if not isinstance(record, Mapping) or set(record) != {field.name for field in fields(cls)}:
            raise ValueError("its keys are not those of an estimate")
        accuracies, likely_right = record["accuracies"], record["likely_right"]
        return cls(
            rule=_rule(record["rule"]),
            accuracies=accuracies and {_rule(key): _share(accuracies[key]) for key in accuracies},
            rule_kept=str(record["rule_kept"]),
            target=_share(record["target"]),
            n_things=_count(record["n_things"]),
            n_photos=_count(record["n_photos"]),
            n_verdicts=_count(record["n_verdicts"]),
            basis=_basis(record["basis"]),
            threshold=_number_or_none(record["threshold"]),
            threshold_interval=_interval_or_none(record["threshold_interval"]),
            false_accepts=_rate_or_none(record["false_accepts"]),
            misses=_rate_or_none(record["misses"]),
            misses_basis=_basis(record["misses_basis"]),
            seen_here=_rate_or_none(record["seen_here"]),
            on_average=_rate_or_none(record["on_average"]),
            likely_right=None if likely_right is None else LikelyRight.from_json(likely_right),
            likely_right_basis=_basis(record["likely_right_basis"]),
            sharpness=_number_or_none(record["sharpness"]),
            sharpness_basis=_basis(record["sharpness_basis"]),
            offset=_number_or_none(record["offset"]),
            kept=str(record["kept"]),
        )


def _rule(value: object) -> Rule:
    if value not in RULES:
        raise ValueError(f"{value!r} is no rule")
    return value


def _basis(value: object) -> Basis:
    if value not in get_args(Basis):
        raise ValueError(f"{value!r} is no basis")
    return cast(Basis, value)


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


def _number(value: object) -> float:
    if type(value) not in (int, float) or not isfinite(cast(float, value)):
        raise ValueError(f"{value!r} is no finite number")
    return float(cast(float, value))


def _share(value: object) -> float:
    number = _number(value)
    if not -ROUNDING <= number <= 1 + ROUNDING:
        raise ValueError(f"{value!r} is no share")
    return min(1.0, max(0.0, number))


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)


def _interval_or_none(value: object) -> Interval | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{value!r} is no interval")
    return _number(value[0]), _number(value[1])


def _rate_or_none(value: object) -> Rate | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or len(value) != 3:
        raise ValueError(f"{value!r} is no rate with its interval")
    return Rate(_share(value[0]), (_share(value[1]), _share(value[2])))
