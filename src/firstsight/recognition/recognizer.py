"""Recognizer: a gallery and the model that embedded it, asked in one place.

The command line, Python, the page and the API all answer through this class, so that the same
picture gets the same answer everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from firstsight.errors import GalleryError, NotInGallery, PictureError, UsageError
from firstsight.gallery.connection import FILE
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.names import thing_name
from firstsight.gallery.places import USUAL, gallery_place
from firstsight.gallery.records import NewPhoto
from firstsight.images.decode import PictureLike, picture_name
from firstsight.images.reading import Crop, Reading, read_picture
from firstsight.model.embedder import Embedder, load, load_ahead
from firstsight.model.folder import shipped_models
from firstsight.recognition.binding import binding_of, require_own_model
from firstsight.recognition.policy import Policy, require_truth_value
from firstsight.recognition.standings import Standings

# A cold process begins to decode while the network opens in another thread; what judges distances
# is imported only then.
if TYPE_CHECKING:
    from firstsight.deciding.estimated import Estimate
    from firstsight.gallery.doctor import Examination
    from firstsight.gallery.findings import Finding
    from firstsight.recognition.answers import Answer, Comparison, Enrollment, Match, Unreadable
    from firstsight.recognition.enrolling import Enroller, Entry, Prepared
    from firstsight.recognition.second_look import SecondLook
    from firstsight.recognition.standing import Standing

__all__ = ["DEFAULT_GALLERY", "Policy", "Recognizer"]

Floats = npt.NDArray[np.float32]

DEFAULT_GALLERY = USUAL
BATCH = 32


class Recognizer:
    """Recognises the things of one gallery. One thread at a time may use it."""

    def __init__(
        self,
        gallery: Gallery,
        embedder: Embedder,
        policy: Policy | None = None,
        *,
        waits: bool = True,
    ) -> None:
        """GalleryError where the gallery was embedded by another model.

        waits: whether an answer after a change waits until thresholds are estimated anew. False
        for servers: they go by the thresholds of before until `adopt` brings new ones; photos
        count at once in either case.
        """
        require_own_model(gallery, embedder)
        self.gallery = gallery
        self.embedder = embedder
        self.policy = policy or Policy()
        self._standings = Standings(gallery, embedder, self.policy.false_accepts, waits=waits)

    @classmethod
    def open(
        cls,
        gallery: str | Path = DEFAULT_GALLERY,
        *,
        model: str | Path | None = None,
        policy: Policy | None = None,
        keeps_pictures: bool = True,
    ) -> Recognizer:
        """Open a gallery by its name or path; where there is none yet, make it.

        model: a shipped name or a model folder. A new gallery is bound to it (default: the model
        called like the gallery where one ships, else `photos`); an old one must have been made
        with it. keeps_pictures: for a new gallery; False leaves the small pictures out.
        """
        from firstsight.recognition.comparing import DEFAULT_MODEL

        place = gallery_place(gallery)
        if (place / FILE).exists():
            return cls.open_existing(gallery, model=model, policy=policy)
        chosen = model or (str(gallery) if str(gallery) in shipped_models() else DEFAULT_MODEL)
        embedder = load(chosen)
        binding = binding_of(embedder, chosen)
        try:
            made = Gallery.create(
                place, name=place.name, model=binding, keeps_pictures=keeps_pictures
            )
        except GalleryError:
            if not (place / FILE).exists():
                raise
            # Another process has made it while the model was loaded.
            return cls.open_existing(gallery, model=model, policy=policy)
        return cls(made, embedder, policy)

    @classmethod
    def open_existing(
        cls,
        gallery: str | Path = DEFAULT_GALLERY,
        *,
        model: str | Path | None = None,
        policy: Policy | None = None,
        read_only: bool = False,
    ) -> Recognizer:
        """As `open`, but GalleryError where there is no such gallery."""
        opened = Gallery.open(gallery_place(gallery), read_only=read_only)
        try:
            return cls(opened, load_ahead(model or opened.info.model.place), policy)
        except BaseException:
            opened.close()
            raise

    def close(self) -> None:
        self.gallery.close()

    def __enter__(self) -> Recognizer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def enroll(
        self,
        thing: str,
        pictures: PictureLike | Sequence[PictureLike],
        *,
        crop: Crop | None = None,
        careful: bool = False,
        partial: bool = True,
        keep: bool = True,
    ) -> list[Enrollment]:
        """Show one or several pictures of a thing; one is enough.

        careful: do not save what the doctor warns of. partial: False saves all or none.
        keep: False only says what would become of them, and be wrong with them.
        Raises UsageError for a name that no thing may have.
        """
        from firstsight.recognition.enrolling import Entry

        name = thing_name(thing)
        entries = [Entry(each, name, picture_name(each)) for each in _listed(pictures)]
        enroller = self.enroller(crop=crop, careful=careful, keep=keep, advises=True)
        results = list(enroller.each(entries)) if partial else enroller.all_or_nothing(entries)
        self.settle()
        return results

    def enroller(
        self,
        *,
        crop: Crop | None = None,
        careful: bool = False,
        keep: bool = True,
        advises: bool = False,
    ) -> Enroller:
        """What enrolls many; call `settle` when it is through."""
        from firstsight.recognition.enrolling import Enroller, Prepared

        keeps_pictures = self.gallery.info.keeps_pictures
        seen = self.embedder.info.preprocessing

        def prepare(entry: Entry) -> Prepared:
            reading = read_picture(
                entry.picture, limits=self.policy.limits, crop=crop, name=entry.name
            )
            return Prepared.of(reading, seen, keeps_picture=keeps_pictures)

        advise = self._advise if advises or careful else None
        return Enroller(self.gallery, self.embedder, prepare, advise, careful, keep)

    def settle(self) -> Standing | None:
        """Estimate thresholds anew now, so that the next question need not wait for it.

        None for an empty gallery.
        """
        return self._standings.current() if self.gallery.counts()[1] else None

    @property
    def is_settled(self) -> bool:
        """Whether the last answer rested on thresholds of its own moment."""
        return self._standings.is_settled

    def adopt(self, standing: Standing | None) -> None:
        """Go by the thresholds that another recognizer of this gallery settled on."""
        self._standings.adopt(standing)

    def require_own_model(self) -> None:
        """GalleryError where another program has moved the gallery to another model since."""
        require_own_model(self.gallery, self.embedder)

    def read(self, picture: PictureLike | Reading, *, crop: Crop | None = None) -> Reading:
        """A picture under the policy's limits; one that was read already stays as it is."""
        if isinstance(picture, Reading):
            return picture
        return read_picture(picture, limits=self.policy.limits, crop=crop)

    def identify(self, picture: PictureLike | Reading, *, crop: Crop | None = None) -> Answer:
        """Which enrolled thing does the picture show, or none of them?

        By a policy with closed_set none of them is no answer: the likeliest thing, and how likely.
        """
        reading = self.read(picture, crop=crop)
        pixels = reading.pixels(self.embedder.info.preprocessing)
        # What there is to compare with is read while the network opens.
        self._standings.current()
        return self.answer(reading, self.embedder.embed_pixels(pixels[None])[0])

    def answer(
        self,
        reading: Reading,
        vector: Floats,
        *,
        false_accepts: float | None = None,
        closed_set: bool | None = None,
    ) -> Answer:
        """As `identify`, of a picture that was read and embedded already: (D,).

        false_accepts: another share than the policy's; the first answer at it takes its time.
        closed_set: otherwise than the policy says.
        """
        asked = [(reading, vector)]
        return self.answers(asked, false_accepts=false_accepts, closed_set=closed_set)[0]

    def answers(
        self,
        asked: Sequence[tuple[Reading, Floats]],
        *,
        false_accepts: float | None = None,
        closed_set: bool | None = None,
        second_look: bool = True,
    ) -> list[Answer]:
        """As `answer`, of many compared at once; each is answered as it would be alone.

        second_look: False for the answers of the first look, whatever the policy says.
        """
        from firstsight.recognition.answering import answers_of

        closed = self.policy.closed_set if closed_set is None else closed_set
        require_truth_value("closed_set", closed)
        return answers_of(
            self._standings,
            asked,
            false_accepts,
            closed_set=closed,
            second_look=self._second_look() if second_look else None,
        )

    def identify_many(
        self, pictures: Iterable[PictureLike], *, crop: Crop | None = None
    ) -> Iterator[Answer | Unreadable]:
        """An answer for each picture, in order; one that cannot be read does not stop the rest."""
        from firstsight.recognition.ahead import embed_ahead
        from firstsight.recognition.answers import Unreadable

        seen = self.embedder.info.preprocessing

        def read(picture: PictureLike) -> tuple[Reading, npt.NDArray[np.uint8]]:
            reading = self.read(picture, crop=crop)
            return reading, reading.pixels(seen)

        for batch in embed_ahead(pictures, read, self.embedder, batch_size=BATCH):
            readable = [made for _, made in batch if not isinstance(made, PictureError)]
            answers = iter(self.answers(readable))
            for picture, made in batch:
                if isinstance(made, PictureError):
                    yield Unreadable(picture_name(picture), str(made))
                else:
                    yield next(answers)

    def verify(
        self, a: PictureLike, b: PictureLike, *, false_matches: float | None = None
    ) -> Comparison:
        """Do two pictures show the same thing? The gallery plays no part."""
        from firstsight.recognition.comparing import compare_readings

        readings = [read_picture(each, limits=self.policy.limits) for each in (a, b)]
        return compare_readings(
            self.embedder,
            readings,
            false_matches=false_matches,
            second_look=self.policy.second_look,
        )

    def search(
        self,
        picture: PictureLike | Reading,
        k: int = 5,
        *,
        one_per_thing: bool = False,
        crop: Crop | None = None,
    ) -> list[Match]:
        """The k most similar photos, nearest first; one a thing at most where asked."""
        reading = self.read(picture, crop=crop)
        pixels = reading.pixels(self.embedder.info.preprocessing)
        vector = self.embedder.embed_pixels(pixels[None])[0]
        return self.alike(vector, k, one_per_thing=one_per_thing, reading=reading)

    def alike(
        self,
        vector: Floats,
        k: int = 5,
        *,
        one_per_thing: bool = False,
        reading: Reading | None = None,
    ) -> list[Match]:
        """As `search`, of a picture that was embedded already: (D,).

        reading: the picture itself, without which there is no second look at the nearest photos.
        """
        if k < 1:
            raise UsageError(f"k is {k}; give 1 or more")
        from firstsight.recognition.answering import matches_of

        return matches_of(
            self._standings,
            self.gallery,
            (reading, vector),
            k,
            one_per_thing=one_per_thing,
            second_look=self._second_look(),
        )

    def confirm(self, answer: Answer, name: str | None = None) -> int:
        """Record that an answer's name is right; returns the verdict's id.

        name: the one that is meant, where the answer was given by other settings than this one, and
        may have been another; UsageError unless it is that of the nearest thing.
        UsageError too where neither is known, the answer being unknown.
        """
        if name is not None:
            if self.gallery.thing(name).name != answer.nearest.thing:
                raise UsageError(
                    f"the nearest thing to {answer.picture} is {answer.nearest.thing!r}, not "
                    f"{name!r}; deny the answer, and say what it is"
                )
        elif answer.thing is None:
            raise UsageError(
                f"the answer to {answer.picture} was unknown, so there is no name to confirm; deny "
                f"it: with the thing's name where it shows one ({answer.nearest.thing!r} was "
                "nearest), without where it is none of them"
            )
        return self._record(answer, answer.nearest.thing)

    def deny(self, answer: Answer, truth: str | None = None) -> int:
        """Record that an answer is wrong: the picture shows `truth`, or none of the things.

        Of an unknown picture `truth` may be the nearest thing, and no truth says that it was
        right.
        NotInGallery where `truth` is not enrolled.
        """
        if truth is None:
            return self._record(answer, None)
        name = self.gallery.thing(truth).name
        if name == answer.thing:
            raise UsageError(f"the name given to {answer.picture} was {name!r}; confirm it instead")
        return self._record(answer, name)

    def estimate(self, false_accepts: float | None = None) -> Estimate:
        """The thresholds in force, their rates and intervals; GalleryError for an empty gallery.

        false_accepts: what they would be for another share than the policy's.
        """
        return self._standings.estimate(false_accepts)

    def vector_of(self, photo: int) -> Floats:
        """(D,) of an enrolled photo; NotInGallery where it is not there."""
        photos = self._standings.current().matrix.photos
        rows = np.flatnonzero(photos.photos == photo)
        if not len(rows):
            self.gallery.photo(photo)  # which says what is wrong
            raise NotInGallery(f"photo {photo} came just now; ask again")
        return np.asarray(photos.vectors[rows[0]])

    def examine(self) -> Examination:
        """What is likely to go wrong in this gallery."""
        from firstsight.recognition.advising import examine_gallery

        return examine_gallery(self.gallery, self.embedder.info, self._standings)

    @property
    def looks_again(self) -> bool:
        """Whether what is not known at first gets a second look."""
        from firstsight.recognition.second_look import sees_photographs

        return self.policy.second_look and sees_photographs(self.embedder.info.preprocessing)

    def _second_look(self) -> SecondLook | None:
        from firstsight.recognition.second_look import SecondLook

        return SecondLook(self.gallery) if self.looks_again else None

    def _record(self, answer: Answer, truth: str | None) -> int:
        from firstsight.recognition.judging import verdict_on

        keeps = self.gallery.info.keeps_pictures
        return self.gallery.record(verdict_on(answer, truth, keeps_picture=keeps))

    def _advise(self, thing: str, made: Prepared, photo: NewPhoto) -> list[Finding]:
        from firstsight.recognition.advising import advise_newcomer

        model = self.embedder.info
        return advise_newcomer(self.gallery, model, self._standings, thing, made, photo)


def _listed(pictures: PictureLike | Sequence[PictureLike]) -> list[PictureLike]:
    if isinstance(pictures, np.ndarray):
        return list(pictures) if pictures.ndim == 4 else [pictures]
    if isinstance(pictures, list | tuple):
        return list(pictures)
    return [cast(PictureLike, pictures)]
