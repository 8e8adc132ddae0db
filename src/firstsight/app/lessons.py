"""What a gallery has to teach: its kept pictures by thing, and those that people judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from rich.console import Console

from firstsight.app.recognising import progress_of
from firstsight.data.packed import PackedPictures
from firstsight.errors import GalleryError, PictureError
from firstsight.gallery.judging import last_words
from firstsight.images.reading import read_picture
from firstsight.recognition.ahead import read_ahead

if TYPE_CHECKING:
    from firstsight.gallery.gallery import Gallery
    from firstsight.images.preprocess import Preprocessing

__all__ = ["Lesson", "read_lesson"]

Pixels = npt.NDArray[np.uint8]

LEAST_THINGS = 6  # with two pictures each
LEAST_HELD, HELD_SHARE = 3, 0.25  # never more than half
ROOM_BYTES = 2**30  # of pixels: more than a tuning's few steps ever look at
BATCH = 32


@dataclass(frozen=True, eq=False)
class Lesson:
    """things: all with two pictures or more. held: (C,) those of them that learning never sees;
    whole things, not some photos of each.

    learned: the pictures of the other things, and of strangers. Where somebody said that an
    answer was wrong, but not what the picture shows, it is a class of its own, named by nobody:
    the thing that it was taken for learns to be something else. It comes twice, since learning
    leaves out what it has a single picture of.
    n_left_out: things with a single picture, or for which there was no room.
    n_verdicts: people's verdicts whose pictures are among these.
    """

    things: PackedPictures
    held: npt.NDArray[np.bool_]
    learned: PackedPictures
    n_left_out: int
    n_verdicts: int

    @property
    def held_out(self) -> PackedPictures:
        return self.things.select(self.held[self.things.labels])


@dataclass(frozen=True)
class _Shown:
    """One picture: of a photo, by its number, or kept with a verdict, as its bytes."""

    told: str
    source: int | bytes
    digest: str  # of the content that it came as


def read_lesson(gallery: Gallery, seen: Preprocessing, console: Console) -> Lesson:
    """Every kept picture, as a model with this preprocessing sees it, under what it shows.

    A picture whose answer was confirmed, or corrected, is one more of the thing that was named.
    Raises GalleryError where pictures are not kept, or damaged, or fewer than six things have
    two.
    """
    name = gallery.info.name
    shown, strangers = _gathered(gallery, name)
    places = {thing.name: _scattered(thing.id) for thing in gallery.things()}
    able = sorted((thing for thing in shown if len(shown[thing]) >= 2), key=places.__getitem__)
    room = ROOM_BYTES // (seen.size**2 * seen.channels) - 2 * len(strangers)
    n_pictures = np.cumsum([len(shown[thing]) for thing in able])
    chosen = able[: int((n_pictures <= room).sum())]
    if len(chosen) < LEAST_THINGS:
        raise GalleryError(
            f"the gallery {name!r} has {len(chosen)} things with two pictures or more; tuning "
            f"takes {LEAST_THINGS}, for {LEAST_HELD} of them only judge what came of it; enroll "
            "more photos"
        )
    classes = [shown[thing] for thing in chosen] + [[each, each] for each in strangers]
    labels = np.repeat(np.arange(len(classes)), [len(pictures) for pictures in classes])
    every = [each for pictures in classes for each in pictures]
    everything = PackedPictures.of(
        name=f"the gallery {name!r}",
        pixels=_pixels(gallery, seen, every, console),
        labels=labels,
        drawers=np.zeros(len(labels), np.int64),
        # A blank in front, as no thing's name has.
        class_names=(*chosen, *(f" {each.told}" for each in strangers)),
        class_groups=np.zeros(len(classes), np.int64),
        group_names=(name,),
        digests=np.array([list(bytes.fromhex(each.digest)) for each in every], np.uint8),
    )
    n_held = max(LEAST_HELD, sum(places[thing] < HELD_SHARE for thing in chosen))
    held = np.arange(len(classes)) < min(n_held, len(chosen) // 2)
    return Lesson(
        things=everything.select(labels < len(chosen)),
        held=held[: len(chosen)],
        learned=everything.select(~held[labels]),
        n_left_out=len(shown) - len(chosen),
        n_verdicts=len(strangers)
        + sum(isinstance(each.source, bytes) for thing in chosen for each in shown[thing]),
    )


def _gathered(gallery: Gallery, name: str) -> tuple[dict[str, list[_Shown]], list[_Shown]]:
    """The pictures of each thing, and those of strangers."""
    shown: dict[str, list[_Shown]] = {thing.name: [] for thing in gallery.things()}
    digests = set()
    for photo in gallery.photos():
        if not photo.has_picture:
            raise GalleryError(
                f"the gallery {name!r} kept no picture of photo {photo.id}, and tuning learns "
                "from kept pictures; enroll the photos again in a gallery that keeps them"
            )
        shown[photo.thing].append(_Shown(f"photo {photo.id}", photo.id, photo.digest))
        digests.add(photo.digest)
    strangers = []
    # Of two verdicts on one picture the later holds; where it is enrolled by now, neither does.
    for verdict in last_words(gallery.verdicts(any_model=True)):
        if verdict.digest in digests or verdict.kept is None:
            continue
        judged = _Shown(f"verdict {verdict.id}", verdict.kept, verdict.digest)
        if verdict.kind == "wrong":
            strangers.append(judged)
        elif verdict.truth is not None:  # else the thing is gone
            shown[verdict.truth].append(judged)
    return shown, strangers


def _scattered(thing: int) -> float:
    """A thing's place in 0..1 for good; any row of things is spread evenly, by the golden ratio.

    So what one tuning learned is not held out in the next, when the gallery has grown: the model
    that learned it would be judged by what it knows.
    """
    return thing * (5**0.5 - 1) / 2 % 1


def _pixels(
    gallery: Gallery, seen: Preprocessing, pictures: Sequence[_Shown], console: Console
) -> Pixels:
    """(N, S, S, C) uint8, in order."""

    def read(picture: _Shown) -> Pixels:
        source = picture.source
        kept = source if isinstance(source, bytes) else gallery.picture(source)
        assert kept is not None
        return read_picture(kept, name=f"the kept picture of {picture.told}").pixels(seen)

    pixels = np.empty((len(pictures), seen.size, seen.size, seen.channels), np.uint8)
    row = 0
    with progress_of("reading pictures", len(pictures), console) as advance:
        for batch in read_ahead(pictures, read, batch_size=BATCH):
            for _, made in batch:
                if isinstance(made, PictureError):
                    raise GalleryError(f"tuning cannot learn from this gallery: {made}") from made
                pixels[row] = made
                row += 1
                advance()
    return pixels
