"""Opening pictures with a progress bar, and saying which could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.images.preprocess import Preprocessing

__all__ = ["open_with_progress"]

_NAMED = 5


def open_with_progress(name: str, preprocessing: Preprocessing, console: Console) -> PackedPictures:
    """Open a data set or folder; unreadable pictures are named and counted, and left out."""
    from firstsight.data.catalogue import open_pictures

    columns = (TextColumn("reading {task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(name, total=None)
        pictures = open_pictures(
            name,
            preprocessing,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if pictures.skipped:
        console.print(f"left out {len(pictures.skipped)} unreadable pictures of {name}:")
        for picture in pictures.skipped[:_NAMED]:
            console.print(f"  {picture.name}: {picture.reason}", highlight=False, markup=False)
        if len(pictures.skipped) > _NAMED:
            console.print(f"  and {len(pictures.skipped) - _NAMED} more")
    return pictures
