"""What changes a gallery; each change is on the disk when its method returns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from firstsight.app.http.clerk import Clerk
from firstsight.app.http.sight import Picture, Sight
from firstsight.errors import GalleryError, PictureError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Receipt
from firstsight.images.reading import Crop
from firstsight.recognition.answers import Answer, Enrollment
from firstsight.recognition.recognizer import Recognizer

__all__ = ["Changes", "Judged", "photo_kept"]

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class Judged:
    """A person's word, recorded: the verdict's number, the answer it is on, and what follows.

    answer, estimate: as JSON.
    """

    verdict: int
    answer: dict[str, Any]
    estimate: dict[str, Any]


class Changes:
    """To one gallery, one after another.

    receipt: where it was kept before, a method gives what was done then, and does nothing.
    """

    def __init__(self, sight: Sight, writing: Clerk, *, keeps_pictures: bool) -> None:
        self._sight, self._writing, self._keeps_pictures = sight, writing, keeps_pictures

    async def make(
        self, act: Callable[[Gallery], Result], *, receipt: Receipt | None = None
    ) -> Result:
        """Any change; where there is a receipt, what `act` gives must be JSON."""
        return await self._writing.do(
            lambda recognizer: _once(recognizer, receipt, lambda: act(recognizer.gallery))
        )

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
        """
        batch, vectors = await self._sight.prepared(
            thing, pictures, keeps_pictures=self._keeps_pictures
        )

        def keep(recognizer: Recognizer) -> list[Enrollment]:
            recognizer.require_own_model()
            enroller = recognizer.enroller(careful=careful)

            def act() -> list[dict[str, Any]]:
                results = enroller.embedded(batch, vectors, partial=partial)
                return [each.to_json() for each in results]

            return [Enrollment.from_json(each) for each in _once(recognizer, receipt, act)]

        return await self._writing.do(keep)

    async def confirm(
        self,
        picture: Picture,
        name: str | None = None,
        *,
        crop: Crop | None = None,
        receipt: Receipt | None = None,
    ) -> Judged:
        """The name given to this picture is right; `name` says which, where settings differed."""
        return await self._judge(
            picture, crop, receipt, lambda recognizer, it: recognizer.confirm(it, name)
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

    async def introduce(self, picture: Picture, thing: str) -> tuple[int, int]:
        """The name given is wrong, and the picture is the first photo of a new thing.

        Gives the numbers of the verdict and of the photo, which are kept both or neither:
        GalleryError where this very picture is enrolled under another name.
        """
        batch, vectors = await self._sight.prepared(
            thing, [picture], keeps_pictures=self._keeps_pictures
        )
        ((_, made),) = batch
        if isinstance(made, PictureError):
            raise made

        def keep(recognizer: Recognizer) -> tuple[int, int]:
            recognizer.settle()  # or its thresholds would be estimated while other writers wait
            with recognizer.gallery.together():
                verdict = recognizer.deny(recognizer.answer(made.reading, vectors[0]))
                (result,) = recognizer.enroller().embedded(batch, vectors)
                return verdict, photo_kept(result)

        return await self._writing.do(keep)

    async def _judge(
        self,
        picture: Picture,
        crop: Crop | None,
        receipt: Receipt | None,
        say: Callable[[Recognizer, Answer], int],
    ) -> Judged:
        reading, vector = await self._sight.seen(picture, crop)

        def judge(recognizer: Recognizer) -> Judged:
            recognizer.settle()  # or thresholds would be estimated while other writers wait

            def act() -> dict[str, Any]:
                answer = recognizer.answer(reading, vector)
                return {"verdict": say(recognizer, answer), "answer": answer.to_json()}

            told = _once(recognizer, receipt, act)
            if isinstance(told, int):  # kept by a version that kept the verdict's number alone
                told = {"verdict": told, "answer": recognizer.answer(reading, vector).to_json()}
            if "estimate" not in told:
                told["estimate"] = recognizer.estimate().to_json()
                if receipt is not None:
                    recognizer.gallery.retell(receipt, told)
            return Judged(**told)

        return await self._writing.do(judge)


def photo_kept(result: Enrollment) -> int:
    """The number of the photo that now holds the picture; GalleryError where none does."""
    if result.status == "elsewhere":
        raise GalleryError(f"exactly this picture is here already, as {result.holder}")
    if not result.done or result.photo is None:
        raise GalleryError(result.trouble or "the picture was not kept; try again")
    return result.photo


def _once(recognizer: Recognizer, receipt: Receipt | None, act: Callable[[], Result]) -> Result:
    if receipt is None:
        return act()
    answer: Result = recognizer.gallery.once(receipt, act)[0]
    return answer
