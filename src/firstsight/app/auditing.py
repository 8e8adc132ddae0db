"""Use case: whether the pictures that a model is judged by can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from firstsight.errors import DataUnavailable, FirstsightError

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.drawing.report import Finding
    from firstsight.model.info import ModelInfo

__all__ = ["audit"]


def audit(info: ModelInfo, pictures: PackedPictures, console: Console) -> Sequence[Finding]:
    """What was trained on against what is judged, duplicates within, and what was left out."""
    return [
        _leaks(info, pictures, console),
        *_duplicates(pictures),
        _readable(pictures),
        _singles(pictures),
    ]


def _leaks(info: ModelInfo, pictures: PackedPictures, console: Console) -> Finding:
    from firstsight.app.names import for_training
    from firstsight.app.packing import open_with_progress
    from firstsight.drawing.report import Finding

    named = info.recipe.get("data", {}).get("train")
    try:
        _require_here(for_training(str(named)))
        learned = open_with_progress(for_training(str(named)), info.preprocessing, console)
    except FirstsightError:
        where = f"({named}) are" if named else "are not recorded, or"
        return Finding("open", f"The pictures that the model learned from {where} not at hand, so "
                       "nobody can say whether it saw any of these.")  # fmt: skip
    if learned.fingerprint == pictures.fingerprint:
        return Finding("wrong", "The model learned from these very pictures.")
    seen = {each.tobytes() for each in learned.digests}
    n_seen = sum(each.tobytes() in seen for each in pictures.digests)
    if n_seen:
        return Finding("wrong", f"{n_seen} of the {len(pictures):,} pictures, byte for byte, are "
                       f"among those that the model learned from ({named}).")  # fmt: skip
    return Finding("well", f"None of the {len(pictures):,} pictures is, byte for byte, among the "
                   f"{len(learned):,} that the model learned from ({named}).")  # fmt: skip


def _require_here(name: str) -> None:
    """DataUnavailable for a known set that is not on this machine: an audit fetches nothing."""
    from firstsight.data.known import known_datasets

    if any(each.name == name and each.place is None for each in known_datasets()):
        raise DataUnavailable(f"{name} is not on this machine; name its folder in FIRSTSIGHT_DATA")


def _duplicates(pictures: PackedPictures) -> list[Finding]:
    from firstsight.drawing.report import Finding

    _, which, counts = np.unique(pictures.digests, axis=0, return_inverse=True, return_counts=True)
    which = which.ravel()
    several = np.flatnonzero(counts > 1)
    if not len(several):
        return [Finding("well", "No picture is there twice, byte for byte.")]
    across = sum(len(np.unique(pictures.labels[which == each])) > 1 for each in several)
    found = [
        Finding(
            "wrong",
            f"{len(several)} pictures are there more than once, byte for byte; their "
            "copies are found without any skill.",
        )
    ]
    if across:
        found.append(Finding("wrong", f"{across} of them have two different labels."))
    return found


def _readable(pictures: PackedPictures) -> Finding:
    from firstsight.drawing.report import Finding

    if not pictures.skipped:
        return Finding("well", "All pictures of the set could be read.")
    names = ", ".join(each.name for each in pictures.skipped[:3])
    names += " and others" if len(pictures.skipped) > 3 else ""
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
