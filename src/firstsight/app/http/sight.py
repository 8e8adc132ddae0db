"""Pictures into vectors, without blocking the event loop.

A picture is read in a pool of threads, and embedded by the `Batcher` together with what else waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from firstsight.app.http.batching import Batcher, Question
from firstsight.errors import PictureError
from firstsight.images.decode import DecodeLimits
from firstsight.images.reading import Crop, Reading, read_picture
from firstsight.model.embedder import Embedder
from firstsight.recognition.enrolling import Entry, Prepared

__all__ = ["Picture", "Seen", "Sight"]

Result = TypeVar("Result")
Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Seen = tuple[Reading, Floats]  # a picture that was read, and its vector (D,)


@dataclass(frozen=True)
class Picture:
    """A picture as it arrived: what its sender calls it (never a path here), and its bytes."""

    name: str
    data: bytes


class Sight:
    """How one model sees pictures; PictureError for those that cannot be read."""

    def __init__(self, batcher: Batcher, pool: ThreadPoolExecutor, limits: DecodeLimits) -> None:
        """pool: where pictures are decoded. limits: the largest worth decoding."""
        self._batcher, self._pool, self._limits = batcher, pool, limits
        self._seen_as = batcher.embedder.info.preprocessing

    @property
    def embedder(self) -> Embedder:
        return self._batcher.embedder

    async def asked(
        self,
        picture: Picture,
        crop: Crop | None,
        answer: Callable[[Sequence[Seen]], Sequence[Result]],
    ) -> Result:
        """What `answer` makes of it, and of whatever is asked with it: see `Question`."""

        def read() -> tuple[Reading, Pixels]:
            reading = self._read(picture, crop)
            return reading, reading.pixels(self._seen_as)

        return await self._batcher.ask(Question(read, answer))

    async def seen(self, picture: Picture, crop: Crop | None = None) -> Seen:
        return await self.asked(picture, crop, _as_they_are)

    async def prepared(
        self, thing: str, pictures: Sequence[Picture], *, keeps_pictures: bool
    ) -> tuple[list[tuple[Entry, Prepared | PictureError]], list[Floats]]:
        """What an enroller wants of each picture, and the vectors of those that can be read."""

        async def one(picture: Picture) -> tuple[Prepared | PictureError, Floats | None]:
            def read() -> tuple[Prepared, Pixels]:
                reading = self._read(picture, None)
                made = Prepared.of(reading, self._seen_as, keeps_picture=keeps_pictures)
                return made, made.pixels

            try:
                return await self._batcher.ask(Question(read, _as_they_are))
            except PictureError as trouble:
                return trouble, None

        made = await asyncio.gather(*map(one, pictures))
        entries = [Entry(each.data, thing, each.name) for each in pictures]
        batch = [(entry, result) for entry, (result, _) in zip(entries, made, strict=True)]
        return batch, [vector for _, vector in made if vector is not None]

    async def small_copy(self, picture: Picture) -> bytes:
        """As a gallery keeps them: at most 384 px along its longer side, without metadata."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._read(picture, None).kept())

    def _read(self, picture: Picture, crop: Crop | None) -> Reading:
        return read_picture(picture.data, limits=self._limits, crop=crop, name=picture.name)


def _as_they_are(asked: Sequence[Result]) -> Sequence[Result]:
    return asked
