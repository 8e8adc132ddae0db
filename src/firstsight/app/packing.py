"""Opening pictures with a progress bar, and saying which could not be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from firstsight.app.remarks import say_once

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.images.preprocess import Preprocessing

__all__ = ["open_with_progress", "reading_bar", "tell_namesake", "tell_skipped"]

_NAMED = 5


def open_with_progress(name: str, preprocessing: Preprocessing, console: Console) -> PackedPictures:
    """Open a data set or folder; unreadable pictures are named and counted, and left out."""
    from firstsight.data.catalogue import open_pictures

    tell_namesake(name, console)
    with reading_bar(name, console) as progress:
        pictures = open_pictures(name, preprocessing, progress=progress)
    tell_skipped(pictures, name, console)
    return pictures


@contextmanager
def reading_bar(
    name: str, console: Console, *, verb: str = "reading"
) -> Iterator[Callable[[int, int], None]]:
    """A bar on the screen while `name` is read; yields what is to be told (done, in all)."""
    columns = (
        TextColumn(f"{verb} {{task.description}}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # it would leave an empty line in a log
    ) as bar:
        task = bar.add_task(name, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def tell_namesake(name: str, console: Console) -> None:
    """Say so where a set with a name is taken, and a folder here bears that name too."""
    from firstsight.data.catalogue import KNOWN_NAMES

    if name in KNOWN_NAMES and Path(name).exists():
        say_once(console, f"taking the data set called {name}; the folder here is ./{name}")


def tell_skipped(pictures: PackedPictures, name: str, console: Console) -> None:
    """Name and count the pictures that could not be read."""
    if not pictures.skipped:
        return
    many = "s" if len(pictures.skipped) > 1 else ""
    say_once(console, f"left out {len(pictures.skipped)} unreadable picture{many} of {name}:")
    for picture in pictures.skipped[:_NAMED]:
        say_once(console, f"  {picture.reason}")  # which begins with the picture's name
    if len(pictures.skipped) > _NAMED:
        say_once(console, f"  and {len(pictures.skipped) - _NAMED} more")
