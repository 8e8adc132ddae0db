"""From neighbours to findings: copies, mislabelled photos, confused things, too few photos."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.evaluation.kshot import KShotCurve
from firstsight.gallery.copies import Copy
from firstsight.gallery.findings import Finding, Severity, part_told, some
from firstsight.gallery.neighbours import Neighbours, thing_of_rows, usual_margin
from firstsight.gallery.records import PhotoVectors

__all__ = [
    "LEAST_CONFUSED",
    "LEAST_SHARE",
    "SERIOUS_CONFUSED",
    "SERIOUS_SHARE",
    "Named",
    "Suspect",
    "confusions",
    "copies_told",
    "find_mislabelled",
    "mislabelled_told",
    "too_few_photos",
]

Indices = npt.NDArray[np.int64]

LEAST_CONFUSED = 2  # photos of two things; a single one is no pattern
LEAST_SHARE = 0.15  # of their photos
SERIOUS_CONFUSED, SERIOUS_SHARE = 3, 0.25


class Named:
    """A gallery's vectors with the names of its things."""

    def __init__(self, vectors: PhotoVectors, names: Mapping[int, str]) -> None:
        self.vectors = vectors
        self._names = names
        self.thing_of_row = thing_of_rows(vectors)

    def thing(self, position: int) -> str:
        """The name of the thing at this position; its id where it has gone meanwhile."""
        number = int(self.vectors.things[position])
        return self._names.get(number, f"#{number}")

    def of_row(self, row: int) -> str:
        return self.thing(int(self.thing_of_row[row]))

    def photo(self, row: int) -> int:
        return int(self.vectors.photos[row])


@dataclass(frozen=True)
class Suspect:
    """A row whose photo fits the thing of the row `alike`, by `margins` usual margins."""

    row: int
    alike: int
    margins: float


def find_mislabelled(found: Neighbours) -> list[Suspect]:
    """Photos that fit another thing and not their own, by `UsualMargin.is_misplaced`."""
    usual = usual_margin(found)
    if usual is None:
        return []
    suspects = []
    for place in np.flatnonzero(found.other - found.own <= -usual.middle):
        kin = found.things == found.things[place]
        kin[place] = False
        own, other = float(found.own[place]), float(found.other[place])
        if usual.is_misplaced(own, other, found.own[kin], found.other[kin]):
            margins = (own - other) / usual.middle
            suspects.append(Suspect(int(found.rows[place]), int(found.other_rows[place]), margins))
    return suspects


def mislabelled_told(gallery: Named, suspects: Sequence[Suspect]) -> list[Finding]:
    return [
        Finding(
            "mislabelled",
            "warning",
            (own := gallery.of_row(it.row), alike := gallery.of_row(it.alike)),
            (photo := gallery.photo(it.row),),
            f"photo {photo} of '{own}' looks like '{alike}', and not like the other photos of "
            f"'{own}', which agree; move it to '{alike}' or remove it",
            it.margins,
        )
        for it in suspects
    ]


def copies_told(gallery: Named, copies: Sequence[Copy]) -> list[Finding]:
    """One finding for each thing with copies of its own, and for each pair across things."""
    within: dict[int, list[Copy]] = defaultdict(list)
    findings = []
    for copy in copies:
        one, two = gallery.thing_of_row[copy.first], gallery.thing_of_row[copy.second]
        if one == two:
            within[int(one)].append(copy)
            continue
        first, second = gallery.thing(one), gallery.thing(two)
        photos = gallery.photo(copy.first), gallery.photo(copy.second)
        told = (
            f"photo {photos[0]} of '{first}' and photo {photos[1]} of '{second}' are nearly the "
            "same picture; remove the one that is wrong, or merge the two if they are one thing"
        )
        findings.append(
            Finding("duplicate", "warning", (first, second), photos, told, copy.distance)
        )
    for thing, found in within.items():
        rows = {row for copy in found for row in (copy.first, copy.second)}
        copied = tuple(sorted(gallery.photo(row) for row in rows))
        name, closest = gallery.thing(thing), min(copy.distance for copy in found)
        told = (
            f"{len(copied)} photos of '{name}' are nearly the same picture; "
            "put other views in place of the copies"
        )
        findings.append(Finding("duplicate", "advice", (name,), copied, told, closest))
    return findings


def confusions(gallery: Named, found: Neighbours, threshold: float | None) -> list[Finding]:
    """Pairs of things whose photos are taken for each other.

    A photo is confused where, left out, another thing is nearer than its own, or as near. The only
    photo of a thing has no own to be near to: it is confused where it would be given the other
    thing's name, lying within `threshold` of it.
    """
    alone = ~np.isfinite(found.own)
    is_confused = np.isfinite(found.other) & (found.other <= found.own)
    asked = Counter(found.things[~alone].tolist())
    if threshold is None:
        is_confused &= ~alone
    else:
        is_confused &= ~alone | (found.other <= threshold)
        asked.update(found.things[alone].tolist())
    taken: Counter[tuple[int, int]] = Counter()
    photos: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in np.flatnonzero(is_confused):
        one = int(found.things[place])
        other = int(gallery.thing_of_row[found.other_rows[place]])
        taken[one, other] += 1
        photos[min(one, other), max(one, other)].append(gallery.photo(int(found.rows[place])))
    singles = set(found.things[alone & is_confused].tolist())
    findings = []
    for (one, other), ids in photos.items():
        share = len(ids) / (asked[one] + asked[other])
        is_single = bool({one, other} & singles)
        if is_single or (len(ids) >= LEAST_CONFUSED and share >= LEAST_SHARE):
            sides = [
                (a, b, taken[a, b], asked[a])
                for a, b in ((one, other), (other, one))
                if taken[a, b]
            ]
            sides.sort(key=lambda side: -side[2] / side[3])
            findings.append(_confused(gallery, sides, tuple(sorted(ids)), share, is_single))
    return findings


def _confused(
    gallery: Named,
    sides: list[tuple[int, int, int, int]],
    photos: tuple[int, ...],
    share: float,
    is_single: bool,
) -> Finding:
    """sides: (thing, taken for, how many, of how many asked), the worse first."""
    parts = [
        f"{part_told(n, of, 'the')} of '{gallery.thing(a)}' would be taken for '{gallery.thing(b)}'"
        for a, b, n, of in sides
    ]
    told = (
        f"{' and '.join(parts)}; add photos that show the difference, "
        "or merge the two if they are one thing"
    )
    is_serious = not is_single and len(photos) >= SERIOUS_CONFUSED and share >= SERIOUS_SHARE
    severity: Severity = "warning" if is_serious else "advice"
    names = gallery.thing(sides[0][0]), gallery.thing(sides[0][1])
    return Finding("lookalike", severity, names, photos, told, share)


def too_few_photos(gallery: Named, curve: KShotCurve | None) -> list[Finding]:
    """Things with a single photo, or with fewer than where the curve stops gaining; one finding."""
    enough = curve.enough_at if curve else None
    needed = max(2, enough or 0)
    if curve and len(curve.points) > 1 and enough is None:
        needed = curve.points[-1].shots
    counts = np.bincount(gallery.thing_of_row)
    few = np.flatnonzero(counts < needed)
    if not len(few):
        return []
    few = few[np.argsort(counts[few], kind="stable")]
    names = tuple(gallery.thing(int(position)) for position in few)
    is_one = len(names) == 1
    why = (
        f"here photos are recognised better with up to {needed} of each thing; add some"
        if needed > 2
        else f"whether {'it is' if is_one else 'they are'} recognised cannot be checked; add "
        "another, from another side"
    )
    have = "a single photo" if needed == 2 else f"fewer than {needed} photos"
    told = f"{some(names)} {'has' if is_one else 'have'} {have}: {why}"
    return [Finding("few_photos", "advice", names, (), told, float(len(names)))]
