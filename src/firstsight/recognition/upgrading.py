"""A gallery moves to another model: embedded anew beside the old, compared, then switched.

Nothing that answers is touched before the switch, which is one transaction; what was prepared
survives an interruption, and the old vectors stay staged, so that one can go back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.deciding.asking_again import asked_again
from firstsight.deciding.combining import GalleryVectors
from firstsight.deciding.estimate import Estimate, estimate
from firstsight.errors import GalleryError, PictureError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.places import gallery_option
from firstsight.gallery.records import ModelBinding, PhotoVectors, Verdict
from firstsight.images.reading import read_picture
from firstsight.metrics.intervals import interval_by_cluster
from firstsight.model.embedder import Embedder
from firstsight.recognition.ahead import embed_ahead
from firstsight.recognition.comparing import calibrated_of
from firstsight.recognition.rejudging import askable, rejudge
from firstsight.recognition.standing import Standing

__all__ = ["Changed", "Proof", "Rate", "Side", "carried", "prepare", "prove"]

BATCH = 32
Rate = tuple[float, float, float]  # measured, and its 95 % interval by thing


@dataclass(frozen=True)
class Changed:
    """A photo whose answer would change: the thing it is of, what it is called before and after."""

    photo: int
    source: str
    thing: str
    before: str
    after: str


@dataclass(frozen=True)
class Side:
    """One model on this gallery; each rate is None where there was nothing to measure it on.

    right: photos that get their own thing's name although they themselves were left out.
    missed: the same photos called unknown. strangers_named: photos that get a name although
        their whole thing was left out. verdicts: pictures that people judged, and that are not
        enrolled, answered as they said.
    """

    model: str
    right: Rate | None
    missed: Rate | None
    strangers_named: Rate | None
    verdicts: Rate | None

    def to_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "right": self.right,
            "missed": self.missed,
            "strangers_named": self.strangers_named,
            "verdicts": self.verdicts,
        }


@dataclass(frozen=True)
class Proof:
    """What switching would change."""

    before: Side
    after: Side
    n_photos: int
    n_enrolled_trials: int
    n_stranger_trials: int
    n_verdicts: int
    changes: list[Changed]

    @property
    def loses_nothing(self) -> bool:
        """No fewer photos are named rightly, no fewer verdicts met, and no more strangers named.

        False where no thing has two photos: nothing was measured, so nothing is proved.
        """
        if self.after.right is None:
            return False

        def value(rate: Rate | None) -> float:
            return 0.0 if rate is None else rate[0]

        before, after = self.before, self.after
        return (
            value(after.right) >= value(before.right)
            and value(after.verdicts) >= value(before.verdicts)
            and value(after.strangers_named) <= _tolerated(before.strangers_named)
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "photos": self.n_photos,
            "enrolled_trials": self.n_enrolled_trials,
            "stranger_trials": self.n_stranger_trials,
            "verdicts": self.n_verdicts,
            "loses_nothing": self.loses_nothing,
            "changes": [vars(each) for each in self.changes],
        }


def _tolerated(rate: Rate | None) -> float:
    """Noise is no loss: up to the upper end of the old rate's interval."""
    return 0.0 if rate is None else rate[2]


def prepare(
    gallery: Gallery,
    embedder: Embedder,
    binding: ModelBinding,
    *,
    gives_up_former: bool = False,
    advance: Callable[[], object] = lambda: None,
) -> None:
    """Stage the new model's vectors of every photo, from the kept pictures; resumes by itself.

    gives_up_former: also where those of the model before, the only way back to it, lose their
        place to them. Raises GalleryError where they would and it is not said, and where a photo
        has no kept picture, or it is damaged.
    """
    staged = gallery.staged()
    if staged is not None and staged[0].fingerprint != binding.fingerprint:
        if not gives_up_former:
            _require_no_former(gallery, binding)
        gallery.drop_stage()
        staged = None
    if staged is None:
        gallery.stage(binding, {})
    seen = embedder.info.preprocessing

    def read(photo: int) -> tuple[int, npt.NDArray[np.uint8]]:
        kept = gallery.picture(photo)
        if kept is None:
            raise GalleryError(
                f"photo {photo} has no kept picture, so it cannot be embedded anew; enroll it "
                "again from its file in a gallery of the new model"
            )
        reading = read_picture(kept, name=f"the kept picture of photo {photo}")
        return photo, reading.pixels(seen)

    for batch in embed_ahead(gallery.unstaged(), read, embedder, batch_size=BATCH):
        vectors = {}
        for photo, made in batch:
            if isinstance(made, PictureError):
                raise GalleryError(f"photo {photo} cannot be embedded anew: {made}") from made
            vectors[photo] = made[1]
        gallery.stage(binding, vectors)
        for _ in batch:
            advance()


def _require_no_former(gallery: Gallery, new: ModelBinding) -> None:
    former = gallery.former()
    if former is not None:
        raise GalleryError(
            f"the gallery {gallery.info.name!r} was of the model {former.name} before, and only "
            f"one model beside its own can be kept, so preparing {new.name} would end the way "
            "back; give it up first: "
            f"firstsight upgrade{gallery_option(gallery.place)} --drop --force"
        )


def prove(gallery: Gallery, old: Embedder, new: Embedder, *, target: float = 0.01) -> Proof:
    """Ask both models about every photo with itself left out, and with its thing left out.

    And about every picture that people judged: by thresholds that do not rest on those verdicts.
    """
    staged = gallery.staged()
    if staged is None or gallery.unstaged():
        raise GalleryError("the upgrade is not prepared to its end; run it again")
    vectors = gallery.vectors()
    _, others = staged
    if not np.array_equal(vectors.photos, others.photos):
        raise GalleryError("the gallery changed meanwhile; run the upgrade again")
    verdicts = askable(gallery)
    sides = [
        _asked(gallery, verdicts, embedder, each, target)
        for embedder, each in ((old, vectors), (new, others))
    ]
    names = gallery.names(vectors.things.tolist())
    own = np.repeat(np.arange(len(vectors.things)), np.diff([*vectors.starts, len(vectors)]))
    before, after = (
        [names[int(vectors.things[each])] if each >= 0 else "unknown" for each in side.named]
        for side in sides
    )
    changes = [
        Changed(
            int(vectors.photos[row]),
            gallery.photo(int(vectors.photos[row])).source,
            names[int(vectors.things[own[row]])],
            before[row],
            after[row],
        )
        for row in range(len(vectors))
        if before[row] != after[row]
    ]
    return Proof(
        before=sides[0].summed_up(old.info.name, own),
        after=sides[1].summed_up(new.info.name, own),
        n_photos=len(vectors),
        n_enrolled_trials=int(sides[0].has_others.sum()),
        n_stranger_trials=len(vectors) if len(vectors.things) > 1 else 0,
        n_verdicts=len(sides[0].verdicts),
        changes=changes,
    )


def carried(gallery: Gallery, embedder: Embedder, *, target: float = 0.01) -> list[Verdict]:
    """The verdicts as they are once the staged vectors, which are `embedder`'s, are in force.

    Those that cannot be asked anew stay with the model that they were on.
    """
    verdicts, staged = askable(gallery), gallery.staged()
    if not verdicts or staged is None or not len(staged[1]):
        return []
    standing = _standing(embedder, staged[1], target)
    return [each.verdict for each in rejudge(gallery, verdicts, embedder, standing)]


@dataclass(frozen=True, eq=False)
class _Asked:
    """named: (P,) the thing each photo is called with itself left out, -1 for unknown.

    stranger_named: (P,) whether it gets a name with its thing left out. has_others: (P,) whether
    its thing has other photos. verdicts: (V,) whether each was met.
    """

    named: npt.NDArray[np.int64]
    stranger_named: npt.NDArray[np.bool_]
    has_others: npt.NDArray[np.bool_]
    verdicts: npt.NDArray[np.bool_]

    def summed_up(self, model: str, own: npt.NDArray[np.int64]) -> Side:
        kept = self.has_others
        strangers = self.stranger_named if own.max(initial=0) > 0 else self.stranger_named[:0]
        return Side(
            model,
            right=_rate((self.named == own)[kept], own[kept]),
            missed=_rate((self.named < 0)[kept], own[kept]),
            strangers_named=_rate(strangers, own[: len(strangers)]),
            verdicts=_rate(self.verdicts, np.arange(len(self.verdicts))),
        )


def _asked(
    gallery: Gallery,
    verdicts: Sequence[Verdict],
    embedder: Embedder,
    vectors: PhotoVectors,
    target: float,
) -> _Asked:
    standing = _standing(embedder, vectors, target)
    blocks = list(_in_blocks(embedder, vectors, standing.estimate))
    named, strangers, has_others = (np.concatenate(each) for each in zip(*blocks, strict=True))
    met = [each.is_right for each in rejudge(gallery, verdicts, embedder, standing)]
    return _Asked(named, strangers, has_others, np.array(met, np.bool_))


def _standing(embedder: Embedder, vectors: PhotoVectors, target: float) -> Standing:
    head = embedder.info.head
    found = estimate(head, vectors, calibrated=calibrated_of(embedder), target=target)
    return Standing.of(vectors, head, found)


def _in_blocks(
    embedder: Embedder, vectors: GalleryVectors, found: Estimate
) -> Iterator[tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]]:
    limit = np.inf if found.threshold is None else found.threshold
    for asked in asked_again(embedder.info.head, vectors, rule=found.rule):
        nearest = np.minimum(asked.own, asked.first)
        named = np.where(asked.own < asked.first, asked.thing, asked.named)
        yield (
            np.where(nearest <= limit, named, -1),
            asked.first <= limit,
            np.isfinite(asked.own),
        )


def _rate(hits: npt.NDArray[np.bool_], things: npt.NDArray[np.int64]) -> Rate | None:
    if not len(hits):
        return None
    return (float(hits.mean()), *interval_by_cluster(hits, things, np.random.default_rng(0)))
