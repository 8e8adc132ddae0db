"""Use case: whether the pictures that a model is judged by can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from firstsight.app.names import for_training
from firstsight.app.packing import reading_bar
from firstsight.errors import DataUnavailable, FirstsightError

if TYPE_CHECKING:
    from firstsight.data import audit as data_audit
    from firstsight.data.manifest import Manifest
    from firstsight.data.packed import PackedPictures
    from firstsight.drawing.report import Finding
    from firstsight.model.info import ModelInfo

__all__ = ["audit"]

LEARNED, JUDGED = "learned from", "judged by"  # the parts, to the audit of a data set
MOST_NAMED = 3


def audit(
    info: ModelInfo, pictures: PackedPictures, name: str, console: Console
) -> Sequence[Finding]:
    """What was learned from against what is judged, copies within, and what was left out.

    pictures: those of the data set called `name` that the model is judged by.
    """
    return [
        *_repeated(info, pictures, name, console),
        _readable(pictures),
        _singles(pictures),
    ]


def _repeated(
    info: ModelInfo, pictures: PackedPictures, name: str, console: Console
) -> Iterator[Finding]:
    """What the audit of a data set finds, the two sides being its parts."""
    from firstsight.data.audit import audit as audit_parts
    from firstsight.data.catalogue import is_of_files, read_manifest
    from firstsight.drawing.report import Finding

    if not is_of_files(name):
        yield Finding("open", f"{name} has no files of pictures, so nobody looked for copies.")
        return
    whole = read_manifest(name)
    shown = set(pictures.full_names)
    judged = whole.select(np.array([names in shown for names in whole.full_names]))
    learned = _learned(info, whole, judged)
    parts = {JUDGED: judged} | ({LEARNED: learned} if learned else {})
    with reading_bar("both sides again, for copies", console) as progress:
        found = audit_parts(name, parts, progress)
    if learned is None:
        named = info.recipe.get("data", {}).get("train")
        where = f"({named}) are" if named else "are not recorded, or"
        yield Finding("open", f"The pictures that the model learned from {where} not at hand, so "
                      "nobody can say whether it saw any of these.")  # fmt: skip
    else:
        yield from _leaks(found, learned, judged)
    if beside := info.recipe.get("data", {}).get("beside"):
        yield Finding("open", f"The model learned from {beside} too, and nobody looked whether it "
                      "saw any of these there.")  # fmt: skip
    yield from _copies([each for each in found.findings if each.parts == (JUDGED,)])


def _learned(info: ModelInfo, whole: Manifest, judged: Manifest) -> Manifest | None:
    """The pictures that the model learned from; None where they are not at hand."""
    from firstsight.data.catalogue import read_manifest

    name = for_training(str(info.recipe.get("data", {}).get("train")))
    try:
        _require_here(name)
        learned = read_manifest(name)
    except FirstsightError:
        return None
    if learned.sources != whole.sources or judged.n_classes == whole.n_classes:
        return learned
    held_out = set(judged.full_names)  # of the set that it learned the rest of
    return learned.select(np.array([names not in held_out for names in learned.full_names]))


def _require_here(name: str) -> None:
    """DataUnavailable for a known set that is not on this machine: an audit fetches nothing."""
    from firstsight.data.known import known_datasets

    if any(each.name == name and each.place is None for each in known_datasets()):
        raise DataUnavailable(f"{name} is not on this machine; name its folder in FIRSTSIGHT_DATA")


def _leaks(found: data_audit.Audit, learned: Manifest, judged: Manifest) -> Iterator[Finding]:
    from firstsight.drawing.report import Finding

    across = [each for each in found.findings if len(each.parts) > 1]
    same = [each for each in across if each.kind == "same file"]
    near = [each for each in across if each.kind == "near duplicate"]
    among = f"the {len(learned):,} that the model learned from ({learned.name})"
    if same:
        yield Finding("wrong", f"{_pictures(same)} of the {len(judged):,}, byte for byte, "
                      f"{_are(same)} among {among}: {_named(same)}.")  # fmt: skip
    else:
        yield Finding("well", f"None of the {len(judged):,} pictures is, byte for byte, among "
                      f"{among}.")  # fmt: skip
    if near:
        yield Finding("open", f"{_pairs(near)} of a picture learned from and one judged by look "
                      f"nearly the same, so look whether they are: {_named(near)}.")  # fmt: skip
    shared = set(learned.class_names) & set(judged.class_names)
    if shared:
        yield Finding("wrong", f"{len(shared)} of the {judged.n_classes} things were learned, by "
                      "their names; the figures say little about things never seen.")  # fmt: skip


def _copies(within: Sequence[data_audit.Finding]) -> Iterator[Finding]:
    from firstsight.drawing.report import Finding

    same = [each for each in within if each.kind == "same file"]
    near = [each for each in within if each.kind == "near duplicate"]
    false = [each for each in same if len(each.classes) > 1]
    if same:
        yield Finding("wrong", f"{_pictures(same)} {_are(same)} there more than once, byte for "
                      f"byte, and copies are found without any skill: {_named(same)}.")  # fmt: skip
    else:
        yield Finding("well", "No picture is there twice, byte for byte.")
    if false:
        yield Finding("wrong", f"{len(false)} of them under two names, of which one is false: "
                      f"{_named(false)}.")  # fmt: skip
    if near:
        yield Finding("open", f"{_pairs(near)} of pictures look nearly the same: "
                      f"{_named(near)}.")  # fmt: skip


def _pictures(findings: Sequence[data_audit.Finding]) -> str:
    return f"{len(findings):,} picture{'s' if len(findings) > 1 else ''}"


def _are(findings: Sequence[data_audit.Finding]) -> str:
    return "are" if len(findings) > 1 else "is"


def _pairs(findings: Sequence[data_audit.Finding]) -> str:
    return f"{len(findings):,} pairs" if len(findings) > 1 else "A pair"


def _named(findings: Sequence[data_audit.Finding]) -> str:
    """The files of the first few, by the ends of their paths."""
    told = [
        " = ".join("/".join(file.replace("\\", "/").split("/")[-3:]) for file in each.pictures[:2])
        for each in findings[:MOST_NAMED]
    ]
    more = len(findings) - len(told)
    return "; ".join(told) + (f"; and {more:,} more" if more > 0 else "")


def _readable(pictures: PackedPictures) -> Finding:
    from firstsight.drawing.report import Finding

    if not pictures.skipped:
        return Finding("well", "All pictures of the set could be read.")
    names = ", ".join(each.name for each in pictures.skipped[:MOST_NAMED])
    names += " and others" if len(pictures.skipped) > MOST_NAMED else ""
    return Finding("wrong", f"{len(pictures.skipped)} pictures could not be read and were left "
                   f"out: {names}.")  # fmt: skip


def _singles(pictures: PackedPictures) -> Finding:
    from firstsight.drawing.report import Finding

    counts = np.bincount(pictures.labels)
    lone = int((counts == 1).sum())
    if lone:
        return Finding("wrong", f"{lone} of {len(counts)} things have a single picture: they are "
                       "found by nobody, and only stand in the way.")  # fmt: skip
    fewest, most = counts.min(), counts.max()
    spread = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    return Finding("well", f"Each of the {len(counts):,} things has {spread} pictures.")
