"""All desks of a server, and what they share: one network a model, one pool that reads pictures."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from firstsight.app.http.batching import Batcher
from firstsight.app.http.desk import Desk
from firstsight.app.http.settings import Settings
from firstsight.app.http.sight import Sight
from firstsight.errors import FirstsightError, GalleryError, NotInGallery, UsageError
from firstsight.gallery.connection import FILE
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.places import galleries_folder, gallery_place, list_galleries
from firstsight.model.embedder import load
from firstsight.model.folder import shipped_models
from firstsight.recognition.comparing import DEFAULT_MODEL
from firstsight.recognition.recognizer import Policy, Recognizer

__all__ = ["Desks"]

MOST_GALLERIES = 64  # each keeps five connections open
READERS = 2  # threads; a small picture takes less than a millisecond of one

_journal = logging.getLogger("firstsight.http")


class Desks(Mapping[str, Desk]):
    """The desks by the names of their galleries, in the order of the settings."""

    def __init__(self, settings: Settings) -> None:
        """Opens every gallery, and makes those that are not there yet.

        UsageError where two of them go by one name.
        """
        self._settings = settings
        self._policy = Policy(
            settings.false_accepts, settings.decoding, second_look=settings.second_look
        )
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="reading")
        self._batchers: dict[str, Batcher] = {}
        self._desks: dict[str, Desk] = {}
        self._making = threading.Lock()
        places = _places_of(settings.galleries)
        try:
            for place in places:
                self._add(self._open(place))
            if settings.all_galleries:
                self._open_others()
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
        return iter(tuple(self._desks))  # another may be made meanwhile

    def __len__(self) -> int:
        return len(self._desks)

    @property
    def first(self) -> Desk:
        """The one that answers where a request names no gallery."""
        return next(iter(self._desks.values()))

    async def meant(self, name: str) -> Desk:
        """As by its name; one that another program made since the server started is found."""
        if name not in self._desks and self._settings.all_galleries:
            await asyncio.to_thread(self._look_for, name)
        return self[name]

    def make(
        self, name: str, *, model: str | None = None, keeps_pictures: bool | None = None
    ) -> tuple[Desk, bool]:
        """The desk of an empty new gallery, or of one that is there; and whether it is new.

        model: a shipped one; for a new gallery that of its name, else `photos`. GalleryError where
        one is there that is otherwise, or where this server makes none; UsageError for a bad name.
        """
        place = _place_of(name)
        with self._making:
            desk, is_new = self._desks.get(name), False
            if desk is None:
                self._require_room()
                is_new = not (place / FILE).exists()
                desk = self._open(place, model=_shipped(model), keeps_pictures=keeps_pictures)
                self._add(desk)
        _require_same(desk, model, keeps_pictures)
        return desk, is_new

    def close(self) -> None:
        """End when everything that was asked is done."""
        self._pool.shutdown(wait=True)
        for batcher in self._batchers.values():
            batcher.close()
        for desk in self._desks.values():
            desk.close()

    def _add(self, desk: Desk) -> None:
        self._desks[desk.name] = desk

    def _open_others(self) -> None:
        for place in list_galleries():
            if place.name not in self._desks:
                self._add_if_sound(place)

    def _look_for(self, name: str) -> None:
        with self._making:
            for place in list_galleries():  # no name leads anywhere else
                if place.name == name and name not in self._desks:
                    self._add_if_sound(place)

    def _add_if_sound(self, place: Path) -> None:
        try:
            self._require_room()
            self._add(self._open(place))
        except FirstsightError as trouble:  # nobody chose it, so the others are served
            _journal.warning("the gallery %s is not served: %s", place.name, trouble)

    def _require_room(self) -> None:
        if not self._settings.all_galleries:
            raise GalleryError(
                "this server serves the galleries that it was started with, and makes no others; "
                "start it with --all-galleries"
            )
        if len(self._desks) >= MOST_GALLERIES:
            raise GalleryError(
                f"this server serves {MOST_GALLERIES} galleries, as many as it may; start another"
            )

    def _open(
        self, place: Path, *, model: str | None = None, keeps_pictures: bool | None = None
    ) -> Desk:
        is_named = place == galleries_folder() / place.name
        if model is None and is_named and not (place / FILE).exists():
            model = place.name if place.name in shipped_models() else DEFAULT_MODEL
        if not (place / FILE).exists():
            keeps = keeps_pictures is not False
            Recognizer.open(place, model=model, policy=self._policy, keeps_pictures=keeps).close()
        with Gallery.open(place) as held:
            binding, keeps_pictures = held.info.model, held.info.keeps_pictures
        batcher = self._batchers.get(binding.fingerprint)
        if batcher is None:
            batcher = Batcher(load(binding.place, threads=self._settings.threads or 1), self._pool)
            self._batchers[binding.fingerprint] = batcher
        embedder = batcher.embedder

        def open_recognizer(*, waits: bool = True) -> Recognizer:
            return Recognizer(Gallery.open(place), embedder, self._policy, waits=waits)

        sight = Sight(batcher, self._pool, self._policy.limits)
        return Desk(place.name, sight, open_recognizer, keeps_pictures=keeps_pictures)


def _places_of(galleries: Sequence[str]) -> list[Path]:
    """Each place once; UsageError where two go by one name, by which a server tells them apart."""
    by_name: dict[str, Path] = {}
    for gallery in galleries:
        place = gallery_place(gallery)
        other = by_name.setdefault(place.name, place)
        if other.resolve() != place.resolve():
            raise UsageError(
                f"{other} and {place} are both called {place.name!r}, and a server knows galleries "
                "by the names of their folders; rename one of these, or serve them by two servers"
            )
    return list(by_name.values())


def _place_of(name: str) -> Path:
    """UsageError for a name that would lead anywhere but into the folder of galleries."""
    place = gallery_place(name)
    if place != galleries_folder() / name:
        raise UsageError(f"{name[:80]!r} is no name of a gallery here; give another")
    return place


def _shipped(model: str | None) -> str | None:
    """The same; UsageError for any other, as nobody may open folders of this machine by name."""
    if model is not None and model not in shipped_models():
        raise UsageError(
            f"no model named {model[:80]!r} ships; give {' or '.join(shipped_models())}"
        )
    return model


def _require_same(desk: Desk, model: str | None, keeps_pictures: bool | None) -> None:
    for what, wanted, held in (
        ("model", model, desk.model.name),
        ("keeps_pictures", keeps_pictures, desk.keeps_pictures),
    ):
        if wanted is not None and wanted != held:
            raise GalleryError(
                f"the gallery {desk.name!r} is there already, and its {what} is {held}, not "
                f"{wanted}; give another name"
            )
