"""Use cases: enroll and identify many pictures, with a progress bar and a result for each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from firstsight.app.remarks import remark
from firstsight.errors import FirstsightError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from firstsight.images.decode import PictureLike
    from firstsight.images.reading import Crop
    from firstsight.recognition.answers import Answer, Enrollment, Unreadable
    from firstsight.recognition.enrolling import Entry
    from firstsight.recognition.recognizer import Policy, Recognizer

__all__ = ["enroll", "identify", "listed", "one", "open_or_make", "progress_of", "readable"]

# Beyond this many, advice on each would bury what matters; 'firstsight doctor' looks at all.
ADVISED = 20


@contextmanager
def open_or_make(
    gallery: str, *, model: str | None, policy: Policy, keeps_pictures: bool
) -> Iterator[Recognizer]:
    """As `Recognizer.open`; a gallery that is new goes again where nothing comes into it."""
    from firstsight.gallery.connection import FILE
    from firstsight.gallery.places import gallery_place
    from firstsight.gallery.whole import delete_unused
    from firstsight.recognition.recognizer import Recognizer

    place = gallery_place(gallery)
    is_new, has_new_folder = not (place / FILE).exists(), not place.exists()
    try:
        with Recognizer.open(
            gallery, model=model, policy=policy, keeps_pictures=keeps_pictures
        ) as recognizer:
            yield recognizer
    finally:
        if is_new:
            delete_unused(place, and_folder=has_new_folder)


def enroll(
    recognizer: Recognizer,
    entries: Sequence[tuple[PictureLike, str]],
    *,
    crop: Crop | None = None,
    careful: bool = False,
    partial: bool = True,
    keep: bool = True,
) -> Iterator[Enrollment]:
    """Enroll (picture, thing) pairs; a result each, as soon as it is on the disk."""
    from firstsight.images.decode import picture_name
    from firstsight.recognition.enrolling import Entry

    advises = careful or not keep or len(entries) <= ADVISED
    enroller = recognizer.enroller(crop=crop, careful=careful, keep=keep, advises=advises)
    named = [Entry(picture, thing, picture_name(picture)) for picture, thing in entries]
    with progress_of("enrolling", len(named)) as advance:
        if partial:
            for result in enroller.each(named):
                advance()
                yield result
        else:
            yield from enroller.all_or_nothing(_counted(named, advance))
    if keep:
        recognizer.settle()
    if not advises:
        remark("the doctor was not asked about each of so many; ask: firstsight doctor")


def identify(
    recognizer: Recognizer,
    pictures: Sequence[PictureLike],
    *,
    crop: Crop | None = None,
) -> Iterator[Answer | Unreadable]:
    """An answer for each picture, in order, with a progress bar where there are many."""
    if len(pictures) == 1:  # its own trouble is the command's
        yield recognizer.identify(pictures[0], crop=crop)
        return
    with progress_of("identifying", len(pictures)) as advance:
        for answer in recognizer.identify_many(pictures, crop=crop):
            advance()
            yield answer


def listed(pictures: Sequence[str]) -> list[PictureLike]:
    """Files as they are named, folders as the pictures in them, "-" for standard input."""
    return [picture for each in pictures for picture in _named(each)]


def readable(pictures: Sequence[str]) -> tuple[list[PictureLike], list[str]]:
    """As `listed`, and a sentence for each folder that gives none.

    Raises the first of these where there is no picture at all.
    """
    found: list[PictureLike] = []
    troubles: list[FirstsightError] = []
    for each in pictures:
        try:
            found += _named(each)
        except FirstsightError as trouble:
            troubles.append(trouble)
    if troubles and not found:
        raise troubles[0]
    return found, [str(each) for each in troubles]


def one(picture: str) -> str | Path:
    """ "-" stands for standard input; anything else is a path, whatever it looks like."""
    if not picture:  # as a path it would be the working folder
        raise UsageError("the name of a picture is empty; name a picture or a folder")
    return picture if picture == "-" else Path(picture)


def _named(picture: str) -> Sequence[PictureLike]:
    from firstsight.images.listing import pictures_in

    named = one(picture)
    if isinstance(named, str) or not named.is_dir():
        return [named]
    inside = pictures_in(named)
    if not inside:
        raise UsageError(f"the folder {picture} holds no pictures; name another")
    return inside


def _counted(entries: Iterable[Entry], advance: Callable[[], object]) -> Iterator[Entry]:
    for entry in entries:
        advance()
        yield entry


@contextmanager
def progress_of(
    verb: str, total: int, console: Console | None = None
) -> Iterator[Callable[[], None]]:
    """A bar for `total` items on a terminal, nothing elsewhere; yields what advances it by one.

    console: standard error, unless told.
    """
    if total < 2:
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    console = console or Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task(verb, total=total)
        yield lambda: bar.advance(task)
