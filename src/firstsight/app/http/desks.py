"""All desks of a server, and what they share: one network a model, one pool that decodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from firstsight.app.http.batching import Batcher
from firstsight.app.http.desk import Desk
from firstsight.app.http.settings import Settings
from firstsight.errors import NotInGallery
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.places import gallery_place
from firstsight.model.embedder import load
from firstsight.recognition.recognizer import Policy, Recognizer

__all__ = ["Desks"]

READERS = 2  # threads; a small picture takes less than a millisecond of one


class Desks(Mapping[str, Desk]):
    """The desks by the names of their galleries, in the order of the settings."""

    def __init__(self, settings: Settings) -> None:
        """Opens every gallery, and makes those that are not there yet."""
        self._settings = settings
        self._policy = Policy(settings.false_accepts, settings.decoding)
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="reading")
        self._batchers: dict[str, Batcher] = {}
        self._desks: dict[str, Desk] = {}
        try:
            for gallery in settings.galleries:
                desk = self._open(gallery)
                self._desks[desk.name] = desk
        except BaseException:
            self.close()
            raise

    def __getitem__(self, name: str) -> Desk:
        """NotInGallery where no gallery of that name is served."""
        try:
            return self._desks[name]
        except KeyError:
            served = ", ".join(repr(each) for each in self._desks)
            raise NotInGallery(
                f"this server has no gallery named {name!r}; it serves {served}"
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._desks)

    def __len__(self) -> int:
        return len(self._desks)

    @property
    def first(self) -> Desk:
        """The one that answers where a request names no gallery."""
        return next(iter(self._desks.values()))

    def close(self) -> None:
        """End when everything that was asked is done."""
        self._pool.shutdown(wait=True)
        for batcher in self._batchers.values():
            batcher.close()
        for desk in self._desks.values():
            desk.close()

    def _open(self, gallery: str) -> Desk:
        Recognizer.open(gallery, policy=self._policy).close()  # makes it where there is none
        place = gallery_place(gallery)
        with Gallery.open(place) as held:
            model = held.info.model
        batcher = self._batchers.get(model.fingerprint)
        if batcher is None:
            batcher = Batcher(load(model.place, threads=self._settings.threads or 1), self._pool)
            self._batchers[model.fingerprint] = batcher
        embedder = batcher.embedder

        def open_recognizer(*, waits: bool = True) -> Recognizer:
            return Recognizer(Gallery.open(place), embedder, self._policy, waits=waits)

        return Desk(place.name, batcher, self._pool, open_recognizer)
