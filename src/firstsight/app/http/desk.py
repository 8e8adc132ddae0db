"""The desk of one gallery: everything that can be asked of it, without blocking the event loop.

Whoever serves people over HTTP, the API and the page alike, speaks to a `Desk` and to nothing
below it. Its methods are coroutines; they raise what the library raises (firstsight/errors.py), in
sentences for people, and `answering_errors` turns those into responses.

A picture is read in a pool of threads, embedded by the `Batcher` together with what else waits,
and compared right there. Other clerks, each on a connection of its own, so that answers never
wait for them, look things up, make changes, and do what takes long (why, the doctor). Thresholds
after a change are estimated by one more: until it is done, a few tenths of a second at a thousand
photos, answers go by those of before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from firstsight.app.http.batching import Batcher, Question
from firstsight.app.http.clerk import Clerk
from firstsight.deciding.estimated import Estimate
from firstsight.errors import PictureError
from firstsight.gallery.doctor import Examination
from firstsight.gallery.forgetting import Forgotten
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import GalleryInfo, Photo, Receipt, Step, Thing, Verdict
from firstsight.images.reading import Crop, Reading, read_picture
from firstsight.model.info import ModelInfo
from firstsight.recognition.answers import Answer, Comparison, Enrollment, Match, Unreadable
from firstsight.recognition.comparing import compare_vectors
from firstsight.recognition.enrolling import Entry, Prepared
from firstsight.recognition.recognizer import Recognizer

if TYPE_CHECKING:
    from firstsight.drawing.why import Matched

__all__ = ["Desk", "Judged", "Overview", "Picture", "Why"]

Result = TypeVar("Result")
Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A picture as it arrived: what its sender calls it (never a path here), and its bytes."""

    name: str
    data: bytes


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


@dataclass(frozen=True, eq=False)
class Judged:
    """A person's word, recorded: the verdict's number, the answer it is on, and what follows."""

    verdict: int
    answer: Answer
    estimate: Estimate


class OpenRecognizer(Protocol):
    """Opens the gallery once more; `waits` as `Recognizer` has it."""

    def __call__(self, *, waits: bool = True) -> Recognizer: ...


class Desk:
    """One gallery's desk. `Desks` opens and closes them."""

    def __init__(
        self,
        name: str,
        batcher: Batcher,
        pool: ThreadPoolExecutor,
        open_recognizer: OpenRecognizer,
    ) -> None:
        """pool: where pictures are decoded. open_recognizer: opens the gallery once more."""
        self.name = name
        self._batcher, self._pool = batcher, pool
        self._seen_as = batcher.embedder.info.preprocessing
        recognizer = open_recognizer(waits=False)
        self._limits = recognizer.policy.limits
        self.keeps_pictures = recognizer.gallery.info.keeps_pictures
        self._answering = Clerk("answering", recognizer)
        self._looking = Clerk("looking", open_recognizer())
        self._writing = Clerk("writing", open_recognizer())
        self._pondering = Clerk("pondering", open_recognizer())
        self._settling = Clerk("settling", open_recognizer())
        self._is_settling = False

    def close(self) -> None:
        for clerk in (
            self._answering,
            self._looking,
            self._writing,
            self._pondering,
            self._settling,
        ):
            clerk.close()

    @property
    def model(self) -> ModelInfo:
        """What is known of the gallery's model."""
        return self._batcher.embedder.info

    # Questions about pictures.

    async def identify(
        self, picture: Picture, *, crop: Crop | None = None, false_accepts: float | None = None
    ) -> Answer:
        """Which thing is it? PictureError where it cannot be read, GalleryError where the gallery
        is empty.

        false_accepts: another share than the server's; the first answer at it takes its time.
        """
        if false_accepts is not None:
            reading, vector = await self._seen(picture, crop)
            return await self._pondering.do(
                lambda recognizer: recognizer.answer(reading, vector, false_accepts=false_accepts)
            )

        def answer(reading: Reading, vector: Floats) -> tuple[Answer, bool]:
            return self._answering.now(
                lambda recognizer: (recognizer.answer(reading, vector), recognizer.is_settled)
            )

        answered, is_settled = await self._asked(picture, crop, answer)
        if not is_settled and not self._is_settling:
            self._is_settling = True
            self._settler = asyncio.create_task(self._settle())
        return answered

    async def identify_many(
        self,
        pictures: Sequence[Picture],
        *,
        crop: Crop | None = None,
        false_accepts: float | None = None,
    ) -> list[Answer | Unreadable]:
        """An answer for each, in order; one that cannot be read does not stop the rest."""

        async def one(picture: Picture) -> Answer | Unreadable:
            try:
                return await self.identify(picture, crop=crop, false_accepts=false_accepts)
            except PictureError as trouble:
                return Unreadable(picture.name, str(trouble))

        return list(await asyncio.gather(*map(one, pictures)))

    async def verify(
        self, a: Picture, b: Picture, *, false_matches: float | None = None
    ) -> Comparison:
        """Do two pictures show the same thing, by this gallery's model?"""
        (_, first), (_, second) = await asyncio.gather(self._seen(a, None), self._seen(b, None))
        return compare_vectors(
            self._batcher.embedder, (a.name, b.name), (first, second), false_matches=false_matches
        )

    async def search(
        self,
        picture: Picture,
        k: int = 5,
        *,
        one_per_thing: bool = False,
        crop: Crop | None = None,
    ) -> list[Match]:
        """The k most similar photos, nearest first; GalleryError where the gallery is empty."""

        def answer(_: Reading, vector: Floats) -> list[Match]:
            return self._answering.now(
                lambda recognizer: recognizer.alike(vector, k, one_per_thing=one_per_thing)
            )

        return await self._asked(picture, crop, answer)

    async def embed(self, pictures: Sequence[Picture]) -> list[Floats | Unreadable]:
        """(D,) of each picture, in order, by this gallery's model."""

        async def one(picture: Picture) -> Floats | Unreadable:
            try:
                return (await self._seen(picture, None))[1]
            except PictureError as trouble:
                return Unreadable(picture.name, str(trouble))

        return list(await asyncio.gather(*map(one, pictures)))

    async def small_copy(self, picture: Picture) -> bytes:
        """As a gallery keeps them: at most 384 px along its longer side, without metadata."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._pool,
            lambda: read_picture(picture.data, limits=self._limits, name=picture.name).kept(),
        )

    async def why(self, picture: Picture, *, crop: Crop | None = None) -> Why:
        """What made it match, on both pictures, and what the nearest rival is; takes a second."""
        reading, vector = await self._seen(picture, crop)
        return await self._pondering.do(lambda recognizer: _why(recognizer, reading, vector))

    async def advice(self, thing: str, pictures: Sequence[Picture]) -> list[Enrollment]:
        """What is likely to go wrong with these photos of `thing`; nothing is saved.

        Status "checked" with `advice`, or "unreadable" with `trouble`.
        """
        batch, vectors = await self._prepared(thing, pictures)

        def check(recognizer: Recognizer) -> list[Enrollment]:
            return recognizer.enroller(keep=False, advises=True).embedded(batch, vectors)

        return await self._pondering.do(check)

    async def examine(self) -> Examination:
        """What the doctor says of the whole gallery."""
        return await self._pondering.do(lambda recognizer: recognizer.examine())

    async def estimate(self) -> Estimate:
        """The thresholds in force, their rates and intervals; GalleryError for an empty gallery."""
        return await self._pondering.do(lambda recognizer: recognizer.estimate())

    async def estimates(self, shares: Sequence[float]) -> list[Estimate]:
        """As `estimate`, for other shares of false accepts."""
        return await self._pondering.do(
            lambda recognizer: [recognizer.estimate(share) for share in shares]
        )

    async def overview(self) -> Overview:
        def look(recognizer: Recognizer) -> Overview:
            gallery = recognizer.gallery
            n_things, n_photos = gallery.counts()
            estimate = recognizer.estimate() if n_photos else None
            return Overview(gallery.info, n_things, n_photos, estimate)

        return await self._pondering.do(look)

    # What it holds.

    async def things(
        self, *, containing: str = "", offset: int = 0, limit: int | None = 50
    ) -> list[Thing]:
        """By name; those with `containing` in name, notes or a tag."""
        return await self._looked(
            lambda gallery: gallery.things(containing=containing, offset=offset, limit=limit)
        )

    async def things_after(
        self, name: str, n: int, *, containing: str = ""
    ) -> tuple[list[Thing], dict[int, int]]:
        """The next `n` things after the one of that name, and a photo's number to show each by."""

        def look(gallery: Gallery) -> tuple[list[Thing], dict[int, int]]:
            found = gallery.things_after(name, n, containing=containing)
            return found, gallery.covers(each.id for each in found)

        return await self._looked(look)

    async def photos_after(self, name: str, photo_id: int, n: int) -> list[Photo]:
        """The next `n` photos of a thing after the one of that number."""
        return await self._looked(lambda gallery: gallery.photos_after(name, photo_id, n))

    async def thing(self, name: str) -> Thing:
        return await self._looked(lambda gallery: gallery.thing(name))

    async def photos(self, name: str) -> list[Photo]:
        """Those of one thing, the oldest first."""
        return await self._looked(lambda gallery: gallery.photos(name))

    async def photo(self, photo_id: int) -> Photo:
        return await self._looked(lambda gallery: gallery.photo(photo_id))

    async def kept_picture(self, photo_id: int) -> bytes | None:
        """The small picture kept of a photo, encoded; None where none was kept."""
        return await self._looked(lambda gallery: gallery.picture(photo_id))

    async def steps(self, limit: int = 20) -> list[Step]:
        """The last steps that can be undone, the newest first."""
        return await self._looked(lambda gallery: gallery.steps(limit))

    async def verdicts(self) -> list[Verdict]:
        return await self._looked(lambda gallery: gallery.verdicts())

    # Changes; each is on the disk when its method returns.

    async def enroll(
        self,
        thing: str,
        pictures: Sequence[Picture],
        *,
        careful: bool = False,
        partial: bool = True,
        receipt: Receipt | None = None,
    ) -> list[Enrollment]:
        """Show pictures of a thing, old or new: one step, and a result for each, in order.

        careful: do not save what the doctor warns of. partial: False saves all or none.
        receipt: where it was kept before, gives what was done then and does nothing.
        """
        batch, vectors = await self._prepared(thing, pictures)

        def keep(recognizer: Recognizer) -> list[Enrollment]:
            recognizer.require_own_model()
            enroller = recognizer.enroller(careful=careful)

            def act() -> list[dict[str, Any]]:
                results = enroller.embedded(batch, vectors, partial=partial)
                return [each.to_json() for each in results]

            return [Enrollment.from_json(each) for each in _once(recognizer, receipt, act)]

        return await self._writing.do(keep)

    async def change(
        self, act: Callable[[Gallery], Result], *, receipt: Receipt | None = None
    ) -> Result:
        """Any change, in its turn; where there is a receipt, what `act` gives must be JSON."""
        return await self._writing.do(
            lambda recognizer: _once(recognizer, receipt, lambda: act(recognizer.gallery))
        )

    async def describe(
        self, name: str, *, notes: str | None = None, tags: Sequence[str] | None = None
    ) -> None:
        await self._changed(lambda gallery: gallery.describe(name, notes=notes, tags=tags))

    async def rename(self, old: str, new: str) -> None:
        await self._changed(lambda gallery: gallery.rename(old, new))

    async def merge(self, name: str, *, into: str) -> None:
        await self._changed(lambda gallery: gallery.merge(name, into=into))

    async def unmerge(self, name: str) -> None:
        await self._changed(lambda gallery: gallery.unmerge(name))

    async def move(self, photo_id: int, to: str) -> None:
        await self._changed(lambda gallery: gallery.move(photo_id, to))

    async def remove(self, name: str) -> None:
        """Take a thing out; `undo` brings it back."""
        await self._changed(lambda gallery: gallery.remove(name))

    async def remove_photo(self, photo_id: int) -> None:
        await self._changed(lambda gallery: gallery.remove_photo(photo_id))

    async def forget(self, name: str) -> Forgotten:
        """Erase a thing for good; nothing brings it back."""
        return await self._changed(lambda gallery: gallery.forget(name))

    async def forget_photo(self, photo_id: int) -> Forgotten:
        return await self._changed(lambda gallery: gallery.forget_photo(photo_id))

    async def undo(self, n: int = 1) -> list[Step]:
        """Take the last `n` steps back; gives them, the newest first."""
        return await self._changed(lambda gallery: gallery.undo(n))

    async def confirm(
        self, picture: Picture, *, crop: Crop | None = None, receipt: Receipt | None = None
    ) -> Judged:
        """The name given to this picture is right."""
        return await self._judge(
            picture, crop, receipt, lambda recognizer, it: recognizer.confirm(it)
        )

    async def deny(
        self,
        picture: Picture,
        truth: str | None = None,
        *,
        crop: Crop | None = None,
        receipt: Receipt | None = None,
    ) -> Judged:
        """The name given is wrong: the picture shows `truth`, or none of the things."""
        return await self._judge(
            picture, crop, receipt, lambda recognizer, it: recognizer.deny(it, truth)
        )

    async def withdraw(self, verdict_id: int) -> None:
        await self._changed(lambda gallery: gallery.withdraw(verdict_id))

    # How.

    async def _seen(self, picture: Picture, crop: Crop | None) -> tuple[Reading, Floats]:
        return await self._asked(picture, crop, lambda reading, vector: (reading, vector))

    async def _asked(
        self, picture: Picture, crop: Crop | None, answer: Callable[[Reading, Floats], Result]
    ) -> Result:
        """What `answer` makes of the picture and its vector; PictureError if it cannot be read."""
        return await self._batcher.ask(Question(lambda: self._read(picture, crop), answer))

    async def _settle(self) -> None:
        """New thresholds, while answers go on by those of before."""
        try:
            standing = await self._settling.do(lambda recognizer: recognizer.settle())
            await self._answering.do(lambda recognizer: recognizer.adopt(standing))
        finally:
            self._is_settling = False

    def _read(self, picture: Picture, crop: Crop | None) -> tuple[Reading, Pixels]:
        reading = read_picture(picture.data, limits=self._limits, crop=crop, name=picture.name)
        return reading, reading.pixels(self._seen_as)

    async def _prepared(
        self, thing: str, pictures: Sequence[Picture]
    ) -> tuple[list[tuple[Entry, Prepared | PictureError]], list[Floats]]:
        """What an enroller wants of each picture, and the vectors of those that can be read."""

        async def one(picture: Picture) -> tuple[Prepared | PictureError, Floats | None]:
            def read() -> tuple[Prepared, Pixels]:
                prepared = self._prepare(picture)
                return prepared, prepared.pixels

            try:
                return await self._batcher.ask(Question(read, lambda *made: made))
            except PictureError as trouble:
                return trouble, None

        made = await asyncio.gather(*map(one, pictures))
        entries = [Entry(each.data, thing, each.name) for each in pictures]
        batch = [(entry, result) for entry, (result, _) in zip(entries, made, strict=True)]
        return batch, [vector for _, vector in made if vector is not None]

    def _prepare(self, picture: Picture) -> Prepared:
        reading, pixels = self._read(picture, None)
        return Prepared(reading, pixels, reading.kept() if self.keeps_pictures else None)

    async def _judge(
        self,
        picture: Picture,
        crop: Crop | None,
        receipt: Receipt | None,
        say: Callable[[Recognizer, Answer], int],
    ) -> Judged:
        reading, vector = await self._seen(picture, crop)

        def judge(recognizer: Recognizer) -> Judged:
            answer = recognizer.answer(reading, vector)
            number = _once(recognizer, receipt, lambda: say(recognizer, answer))
            return Judged(number, answer, recognizer.estimate())

        return await self._writing.do(judge)

    async def look(self, look: Callable[[Gallery], Result]) -> Result:
        """Anything that only reads the gallery, and quickly."""
        return await self._looked(look)

    async def _looked(self, look: Callable[[Gallery], Result]) -> Result:
        return await self._looking.do(lambda recognizer: look(recognizer.gallery))

    async def _changed(self, change: Callable[[Gallery], Result]) -> Result:
        return await self._writing.do(lambda recognizer: change(recognizer.gallery))


def _once(recognizer: Recognizer, receipt: Receipt | None, act: Callable[[], Result]) -> Result:
    if receipt is None:
        return act()
    answer: Result = recognizer.gallery.once(receipt, act)[0]
    return answer


def _why(recognizer: Recognizer, reading: Reading, vector: Floats) -> Why:
    from firstsight.app.picturing import explain
    from firstsight.drawing.why import why_sentence, why_sheet

    answer = recognizer.answer(reading, vector)
    match = explain(recognizer, reading, answer)
    sheet = BytesIO()
    why_sheet(match).save(sheet, "PNG")
    return Why(answer, why_sentence(match), sheet.getvalue(), match)
