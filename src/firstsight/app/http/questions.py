"""What can be asked about pictures, and of a gallery as a whole; nothing here changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from firstsight.app.http.clerks import Clerks
from firstsight.app.http.sight import Picture, Seen, Sight
from firstsight.deciding.estimated import Estimate
from firstsight.errors import PictureError
from firstsight.gallery.doctor import Examination
from firstsight.gallery.records import GalleryInfo
from firstsight.images.reading import Crop, Reading
from firstsight.recognition.answers import Answer, Comparison, Enrollment, Match, Unreadable
from firstsight.recognition.comparing import compare_vectors
from firstsight.recognition.recognizer import Recognizer

if TYPE_CHECKING:
    from firstsight.drawing.why import Matched

__all__ = ["Overview", "Questions", "Why"]

Result = TypeVar("Result")
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Overview:
    """A gallery at a glance. estimate: None where nothing is enrolled yet."""

    info: GalleryInfo
    n_things: int
    n_photos: int
    estimate: Estimate | None


@dataclass(frozen=True, eq=False)
class Why:
    """What made a picture match. sentence: for a person. sheet: a PNG file, drawn. match: the
    maps that it was drawn from."""

    answer: Answer
    sentence: str
    sheet: bytes
    match: Matched


class Questions:
    """About one gallery, by its own model."""

    def __init__(self, sight: Sight, clerks: Clerks) -> None:
        self._sight, self._clerks = sight, clerks
        self._looks_again = clerks.answering.now(lambda recognizer: recognizer.looks_again)

    async def identify(
        self,
        picture: Picture,
        *,
        crop: Crop | None = None,
        false_accepts: float | None = None,
        closed_set: bool = False,
    ) -> Answer:
        """Which thing is it? PictureError where it cannot be read, GalleryError where the gallery
        is empty.

        false_accepts: another share than the server's; the first answer at it takes its time.
        closed_set: the picture shows one of the things; it goes by no threshold.
        """
        if false_accepts is not None:
            reading, vector = await self._sight.seen(picture, crop)
            return await self._clerks.pondering.do(
                lambda recognizer: recognizer.answer(reading, vector, false_accepts=false_accepts)
            )
        answering = self._answered_of_these if closed_set else self._answered
        answer, is_settled = await self._sight.asked(picture, crop, answering)
        if not is_settled:
            self._clerks.settle()
        if answer.decision == "known" or not self._looks_again:
            return answer
        reading, vector = answer.asked.reading, answer.asked.vector
        return await self._clerks.looking_again.do(
            lambda recognizer: recognizer.answer(reading, vector, closed_set=closed_set)
        )

    async def identify_many(
        self,
        pictures: Sequence[Picture],
        *,
        crop: Crop | None = None,
        false_accepts: float | None = None,
        closed_set: bool = False,
    ) -> list[Answer | Unreadable]:
        """An answer for each, in order; one that cannot be read does not stop the rest."""
        return await _each(
            pictures,
            lambda picture: self.identify(
                picture, crop=crop, false_accepts=false_accepts, closed_set=closed_set
            ),
        )

    async def verify(
        self, a: Picture, b: Picture, *, false_matches: float | None = None
    ) -> Comparison:
        """Do two pictures show the same thing, by this gallery's model?"""
        (one, first), (other, second) = await asyncio.gather(
            self._sight.seen(a), self._sight.seen(b)
        )

        def compared() -> Comparison:
            return compare_vectors(
                self._sight.embedder,
                (one, other),
                (first, second),
                false_matches=false_matches,
                second_look=self._looks_again,
            )

        return await asyncio.to_thread(compared)  # a second look takes its time

    async def search(
        self,
        picture: Picture,
        k: int = 5,
        *,
        one_per_thing: bool = False,
        crop: Crop | None = None,
    ) -> list[Match]:
        """The k most similar photos, nearest first; GalleryError where the gallery is empty."""
        reading, vector = await self._sight.seen(picture, crop)
        return await self._clerks.looking_again.do(
            lambda recognizer: recognizer.alike(
                vector, k, one_per_thing=one_per_thing, reading=reading
            )
        )

    async def embed(self, pictures: Sequence[Picture]) -> list[Floats | Unreadable]:
        """(D,) of each picture, in order, by this gallery's model."""

        async def one(picture: Picture) -> Floats:
            return (await self._sight.seen(picture))[1]

        return await _each(pictures, one)

    async def small_copy(self, picture: Picture) -> bytes:
        """As a gallery keeps them: at most 384 px along its longer side, without metadata."""
        return await self._sight.small_copy(picture)

    async def why(self, picture: Picture, *, crop: Crop | None = None) -> Why:
        """What made it match, on both pictures, and what the nearest rival is; takes a second."""
        reading, vector = await self._sight.seen(picture, crop)
        return await self._clerks.pondering.do(lambda recognizer: _why(recognizer, reading, vector))

    async def advice(self, thing: str, pictures: Sequence[Picture]) -> list[Enrollment]:
        """What is likely to go wrong with these photos of `thing`; nothing is saved.

        Status "checked", with `advice`; "already" or "elsewhere" where the same content is there;
        "unreadable" with `trouble`.
        """
        batch, vectors = await self._sight.prepared(thing, pictures, keeps_pictures=False)

        def check(recognizer: Recognizer) -> list[Enrollment]:
            return recognizer.enroller(keep=False, advises=True).embedded(batch, vectors)

        return await self._clerks.pondering.do(check)

    async def examine(self) -> Examination:
        """What the doctor says of the whole gallery."""
        return await self._clerks.pondering.do(lambda recognizer: recognizer.examine())

    async def estimates(self, shares: Sequence[float]) -> list[Estimate]:
        """The thresholds for other shares of false accepts; GalleryError for an empty gallery."""
        return await self._clerks.pondering.do(
            lambda recognizer: [recognizer.estimate(share) for share in shares]
        )

    async def overview(self) -> Overview:
        def look(recognizer: Recognizer) -> Overview:
            gallery = recognizer.gallery
            n_things, n_photos = gallery.counts()
            estimate = recognizer.estimate() if n_photos else None
            return Overview(gallery.info, n_things, n_photos, estimate)

        return await self._clerks.pondering.do(look)

    def _answered(
        self, asked: Sequence[Seen], *, closed_set: bool = False
    ) -> list[tuple[Answer, bool]]:
        """Each answer, and whether it rests on thresholds of its own moment."""

        def answers(recognizer: Recognizer) -> list[tuple[Answer, bool]]:
            found = recognizer.answers(asked, closed_set=closed_set, second_look=False)
            return [(answer, recognizer.is_settled) for answer in found]

        return self._clerks.answering.now(answers)

    def _answered_of_these(self, asked: Sequence[Seen]) -> list[tuple[Answer, bool]]:
        return self._answered(asked, closed_set=True)


async def _each(
    pictures: Sequence[Picture], ask: Callable[[Picture], Awaitable[Result]]
) -> list[Result | Unreadable]:
    """What is answered to each, in order; one that cannot be read does not stop the rest."""

    async def one(picture: Picture) -> Result | Unreadable:
        try:
            return await ask(picture)
        except PictureError as trouble:
            return Unreadable(picture.name, str(trouble))

    return list(await asyncio.gather(*map(one, pictures)))


def _why(recognizer: Recognizer, reading: Reading, vector: Floats) -> Why:
    from firstsight.app.picturing import explain
    from firstsight.drawing.why import why_sentence, why_sheet

    answer = recognizer.answer(reading, vector)
    match = explain(recognizer, reading, answer)
    sheet = BytesIO()
    why_sheet(match).save(sheet, "PNG")
    return Why(answer, why_sentence(match), sheet.getvalue(), match)
