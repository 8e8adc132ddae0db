"""What is wrong with a data set, before minutes go into training on it.

Unsound is what makes figures lie or a training impossible: the same file in two parts (what is
judged was learned) or under two classes (one label is false), and fewer than two classes to learn.
Everything else is a remark: pictures that are left out, or look odd beside the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from firstsight.data.decoding import Progress
from firstsight.data.looking import Look, Seen, Unseen, look_at_all
from firstsight.data.manifest import Manifest
from firstsight.data.nearness import by_content, near_links
from firstsight.images.likeness import NEAR_BITS

__all__ = ["Audit", "Finding", "Kind", "audit"]

Kind = Literal[
    "unreadable",
    "same file",
    "near duplicate",
    "few pictures",
    "shared classes",
    "tiny",
    "narrow",
    "grey among colour",
    "odd mode",
    "animated",
]

_SMALLEST_SIDE_PX = 24
_MOST_ASPECT = 4.0
_PLAIN_MODES = {"1", "L", "RGB"}
_MODES = {
    "P": "a palette of colours",
    "CMYK": "CMYK, the colours of print",
    "RGBA": "transparent; it is put on white",
    "LA": "transparent; it is put on white",
    "PA": "transparent; it is put on white",
}


@dataclass(frozen=True)
class Finding:
    """told: one line, without the kind. pictures: the files it is about.

    parts, classes: where those are, each once; only of repeated pictures.
    """

    kind: Kind
    told: str
    pictures: tuple[str, ...] = ()
    unsound: bool = False
    parts: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Audit:
    """n_classes: over all parts, told by their names. findings: the unsound ones first."""

    name: str
    n_pictures: int
    n_classes: int
    parts: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        return not any(finding.unsound for finding in self.findings)

    def counts(self) -> dict[Kind, int]:
        """How many findings of each kind."""
        return dict(Counter(finding.kind for finding in self.findings))

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "sound": self.is_sound, "counts": self.counts()}


@dataclass(frozen=True)
class _Picture:
    file: str
    part: str
    of: str  # its class

    @property
    def place(self) -> str:
        return f"{self.part}, {self.of}" if self.part else self.of


def audit(name: str, parts: Mapping[str, Manifest], progress: Progress) -> Audit:
    """Look at every picture of the parts of a data set, such as train and test; {"": ...} for none.

    progress: told (pictures looked at, pictures in all).
    """
    pictures = [
        _Picture(source.name, part, manifest.class_names[label])
        for part, manifest in parts.items()
        for source, label in zip(manifest.sources, manifest.labels, strict=True)
    ]
    looks: list[Look] = []
    for manifest in parts.values():
        before = len(looks)

        def told(done: int, _: int, before: int = before) -> None:
            progress(before + done, len(pictures))

        looks += look_at_all(manifest, told)
    findings = [
        *_unreadable(pictures, looks),
        *_repeated(pictures, looks),
        *_short_classes(pictures, looks),
        *_shared_classes(parts),
        *_odd(pictures, looks),
    ]
    return Audit(
        name=name,
        n_pictures=len(pictures),
        n_classes=len({picture.of for picture in pictures}),
        parts=tuple(part for part in parts if part),
        findings=tuple(sorted(findings, key=lambda finding: not finding.unsound)),
    )


def _unreadable(pictures: Sequence[_Picture], looks: Sequence[Look]) -> Iterator[Finding]:
    for picture, look in zip(pictures, looks, strict=True):
        if isinstance(look, Unseen):
            yield Finding("unreadable", look.reason, (picture.file,))


def _repeated(pictures: Sequence[_Picture], looks: Sequence[Look]) -> Iterator[Finding]:
    """Byte duplicates, then near duplicates among what is left when each file counts once."""
    pairs = zip(pictures, looks, strict=True)
    seen = [(picture, look) for picture, look in pairs if isinstance(look, Seen)]
    groups = by_content(look.digest for _, look in seen)
    for places in groups:
        if len(places) > 1:
            alike = [seen[place][0] for place in places]
            yield _repetition("same file", alike, can_be_unsound=True)
    once = [seen[places[0]] for places in groups]
    likenesses = np.array([look.likeness for _, look in once], np.uint64)
    mostly = "grey" if 2 * sum(look.is_grey for _, look in once) >= len(once) else "colour"
    for a, b in near_links(likenesses, bits=NEAR_BITS[mostly]).tolist():
        # A hash may err, as a digest does not; whoever looks at the two sees it at once.
        alike = [once[a][0], once[b][0]]
        yield _repetition("near duplicate", alike, can_be_unsound=False)


def _repetition(kind: Kind, alike: list[_Picture], *, can_be_unsound: bool) -> Finding:
    parts = tuple(dict.fromkeys(picture.part for picture in alike))
    classes = tuple(dict.fromkeys(picture.of for picture in alike))
    across = []
    if len(parts) > 1:
        across.append("in two parts")
    if len(classes) > 1:
        across.append("under two classes")
    files = " and ".join(f"{picture.file} ({picture.place})" for picture in alike)
    return Finding(
        kind,
        f"{' and '.join(across) or 'in one class'}: {files}",
        tuple(picture.file for picture in alike),
        unsound=bool(across) and can_be_unsound,
        parts=parts,
        classes=classes,
    )


def _short_classes(pictures: Sequence[_Picture], looks: Sequence[Look]) -> Iterator[Finding]:
    """Classes with one picture that can be read; judged in the first part, the one that trains."""
    training = pictures[0].part
    counts = Counter({picture.of: 0 for picture in pictures if picture.part == training})
    for picture, look in zip(pictures, looks, strict=True):
        if picture.part == training and isinstance(look, Seen):
            counts[picture.of] += 1
    n_able = sum(count > 1 for count in counts.values())
    if n_able < 2:
        told = f"{n_able} classes have two pictures or more, and learning needs two such classes"
        yield Finding("few pictures", told, unsound=True)
    for name, count in counts.items():
        if count < 2:
            many = "one picture" if count else "no picture that can be read"
            yield Finding("few pictures", f"{name} has {many}; training leaves it out")


def _shared_classes(parts: Mapping[str, Manifest]) -> Iterator[Finding]:
    for (first, one), (second, other) in combinations(parts.items(), 2):
        n_shared = len(set(one.class_names) & set(other.class_names))
        if n_shared:
            yield Finding(
                "shared classes",
                f"{first}, {second} have {n_shared} classes in common, so a figure on one after "
                "training on the other speaks of classes seen before; hold out classes for unseen "
                "ones",
            )


def _odd(pictures: Sequence[_Picture], looks: Sequence[Look]) -> Iterator[Finding]:
    """What a picture is like beside the others: sizes, colours, modes, films."""
    pairs = zip(pictures, looks, strict=True)
    seen = [(picture, look) for picture, look in pairs if isinstance(look, Seen)]
    modes = Counter(look.mode for _, look in seen)
    n_grey = sum(look.is_grey for _, look in seen)
    for picture, look in seen:
        width, height = look.size
        size, file = f"{width} x {height} px", (picture.file,)
        if min(width, height) < _SMALLEST_SIDE_PX:
            yield Finding("tiny", f"{picture.file} is {size}", file)
        elif max(width, height) > _MOST_ASPECT * min(width, height):
            yield Finding("narrow", f"{picture.file} is {size}", file)
        if look.is_grey and 2 * n_grey < len(seen):
            yield Finding("grey among colour", picture.file, file)
        if look.mode not in _PLAIN_MODES and 2 * modes[look.mode] < len(seen):
            told = _MODES.get(look.mode, f"of Pillow's mode {look.mode}, deeper than 8 bits")
            yield Finding("odd mode", f"{picture.file} is {told}", file)
        if look.n_frames > 1:
            told = f"{picture.file} has {look.n_frames} frames; the first is looked at"
            yield Finding("animated", told, file)
