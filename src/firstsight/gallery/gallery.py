"""One gallery: things, their photos and vectors, verdicts, and the last steps to undo."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy.typing as npt

from firstsight.errors import GalleryError, StorageError
from firstsight.gallery import (
    changing,
    enrolling,
    forgetting,
    history,
    judging,
    keypoints_kept,
    paging,
    receipts,
    rows,
    staging,
)
from firstsight.gallery.checking import find_faults
from firstsight.gallery.connection import PATIENCE_S, Store
from firstsight.gallery.forgetting import Forgotten
from firstsight.gallery.making import make
from firstsight.gallery.names import proper_name
from firstsight.gallery.places import gallery_place
from firstsight.gallery.records import (
    Enrolled,
    GalleryInfo,
    ModelBinding,
    NewPhoto,
    Photo,
    PhotoVectors,
    Receipt,
    Step,
    Thing,
    Verdict,
)

__all__ = ["Gallery"]

REMEMBERING_PATIENCE_S = 0.2  # an answer must not wait for a cache


class Gallery:
    """Opened by `create` or `open`; any number of processes and threads may use one at once.

    Every change is kept whole, on the disk, before its method returns, or not at all, and is
    seen at once by every other process. All methods raise GalleryError where the file is
    damaged or kept busy, and StorageError where the disk refuses; names that cannot be names
    raise UsageError, and things, photos and verdicts that are not there NotInGallery.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    def create(
        cls,
        place: str | Path,
        *,
        name: str,
        model: ModelBinding,
        keeps_pictures: bool = True,
    ) -> Gallery:
        """Make an empty gallery and open it; GalleryError where there is one already.

        place: as `gallery_place` takes it. keeps_pictures: False leaves small pictures out.
        """
        folder = gallery_place(place)
        make(folder, proper_name(name, "name of the gallery"), model, keeps_pictures)
        return cls(Store(folder))

    @classmethod
    def open(
        cls, place: str | Path, *, read_only: bool = False, patience_s: float = PATIENCE_S
    ) -> Gallery:
        """Open a gallery that is there; where its folder may not be written, for reading only.

        patience_s: how long a change waits, at most, for another process's changes to end.
        """
        store = Store(gallery_place(place), read_only=read_only, patience_s=patience_s)
        if not store.read_only:
            forgetting.sweep_if_left(store)
        return cls(store)

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What it holds.

    @property
    def place(self) -> Path:
        """The gallery's folder."""
        return self._store.folder

    @property
    def read_only(self) -> bool:
        return self._store.read_only

    @property
    def info(self) -> GalleryInfo:
        with self._store.reading() as connection:
            return rows.gallery_info(connection)

    @property
    def generation(self) -> int:
        """Grows with every change, by whichever process; read from the store each time."""
        with self._store.reading() as connection:
            return int(connection.execute("SELECT generation FROM gallery").fetchone()[0])

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read inside is of one moment, whatever others write; change nothing inside.

        Other threads wait for its end, other processes do not.
        """
        with self._store.reading():
            yield

    def things(
        self, *, containing: str = "", offset: int = 0, limit: int | None = None
    ) -> list[Thing]:
        """By name; those with `containing` in name, notes or a tag, whatever its capitals."""
        with self._store.reading() as connection:
            return rows.things(connection, containing, offset, limit)

    def things_after(self, name: str = "", n: int = 50, *, containing: str = "") -> list[Thing]:
        """The next `n` of `things`, after the one of that name; as quick at the end as at first."""
        with self._store.reading() as connection:
            return paging.things_after(connection, name, n, containing=containing)

    def covers(self, thing_ids: Iterable[int]) -> dict[int, int]:
        """Of each thing the number of a photo to show it by, where a picture of one was kept."""
        with self._store.reading() as connection:
            return paging.covers(connection, thing_ids)

    def photos_after(self, name: str, photo_id: int = 0, n: int = 50) -> list[Photo]:
        """The next `n` photos of a thing, after the one of that number."""
        with self._store.reading() as connection:
            thing_id = rows.thing_id(connection, proper_name(name))
            return paging.photos_after(connection, thing_id, photo_id, n)

    def thing(self, name: str) -> Thing:
        with self._store.reading() as connection:
            return rows.thing(connection, proper_name(name))

    def names(self, thing_ids: Iterable[int], *, also_gone: bool = False) -> dict[int, str]:
        """The names of things by id; those that were removed or merged away only if asked."""
        with self._store.reading() as connection:
            return rows.names(connection, thing_ids, also_gone=also_gone)

    def photos(self, name: str | None = None) -> list[Photo]:
        """Those of one thing, or all, the photos of a thing side by side."""
        with self._store.reading() as connection:
            if name is None:
                return rows.photos(connection, None)
            return rows.photos(connection, rows.thing_id(connection, proper_name(name)))

    def photo(self, photo_id: int) -> Photo:
        with self._store.reading() as connection:
            return rows.photo(connection, photo_id)

    def picture(self, photo_id: int) -> bytes | None:
        """The small picture kept of a photo, encoded; None where none was kept."""
        with self._store.reading() as connection:
            rows.photo(connection, photo_id)
            found = connection.execute(
                "SELECT encoded FROM picture WHERE photo_id = ?", (photo_id,)
            ).fetchone()
            return None if found is None else bytes(found[0])

    def holds(self, digest: str) -> Photo | None:
        """The photo of exactly this content, if it is here."""
        with self._store.reading() as connection:
            return rows.photo_of_content(connection, digest)

    def vectors(self) -> PhotoVectors:
        with self._store.reading() as connection:
            model = rows.gallery_info(connection).model
            return rows.photo_vectors(connection, "vector", model.embedding_size)

    def counts(self) -> tuple[int, int]:
        """How many things and how many photos."""
        with self._store.reading() as connection:
            return rows.counts(connection)

    def steps(self, limit: int = 20) -> list[Step]:
        """The last steps that can be undone, the newest first."""
        with self._store.reading() as connection:
            return rows.steps(connection, limit)

    def steps_that_made(
        self, *, photos: Iterable[int] = (), verdicts: Iterable[int] = ()
    ) -> list[int]:
        """The numbers of the steps by which these came, as far as they can still be undone."""
        with self._store.reading() as connection:
            return history.steps_that_made(connection, photos, verdicts)

    def verdicts(self, *, any_model: bool = False) -> list[Verdict]:
        """In the order given; unless `any_model`, those on answers of the model in force.

        Vectors and distances of two models must not be mixed.
        """
        with self._store.reading() as connection:
            model = rows.gallery_info(connection).model
            return rows.verdicts(connection, None if any_model else model.fingerprint)

    def check(self) -> list[str]:
        """What is wrong with the file, a sentence each; empty where all is well. Reads it all."""
        with self._store.reading() as connection:
            return find_faults(connection)

    def copy_to(self, file: Path) -> None:
        """Write the whole store, as of one moment, to a file that is empty or not there.

        For people there are `export` and `backup`, in `portable`.
        """
        with self._store.reading() as connection, closing(sqlite3.connect(file)) as copy:
            connection.backup(copy)

    # Changes, one step each.

    def enroll(
        self, entries: Sequence[tuple[str, NewPhoto]], *, partial: bool = True
    ) -> list[Enrolled]:
        """Keep photos under names; a new name makes a new thing.

        Gives what became of each, in order. partial: False raises EnrolledElsewhere, and keeps
        nothing, where the content of one is there under another name.
        Raises ShapeError, and keeps nothing, for a vector that is not the model's.
        """
        with history.changing(self._store, "enroll") as change:
            return enrolling.enroll(change, entries, partial=partial)

    def describe(
        self, name: str, *, notes: str | None = None, tags: Iterable[str] | None = None
    ) -> None:
        """Set the notes or the tags of a thing, or both; None leaves them as they are."""
        with history.changing(self._store, "describe") as change:
            changing.describe(change, name, notes, tags)

    def rename(self, old: str, new: str) -> None:
        """GalleryError where a thing has the name `new` already."""
        with history.changing(self._store, "rename") as change:
            changing.rename(change, old, new)

    def move(self, photo_id: int, to: str) -> None:
        """Put a photo under another thing, new or not."""
        with history.changing(self._store, "move") as change:
            changing.move(change, photo_id, to)

    def merge(self, name: str, *, into: str) -> None:
        """Give all photos of `name`, and verdicts on it, to `into`; `name` is no more."""
        with history.changing(self._store, "merge") as change:
            changing.merge(change, name, into)

    def unmerge(self, name: str) -> None:
        """Bring back a thing that was merged away, whatever came after; see `changing.unmerge`.

        NotInGallery where none of that name was, within the steps that are kept.
        """
        with history.changing(self._store, "unmerge") as change:
            changing.unmerge(change, name)

    def remove(self, name: str) -> None:
        """Take a thing and its photos out; `undo` brings them back."""
        with history.changing(self._store, "remove") as change:
            changing.remove(change, name)

    def remove_photo(self, photo_id: int) -> None:
        with history.changing(self._store, "remove") as change:
            changing.remove_photo(change, photo_id)

    def record(self, verdict: Verdict) -> int:
        """Keep a person's word on an answer; gives its number."""
        with history.changing(self._store, "verdict") as change:
            return judging.record(change, verdict)

    def withdraw(self, verdict_id: int) -> None:
        with history.changing(self._store, "withdraw") as change:
            judging.withdraw(change, verdict_id)

    def mistakable(self, thing_id: int, most: int) -> list[bytes]:
        """Pictures that people said do not show a thing that came nearest: see `judging`."""
        with self._store.reading() as connection:
            return judging.mistakable(connection, thing_id, most)

    def undo(self, n: int = 1) -> list[Step]:
        """Take the last `n` steps back, or as many as there are; gives them, the newest first.

        NotInGallery where there is none; GalleryError, and nothing is undone, where one of them
        needs what was forgotten since.
        """
        with self._store.writing() as connection:
            return history.undo_steps(connection, n)

    def undo_these(self, step_ids: Iterable[int]) -> list[Step]:
        """Take these steps back, which must be the last ones; gives them, the newest first.

        GalleryError, and nothing is undone, where others came since; NotInGallery where one of them
        is there no more.
        """
        with self._store.writing() as connection:
            return history.undo_these(connection, step_ids)

    @contextmanager
    def together(self) -> Iterator[None]:
        """The changes made inside are kept all together, or none of them where the block raises."""
        with self._store.together():
            yield
        if forgetting.is_left(self._store):
            forgetting.sweep_after_forgetting(self._store)

    def once(self, receipt: Receipt, act: Callable[[], Any]) -> tuple[Any, bool]:
        """What `act` gives, a JSON value, and whether it was done now.

        `act` changes this gallery; its changes and the receipt are kept together or not at all.
        Where the receipt's key is kept already, `act` is left alone and its answer of then given.
        Raises UsageError where the key was for another request, GalleryError where the answer of
        then was forgotten, and whatever `act` raises.
        """
        with self.together(), self._store.writing() as connection:
            kept = receipts.find(connection, receipt)
            if kept is not None:
                return kept[0], False
            answer = act()
            receipts.keep(connection, receipt, answer)
        return answer, True

    def retell(self, receipt: Receipt, answer: Any) -> None:
        """Keep a fuller answer, a JSON value, for what `once` did; not where it was forgotten."""
        with self._store.writing() as connection:
            receipts.retell(connection, receipt, answer)

    # What cannot be undone.

    def forget(self, name: str) -> Forgotten:
        """Purge a thing, also a removed or merged one, and everything about it from this folder.

        Exports, backups and the pictures' own files lie outside. The file is written anew, which
        takes as long as copying it.
        """
        return self._forget(lambda connection: forgetting.forget(connection, name))

    def heirs(self, name: str) -> list[str]:
        """The things that one of this name was merged into: its photos are theirs, and stay when
        it is forgotten. NotInGallery where `forget` would find nothing."""
        with self._store.reading() as connection:
            return forgetting.heirs(connection, name)

    def forget_photo(self, photo_id: int) -> Forgotten:
        """Purge one photo, as `forget` does a thing."""
        return self._forget(lambda connection: forgetting.forget_photo(connection, photo_id))

    def _forget(self, purge: Callable[[sqlite3.Connection], Forgotten]) -> Forgotten:
        with self._store.writing() as connection:
            forgotten = purge(connection)
        if self._store.is_together:  # a file cannot be swept inside a transaction
            return forgotten
        forgetting.sweep_after_forgetting(self._store)
        return forgotten

    # Not steps: small caches, and the vectors of another model.

    def remember(self, key: str, value: Any) -> bool:
        """Keep a JSON value that can be computed again; whether it could be kept.

        Any `forget` and any `switch` clears what is remembered.
        """
        text = json.dumps(value, ensure_ascii=False)

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO remembered (key, value) VALUES (?, ?)", (key, text)
            )

        return self._cached(insert)

    def recall(self, key: str) -> Any:
        """What was remembered under `key`, or None."""
        with self._store.reading() as connection:
            return rows.recalled(connection, key)

    def keypoints(self, photo_ids: Iterable[int], form: int) -> dict[int, bytes]:
        """What `keep_keypoints` kept of these photos in this form."""
        with self._store.reading() as connection:
            return keypoints_kept.kept(connection, photo_ids, form)

    def keep_keypoints(self, packed: Mapping[int, bytes], form: int) -> bool:
        """Keep what the pictures of these photos tell, by photo; whether it could be kept.

        It goes when they go, is in no export, and is not kept of photos without a picture.
        """
        return self._cached(lambda connection: keypoints_kept.keep(connection, packed, form))

    def _cached(self, write: Callable[[sqlite3.Connection], object]) -> bool:
        try:
            with self._store.writing(patience_s=REMEMBERING_PATIENCE_S) as connection:
                write(connection)
        except (GalleryError, StorageError):
            return False  # read-only, busy or full: no reason to refuse an answer
        return True

    def stage(self, model: ModelBinding, vectors: Mapping[int, npt.NDArray[Any]]) -> None:
        """Keep another model's vectors beside those in force; may be called in pieces."""
        with self._store.writing() as connection:
            staging.stage(connection, model, vectors)

    def staged(self) -> tuple[ModelBinding, PhotoVectors] | None:
        """The model whose vectors are staged, and those of the live photos."""
        with self._store.reading() as connection:
            return staging.staged(connection)

    def former(self) -> ModelBinding | None:
        """The model before the last switch, while its vectors are staged; None otherwise."""
        with self._store.reading() as connection:
            return staging.former(connection)

    def unstaged(self) -> list[int]:
        """The photos that lack a staged vector."""
        with self._store.reading() as connection:
            return staging.unstaged(connection)

    def switch(self, verdicts: Sequence[Verdict] = ()) -> None:
        """Exchange the vectors in force and the staged ones, with their models, at once.

        verdicts: as the staged model has them; the others stay those of the models they were on.
        """
        with self._store.writing() as connection:
            staging.switch(connection)
            judging.carry(connection, verdicts)

    def drop_stage(self) -> None:
        with self._store.writing() as connection:
            staging.drop_stage(connection)
