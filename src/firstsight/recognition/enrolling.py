"""Pictures into a gallery: read, judged, embedded and stored, each with a result of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from firstsight.errors import PictureError, UsageError
from firstsight.gallery.enrolling import EnrolledElsewhere
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.names import thing_name
from firstsight.gallery.records import Enrolled, NewPhoto
from firstsight.images.decode import PictureLike
from firstsight.images.preprocess import Preprocessing
from firstsight.images.reading import Reading
from firstsight.model.embedder import Embedder
from firstsight.recognition.ahead import embed_ahead
from firstsight.recognition.answers import Enrollment, Status

__all__ = ["Enroller", "Entry", "Prepared"]

BATCH = 32


@dataclass(frozen=True)
class Entry:
    """A picture and the name of the thing it shows."""

    picture: PictureLike
    thing: str
    name: str


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a thread makes of a picture before the network sees it."""

    reading: Reading
    pixels: np.ndarray  # (H, W, C) uint8
    kept: bytes | None

    @classmethod
    def of(cls, reading: Reading, seen: Preprocessing, *, keeps_picture: bool) -> Prepared:
        """seen: how the network sees pictures. PictureError where the picture is damaged."""
        return cls(reading, reading.pixels(seen), reading.kept() if keeps_picture else None)


class Misnamed(PictureError):
    """A picture whose thing cannot have the name that it was to get."""


class Advice(Protocol):
    """What is likely to go wrong: a sentence, and whether it will ("warning") or may ("advice")."""

    @property
    def severity(self) -> str: ...

    @property
    def told(self) -> str: ...


Advise = Callable[[str, Prepared, NewPhoto], Sequence[Advice]]


@dataclass(frozen=True, eq=False)
class Enroller:
    """prepare: reads one picture; PictureError where it cannot.

    advise: what is likely to go wrong with a new photo, before it is saved; None for no advice.
    careful: photos with a warning are not saved. keep: False saves nothing at all, and says what
    saving would.
    """

    gallery: Gallery
    embedder: Embedder
    prepare: Callable[[Entry], Prepared]
    advise: Advise | None = None
    careful: bool = False
    keep: bool = True
    # Contents that would have been saved by now, and the things that would have them.
    _foreseen: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def each(self, entries: Iterable[Entry]) -> Iterator[Enrollment]:
        """Save what can be saved, batch by batch; what was yielded as new is on the disk."""
        for results, photos in self._judged(entries):
            yield from self._saved(results, photos, partial=True)

    def all_or_nothing(self, entries: Iterable[Entry]) -> list[Enrollment]:
        """Save every picture in one step, or none where one of them fails."""
        results: list[Enrollment] = []
        photos: list[NewPhoto | None] = []
        for judged, made in self._judged(entries):
            results += judged
            photos += made
        if any(photo is None for photo in photos) and self.keep:
            return _left_out(results, photos)
        return list(self._saved(results, photos, partial=False))

    def embedded(
        self,
        batch: list[tuple[Entry, Prepared | PictureError]],
        vectors: Iterable[np.ndarray],
        *,
        partial: bool = True,
    ) -> list[Enrollment]:
        """Save, in one step, pictures that were prepared and embedded already.

        vectors: (D,) of each one that was prepared, in order. partial: as in `Recognizer.enroll`.
        """
        results, photos = self._judged_by(batch, vectors)
        if not partial and self.keep and any(photo is None for photo in photos):
            return _left_out(results, photos)
        return list(self._saved(results, photos, partial=partial))

    def _judged(
        self, entries: Iterable[Entry]
    ) -> Iterator[tuple[list[Enrollment], list[NewPhoto | None]]]:
        """Batch by batch, as `_judged_by`."""

        def read(entry: Entry) -> tuple[Prepared, np.ndarray]:
            _require_name(entry)
            made = self.prepare(entry)
            return made, made.pixels

        for batch in embed_ahead(entries, read, self.embedder, batch_size=BATCH):
            good = [made for _, made in batch if not isinstance(made, PictureError)]
            prepared = [
                (entry, made if isinstance(made, PictureError) else made[0])
                for entry, made in batch
            ]
            yield self._judged_by(prepared, [vector for _, vector in good])

    def _judged_by(
        self, batch: list[tuple[Entry, Prepared | PictureError]], embedded: Iterable[np.ndarray]
    ) -> tuple[list[Enrollment], list[NewPhoto | None]]:
        """Results as far as they are known before saving; None for a photo not to be saved."""
        vectors = iter(embedded)
        results: list[Enrollment] = []
        photos: list[NewPhoto | None] = []
        for entry, made in batch:
            if isinstance(made, PictureError):
                fault: Status = "misnamed" if isinstance(made, Misnamed) else "unreadable"
                results.append(Enrollment(entry.name, entry.thing, fault, trouble=str(made)))
                photos.append(None)
                continue
            thing = thing_name(entry.thing)
            photo = _new_photo(entry, made, next(vectors))
            advice = self.advise(thing, made, photo) if self.advise else ()
            refused = self.careful and any(each.severity == "warning" for each in advice)
            status: Status = "refused" if refused else "checked"
            told = tuple(each.told for each in advice)
            results.append(Enrollment(entry.name, thing, status, advice=told))
            photos.append(None if refused else photo)
        return results, photos

    def _saved(
        self, results: list[Enrollment], photos: list[NewPhoto | None], *, partial: bool
    ) -> Iterator[Enrollment]:
        if not self.keep:
            return iter(
                [
                    each if photo is None else self._foretold(each, photo)
                    for each, photo in zip(results, photos, strict=True)
                ]
            )
        pairs = [
            (each.thing, photo)
            for each, photo in zip(results, photos, strict=True)
            if photo is not None
        ]
        if not pairs:
            return iter(results)
        try:
            stored = iter(self.gallery.enroll(pairs, partial=partial))
        except EnrolledElsewhere as trouble:
            told = str(trouble)
            return iter([replace(each, status="left out", trouble=told) for each in results])
        return iter(
            [
                each if photo is None else _with(each, next(stored))
                for each, photo in zip(results, photos, strict=True)
            ]
        )

    def _foretold(self, result: Enrollment, photo: NewPhoto) -> Enrollment:
        held = self.gallery.holds(photo.digest)
        if held is not None:
            if held.thing == result.thing:
                return replace(result, status="already", photo=held.id)
            return replace(result, status="elsewhere", photo=held.id, holder=held.thing)
        first = self._foreseen.setdefault(photo.digest, result.thing)
        if first == result.thing:
            return result
        return replace(result, status="elsewhere", holder=first)


def _left_out(results: list[Enrollment], photos: list[NewPhoto | None]) -> list[Enrollment]:
    return [
        each if photo is None else replace(each, status="left out")
        for each, photo in zip(results, photos, strict=True)
    ]


def _with(result: Enrollment, stored: Enrolled) -> Enrollment:
    holder = stored.thing if stored.status == "elsewhere" else None
    return replace(result, status=stored.status, photo=stored.photo, holder=holder)


def _require_name(entry: Entry) -> None:
    """Misnamed, before the picture is read."""
    try:
        thing_name(entry.thing)
    except UsageError as flaw:
        # A path with a line break in it would make two lines of one sentence.
        shown = entry.name if entry.name.isprintable() else repr(entry.name)
        raise Misnamed(f"{shown} was left out: {flaw}") from flaw


def _new_photo(entry: Entry, made: Prepared, vector: np.ndarray) -> NewPhoto:
    width, height = made.reading.size
    return NewPhoto(
        digest=made.reading.digest,
        source=entry.name,
        width_px=width,
        height_px=height,
        vector=vector,
        kept=made.kept,
    )
