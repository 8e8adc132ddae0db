"""Recognizer: a gallery and the model that embedded it, asked in one place.

The command line, Python, the page and the API all answer through this class, so that the same
picture gets the same answer everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from firstsight.errors import GalleryError, NotInGallery, PictureError, UsageError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.places import gallery_place
from firstsight.gallery.records import ModelBinding, NewPhoto, Verdict, VerdictKind
from firstsight.images.decode import DEFAULT_LIMITS, DecodeLimits, PictureLike, picture_name
from firstsight.images.reading import Crop, Reading, read_picture
from firstsight.model.embedder import Embedder, load, load_ahead
from firstsight.model.folder import resolve_model, shipped_models

# A cold process begins to decode while the network opens in another thread; what judges distances
# is imported only then.
if TYPE_CHECKING:
    from firstsight.deciding.calibrated import Calibrated
    from firstsight.deciding.estimated import Estimate
    from firstsight.gallery.copies import KeptPictures
    from firstsight.gallery.doctor import Examination
    from firstsight.gallery.findings import Finding
    from firstsight.recognition.answers import Answer, Comparison, Enrollment, Match, Unreadable
    from firstsight.recognition.enrolling import Enroller, Entry, Prepared
    from firstsight.recognition.standing import Standing

__all__ = ["DEFAULT_GALLERY", "Policy", "Recognizer"]

Floats = npt.NDArray[np.float32]

DEFAULT_GALLERY = "photos"
BATCH = 32
MOST_SHARES = 8  # of false accepts, beside the policy's, whose thresholds stay at hand


@dataclass(frozen=True)
class Policy:
    """How strict answers are.

    false_accepts: the share of pictures of strangers that may get a name (FPIR), above 0, below 1.
    limits: the largest picture worth decoding.
    """

    false_accepts: float = 0.01
    limits: DecodeLimits = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        if not 0 < self.false_accepts < 1:
            raise UsageError(
                f"false_accepts is {self.false_accepts}; give a share between 0 and 1, say 0.01"
            )


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
        _require_own_model(gallery, embedder)
        self.gallery = gallery
        self.embedder = embedder
        self.policy = policy or Policy()
        self._standing: Standing | None = None
        self._known_names: dict[int, str] = {}
        self._at_other_shares: dict[float, Standing] = {}
        self._waits = waits

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
        if (place / "gallery.sqlite").exists():
            return cls.open_existing(gallery, model=model, policy=policy)
        chosen = model or (str(gallery) if str(gallery) in shipped_models() else DEFAULT_MODEL)
        embedder = load(chosen)
        binding = binding_of(embedder, chosen)
        made = Gallery.create(place, name=place.name, model=binding, keeps_pictures=keeps_pictures)
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
        keep: False only says what would be wrong with them.
        """
        from firstsight.recognition.enrolling import Entry

        listed = _listed(pictures)
        entries = [Entry(each, thing, picture_name(each)) for each in listed]
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
            pixels = reading.pixels(seen)
            return Prepared(reading, pixels, reading.kept() if keeps_pictures else None)

        advise = self._advise if advises or careful else None
        return Enroller(self.gallery, self.embedder, prepare, advise, careful, keep)

    def settle(self) -> Standing | None:
        """Estimate thresholds anew now, so that the next question need not wait for it.

        None for an empty gallery.
        """
        return self._current() if self.gallery.counts()[1] else None

    @property
    def is_settled(self) -> bool:
        """Whether the last answer rested on thresholds of its own moment."""
        return self._standing is None or self._standing.settled

    def adopt(self, standing: Standing | None) -> None:
        """Go by the thresholds that another recognizer of this gallery settled on."""
        mine = self._standing
        if standing is None or mine is None or standing.generation == mine.generation:
            self._standing = standing
        else:
            self._standing = mine.judged_by(standing.estimate)

    def require_own_model(self) -> None:
        """GalleryError where another program has moved the gallery to another model since."""
        _require_own_model(self.gallery, self.embedder)

    def read(self, picture: PictureLike | Reading, *, crop: Crop | None = None) -> Reading:
        """A picture under the policy's limits; one that was read already stays as it is."""
        if isinstance(picture, Reading):
            return picture
        return read_picture(picture, limits=self.policy.limits, crop=crop)

    def identify(self, picture: PictureLike | Reading, *, crop: Crop | None = None) -> Answer:
        """Which enrolled thing does the picture show, or none of them?"""
        reading = self.read(picture, crop=crop)
        pixels = reading.pixels(self.embedder.info.preprocessing)
        self._current()  # so that what there is to compare with is read while the network opens
        return self.answer(reading, self.embedder.embed_pixels(pixels[None])[0])

    def answer(
        self, reading: Reading, vector: Floats, *, false_accepts: float | None = None
    ) -> Answer:
        """As `identify`, of a picture that was read and embedded already: (D,).

        false_accepts: another share than the policy's; the first answer at it takes its time.
        """
        from firstsight.deciding.decide import decide
        from firstsight.recognition.answers import Answer, Asked, Rival

        standing = self._at_share(false_accepts)
        found = standing.nearest_things(vector)[:2]
        names = self._names(thing for thing, _, _ in found)
        if len(names) < len(found):
            raise NotInGallery("what came nearest was removed this very moment; ask again")
        rivals = [Rival(names[thing], distance, photo) for thing, distance, photo in found]
        nearest, runner_up = rivals[0], rivals[1] if len(rivals) > 1 else None
        decided = decide(
            nearest.distance, runner_up.distance if runner_up else None, standing.estimate
        )
        return Answer(
            picture=reading.name,
            decision=decided.decision,
            thing=None if decided.decision == "unknown" else nearest.thing,
            probability=decided.probability,
            threshold=decided.threshold,
            nearest=nearest,
            runner_up=runner_up,
            margin=decided.margin,
            reason=decided.reason,
            estimate=standing.estimate,
            asked=Asked(reading, vector),
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
            for picture, made in batch:
                if isinstance(made, PictureError):
                    yield Unreadable(picture_name(picture), str(made))
                else:
                    yield self.answer(*made)

    def verify(
        self, a: PictureLike, b: PictureLike, *, false_matches: float | None = None
    ) -> Comparison:
        """Do two pictures show the same thing? The gallery plays no part."""
        from firstsight.recognition.comparing import compare_readings

        readings = [read_picture(each, limits=self.policy.limits) for each in (a, b)]
        return compare_readings(self.embedder, readings, false_matches=false_matches)

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
        return self.alike(vector, k, one_per_thing=one_per_thing)

    def alike(self, vector: Floats, k: int = 5, *, one_per_thing: bool = False) -> list[Match]:
        """As `search`, of a picture that was embedded already: (D,)."""
        if k < 1:
            raise UsageError(f"k is {k}; give 1 or more")
        standing = self._current()
        found = standing.nearest_photos(vector, k, one_per_thing=one_per_thing)
        return [
            self._match(rank, photo, distance)
            for rank, (photo, distance) in enumerate(found, start=1)
        ]

    def confirm(self, answer: Answer) -> int:
        """Record that an answer's name is right; returns the verdict's id."""
        return self._record(answer, "right", answer.nearest.thing)

    def deny(self, answer: Answer, truth: str | None = None) -> int:
        """Record that an answer is wrong: the picture shows `truth`, or none of the things.

        NotInGallery where `truth` is not enrolled.
        """
        if truth is None:
            return self._record(answer, "wrong", None)
        name = self.gallery.thing(truth).name
        if name == answer.nearest.thing:
            raise UsageError(
                f"the nearest thing to {answer.picture} was {name!r} already; confirm it instead"
            )
        return self._record(answer, "other", name)

    def estimate(self, false_accepts: float | None = None) -> Estimate:
        """The thresholds in force, their rates and intervals; GalleryError for an empty gallery.

        false_accepts: what they would be for another share than the policy's.
        """
        if false_accepts is None or false_accepts == self.policy.false_accepts:
            return self._current().estimate
        from firstsight.recognition.standing import read_standing

        head = self.embedder.info.head
        return read_standing(self.gallery, head, self._calibrated, target=false_accepts).estimate

    def _at_share(self, false_accepts: float | None) -> Standing:
        current = self._current()
        if false_accepts is None or false_accepts == self.policy.false_accepts:
            return current
        found = self._at_other_shares.pop(false_accepts, None)
        if found is None or found.generation != current.generation:
            found = current.judged_by(self.estimate(false_accepts))
        self._at_other_shares[false_accepts] = found
        if len(self._at_other_shares) > MOST_SHARES:
            del self._at_other_shares[next(iter(self._at_other_shares))]
        return found

    def vector_of(self, photo: int) -> Floats:
        """(D,) of an enrolled photo; NotInGallery where it is not there."""
        photos = self._current().matrix.photos
        rows = np.flatnonzero(photos.photos == photo)
        if not len(rows):
            self.gallery.photo(photo)  # which says what is wrong
            raise NotInGallery(f"photo {photo} came just now; ask again")
        return np.asarray(photos.vectors[rows[0]])

    def examine(self) -> Examination:
        """What is likely to go wrong in this gallery."""
        from firstsight.gallery.doctor import examine

        standing = self._current()
        return examine(
            self.embedder.info.head,
            standing.matrix.photos,
            self._names(standing.matrix.photos.things),
            threshold=standing.estimate.threshold,
            pictures=self._kept_pictures(),
            rule=standing.estimate.rule,
        )

    @cached_property
    def _calibrated(self) -> Calibrated | None:
        from firstsight.recognition.comparing import calibrated_of

        return calibrated_of(self.embedder)

    def _current(self) -> Standing:
        former = self._standing
        if former is not None and former.generation == self.gallery.generation:
            return former
        from firstsight.recognition.standing import read_standing

        self.require_own_model()
        self._known_names = {}
        self._standing = read_standing(
            self.gallery,
            self.embedder.info.head,
            self._calibrated,
            target=self.policy.false_accepts,
            meanwhile=None if self._waits or former is None else former.estimate,
        )
        return self._standing

    def _match(self, rank: int, photo_id: int, distance: float) -> Match:
        from firstsight.recognition.answers import Match

        photo = self.gallery.photo(photo_id)
        probability = None
        if self._calibrated is not None:
            probability = float(self._calibrated.verify.probability(distance))
        return Match(rank, photo.thing, photo.id, photo.source, distance, probability)

    def _record(self, answer: Answer, kind: VerdictKind, truth: str | None) -> int:
        asked = answer.asked
        return self.gallery.record(
            Verdict(
                kind=kind,
                named=answer.nearest.thing,
                truth=truth,
                distance=answer.distance,
                margin=answer.margin,
                digest=asked.reading.digest,
                vector=asked.vector,
                kept=asked.reading.kept() if self.gallery.info.keeps_pictures else None,
                details={"decision": answer.decision, "picture": answer.picture},
            )
        )

    def _advise(self, thing: str, made: Prepared, photo: NewPhoto) -> list[Finding]:
        from firstsight.gallery.advising import Newcomer, advise_enrollment
        from firstsight.images.likeness import likeness
        from firstsight.images.quality import picture_flaws

        standing = self._current() if self.gallery.counts()[1] else None
        photos = standing.matrix.photos if standing else self.gallery.vectors()
        held, image = self.gallery.holds(photo.digest), made.reading.image()
        new = Newcomer(
            thing,
            photo.vector,
            flaws=picture_flaws(image),
            likeness=likeness(image),
            held=(held.id, held.thing) if held else None,
        )
        return advise_enrollment(
            self.embedder.info.head,
            photos,
            self._names(photos.things),
            new,
            threshold=standing.estimate.threshold if standing else None,
            pictures=self._kept_pictures(),
        )

    def _kept_pictures(self) -> KeptPictures:
        from firstsight.gallery.copies import KeptPictures

        return KeptPictures(self.gallery.picture, self.embedder.info.preprocessing.mode)

    def _names(self, thing_ids: Iterable[int]) -> dict[int, str]:
        """Of the things of the current standing; kept until there is another."""
        wanted = [int(each) for each in thing_ids]
        if unknown := [each for each in wanted if each not in self._known_names]:
            self._known_names |= self.gallery.names(unknown)
        return {each: self._known_names[each] for each in wanted if each in self._known_names}


def binding_of(embedder: Embedder, chosen: str | Path) -> ModelBinding:
    """How a gallery remembers a model that was opened as `chosen`."""
    shipped = isinstance(chosen, str) and chosen in shipped_models()
    return ModelBinding(
        name=embedder.info.name,
        fingerprint=embedder.info.fingerprint,
        place=str(chosen) if shipped else str(resolve_model(chosen).resolve()),
        embedding_size=embedder.info.embedding_size,
    )


def _require_own_model(gallery: Gallery, embedder: Embedder) -> None:
    own = gallery.info.model
    if own.fingerprint != embedder.info.fingerprint:
        raise GalleryError(
            f"the gallery {gallery.info.name!r} was embedded by the model {own.name} "
            f"({own.fingerprint[:12]}), which is not {embedder.info.name} "
            f"({embedder.info.fingerprint[:12]}); give that model, or move the gallery to the new "
            f"one: firstsight upgrade --gallery {gallery.info.name} --model NEW"
        )


def _listed(pictures: PictureLike | Sequence[PictureLike]) -> list[PictureLike]:
    if isinstance(pictures, np.ndarray):
        return list(pictures) if pictures.ndim == 4 else [pictures]
    if isinstance(pictures, list | tuple):
        return list(pictures)
    return [cast(PictureLike, pictures)]
