"""Examine a whole gallery: what in it will give wrong answers, and what to do about it.

Every judgement compares photos with what is usual in this very gallery, each left out in turn.
Copies and mislabelled photos are found first and set aside, since the former hide confusions and
the latter make some up; recognition, confusions and the K-shot curve are those of the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.errors import EpisodeError, GalleryError
from firstsight.evaluation.kshot import KShotCurve, Rule, kshot_curve
from firstsight.gallery.copies import Copy, KeptPictures, find_copies
from firstsight.gallery.diagnosing import (
    Named,
    confusions,
    copies_told,
    find_mislabelled,
    mislabelled_told,
    too_few_photos,
)
from firstsight.gallery.findings import Finding, ordered
from firstsight.gallery.neighbours import Neighbours, ask_without, draw_rows, find_neighbours
from firstsight.gallery.records import PhotoVectors
from firstsight.metrics.intervals import Interval, interval_by_cluster
from firstsight.similarity import Head

__all__ = ["Examination", "examine"]

MOST_DISTANCES = 2 * 10**8  # so all photos up to 14,000 are asked about; some 10 s on one core
LEAST_ASKED = 1000


@dataclass(frozen=True)
class Examination:
    """findings: warnings first, the worst first. n_asked: photos that were asked about, all or as
    many as were drawn by `seed`; findings are about them.

    recognised: share of them that is nearest to its own thing when left out, a tie counting half,
    with its 95 % interval over things; of the things with two photos or more that are neither
    copies nor probably mislabelled. None where those are fewer than two things.
    kshot: None where fewer than two things have two photos. summary: some sentences.
    """

    findings: tuple[Finding, ...]
    n_things: int
    n_photos: int
    n_asked: int
    seed: int
    recognised: float | None
    recognised_interval: Interval | None
    kshot: KShotCurve | None

    @property
    def summary(self) -> str:
        parts = [self._examined(), self._found()]
        if self.kshot:
            parts.append(self.kshot.told)
        return " ".join(parts)

    def to_json(self) -> dict[str, Any]:
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "n_things": self.n_things,
            "n_photos": self.n_photos,
            "n_asked": self.n_asked,
            "seed": self.seed,
            "recognised": self.recognised,
            "recognised_interval": self.recognised_interval and list(self.recognised_interval),
            "kshot": self.kshot and self.kshot.to_json(),
            "summary": self.summary,
        }

    def _examined(self) -> str:
        told = f"Examined {_counted(self.n_photos, 'photo')} of {_counted(self.n_things, 'thing')}"
        if self.n_asked < self.n_photos:
            told += f", asking about {self.n_asked:,} drawn with seed {self.seed}"
        if self.recognised is None or self.recognised_interval is None:
            return f"{told}."
        low, high = self.recognised_interval
        return (
            f"{told}: left out, {100 * self.recognised:.1f} % are recognised "
            f"(95 % interval {100 * low:.1f} to {100 * high:.1f})."
        )

    def _found(self) -> str:
        if not self.findings:
            return "Nothing to remark."
        severities = Counter(finding.severity for finding in self.findings)
        warnings, advice = severities["warning"], severities["advice"]
        parts = [_counted(warnings, "warning")] if warnings else []
        parts += [f"{_counted(advice, 'piece')} of advice"] if advice else []
        return f"{' and '.join(parts)}.".capitalize()


def examine(
    head: Head,
    vectors: PhotoVectors,
    names: Mapping[int, str],
    *,
    threshold: float | None,
    pictures: KeptPictures | None = None,
    rule: Rule = "best",
    seed: int = 0,
) -> Examination:
    """Find what is wrong with a gallery; nothing is changed.

    names: of each thing's id. threshold: the distance up to which a photo is given a name, None
    where none is known; by it things with a single photo are judged too. pictures: without them
    copies are told by vectors alone.
    rule: how a thing's photos combine in the K-shot curve; all else goes by the nearest photo.

    Time is bounded: of more than 14,000 photos whole things are drawn by `seed` and asked about,
    against all photos. Memory stays below 150 MB beyond the vectors.
    Raises GalleryError for an empty gallery.
    """
    if not len(vectors):
        raise GalleryError("the gallery is empty, so there is nothing to examine; enroll a photo")
    rng = np.random.default_rng(seed)
    whole = Named(vectors, names)
    most = max(LEAST_ASKED, MOST_DISTANCES // len(vectors))
    found = find_neighbours(head, vectors, draw_rows(vectors, most, rng))
    n_asked = len(found)
    copies = find_copies(head, vectors, found, pictures)
    findings = copies_told(whole, copies)
    vectors, found = ask_without(head, vectors, found, _surplus(whole, copies))
    suspects = find_mislabelled(found)
    findings += mislabelled_told(Named(vectors, names), suspects)
    rows = np.array([suspect.row for suspect in suspects], np.int64)
    vectors, found = ask_without(head, vectors, found, rows)
    findings += confusions(Named(vectors, names), found, threshold)
    curve = _curve(head, vectors, rule, seed)
    findings += too_few_photos(whole, curve)
    recognised, interval = _recognised(found, rng)
    return Examination(
        findings=ordered(findings),
        n_things=len(whole.vectors.things),
        n_photos=len(whole.vectors),
        n_asked=n_asked,
        seed=seed,
        recognised=recognised,
        recognised_interval=interval,
        kshot=curve,
    )


def _surplus(gallery: Named, copies: list[Copy]) -> npt.NDArray[np.int64]:
    """Rows to set aside: of copies in one thing the later, of copies in two things both."""
    rows = set()
    for copy in copies:
        rows.add(copy.second)
        if gallery.thing_of_row[copy.first] != gallery.thing_of_row[copy.second]:
            rows.add(copy.first)
    return np.array(sorted(rows), np.int64)


def _curve(head: Head, vectors: PhotoVectors, rule: Rule, seed: int) -> KShotCurve | None:
    if not len(vectors):
        return None
    try:
        return kshot_curve(head, vectors.vectors, vectors.starts, rule=rule, seed=seed)
    except EpisodeError:  # too few things have two photos; a finding says so
        return None


def _recognised(
    found: Neighbours, rng: np.random.Generator
) -> tuple[float | None, Interval | None]:
    several = np.isfinite(found.own)
    own, other, things = found.own[several], found.other[several], found.things[several]
    if len(np.unique(things)) < 2:
        return None, None
    worth = (own < other) + 0.5 * (own == other)
    return float(worth.mean()), interval_by_cluster(worth, things, rng)


def _counted(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
