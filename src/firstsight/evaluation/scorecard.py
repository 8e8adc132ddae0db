"""One figure, with everything needed to believe it or to measure it again."""

from __future__ import annotations

import math
import os
import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from firstsight.errors import DataError
from firstsight.metrics.intervals import Interval

__all__ = ["Scorecard", "find_commit", "find_hardware", "find_version"]

SCHEMA_VERSION = 1


def find_version() -> str:
    """The installed version of firstsight, or "unknown" where it was never installed."""
    try:
        return metadata.version("firstsight")
    except metadata.PackageNotFoundError:
        return "unknown"


def find_commit() -> str | None:
    """Short git hash of the checkout this code runs from, "-dirty" added where it was edited.

    None where the code was installed rather than checked out, or git is not there.
    """
    package = Path(__file__).resolve().parents[1]
    top = _git(package, "rev-parse", "--show-toplevel")
    # An environment may lie inside somebody else's repository, whose commit says nothing of ours.
    if top is None or Path(top).resolve() / "src" / "firstsight" != package:
        return None
    return _git(package, "describe", "--always", "--dirty", "--exclude=*")


def find_hardware() -> str:
    """System, processor and usable cores, as in "Linux x86_64, AMD EPYC 7763, 2 cores".

    Never the name of the machine.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    parts = [f"{platform.system()} {platform.machine()}", _processor()]
    return ", ".join([*filter(None, parts), f"{cores} core{'s' if cores > 1 else ''}"])


@dataclass(frozen=True)
class Scorecard:
    """A measured value by a named protocol.

    value, interval: by `measure` ("accuracy", "error_rate"), shares in 0..1; the interval is the
    95 % one. n: trials (queries or pairs). seed: None where the protocol draws nothing.
    model_fingerprint: None for baselines and models in training. commit: see `find_commit`.
    details: whatever else the protocol measured; numbers, words, lists and tables of them only.
    """

    protocol: str
    measure: str
    value: float
    interval: Interval
    n: int
    seed: int | None
    data_name: str
    data_fingerprint: str
    model_fingerprint: str | None = None
    commit: str | None = field(default_factory=find_commit)
    version: str = field(default_factory=find_version)
    hardware: str = field(default_factory=find_hardware)
    details: dict[str, Any] = field(default_factory=dict)

    def of_model(self, fingerprint: str) -> Scorecard:
        """The same figure, with the model that it is about."""
        return replace(self, model_fingerprint=fingerprint)

    def to_json(self) -> dict[str, Any]:
        return {
            "schema_version": SCHEMA_VERSION,
            **asdict(self),
            "interval": list(self.interval),
        }

    @classmethod
    def from_json(cls, record: object) -> Scorecard:
        """The inverse of `to_json`; DataError for anything it would not have made."""
        given = dict(record) if isinstance(record, Mapping) else {}
        if given.pop("schema_version", None) != SCHEMA_VERSION:
            raise DataError(
                f"this is no scorecard of schema version {SCHEMA_VERSION}; "
                "measure again with this version of firstsight"
            )
        wanted = {each.name for each in fields(cls)}
        if odd := sorted(wanted.symmetric_difference(given), key=str):
            state = "missing from" if odd[0] in wanted else "unknown in"
            raise DataError(f"the key {odd[0]!r} is {state} a scorecard; measure again")
        for key, value in given.items():
            if not _ACCEPTS[key](value):
                raise DataError(
                    f"a scorecard has {key} = {value!r}, which cannot be; measure again"
                )
        low, high = given.pop("interval")
        return cls(**{**given, "interval": (float(low), float(high))})


def _is_number(value: object) -> bool:
    return _is_count(value) or (isinstance(value, float) and math.isfinite(value))


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_interval(value: object) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value))


_ACCEPTS: dict[str, Callable[[Any], bool]] = {
    "protocol": _is_text,
    "measure": _is_text,
    "value": _is_number,
    "interval": _is_interval,
    "n": lambda value: _is_count(value) and value > 0,
    "seed": lambda value: value is None or _is_count(value),
    "data_name": _is_text,
    "data_fingerprint": _is_text,
    "model_fingerprint": _is_text_or_none,
    "commit": _is_text_or_none,
    "version": _is_text,
    "hardware": _is_text,
    "details": lambda value: isinstance(value, dict),
}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor())
