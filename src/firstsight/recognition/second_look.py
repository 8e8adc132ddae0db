"""A second look: where the first leaves doubt, do places of the picture agree with enrolled ones?

The network sees pictures as a whole; a print, a label or a pattern that is seen again is told far
more surely by its keypoints. They cost some twenty milliseconds a picture, so they are looked for
where a first look does not settle the answer, and compared with the nearest photos alone. What was
found of an enrolled photo is kept in the gallery.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.deciding.second_look import SAME_COLOURS, log_odds_of
from firstsight.errors import NotInGallery, PictureError
from firstsight.gallery.gallery import Gallery
from firstsight.images.preprocess import Preprocessing
from firstsight.images.reading import Reading, read_picture
from firstsight.keypoints import (
    FORMAT,
    Agreement,
    Keypoints,
    agreeing,
    compare_colours,
    find_keypoints,
)
from firstsight.recognition.nearest import Near

__all__ = [
    "LOOKED_AT",
    "OF_ONE",
    "SecondLook",
    "Seen",
    "Told",
    "few_of_each",
    "sees_photographs",
    "told_by",
]

Places = npt.NDArray[np.float32]  # (N, 2)

LOOKED_AT = 50  # enrolled photos, the nearest
OF_ONE = 5  # of these, at most, that show one thing
RIVALS = 20  # of these, of other things, that an enrolled photo is compared with
DENIED = 5  # pictures of the last verdicts on a thing
SHARED = 0.05  # of the longest side: as near to what another thing agrees with, a place is its too
NOWHERE = np.full((1, 2), np.inf, np.float32)


@dataclass(frozen=True)
class Told:
    """What places of two pictures tell. agreeing: how many agree, counted by how near to the
    middles they lie. other_colours: share, 0..1, of those around that have another colour.
    """

    agreeing: float
    other_colours: float = 0.0

    @property
    def log_odds(self) -> float:
        """By how much the odds of "the same" rise for it."""
        return log_odds_of(self.agreeing, self.other_colours)

    def nearer_by(self, sharpness: float) -> float:
        """The same as a distance. sharpness: > 0, by how much a unit lowers the log odds."""
        return self.log_odds / sharpness


@dataclass(frozen=True)
class Seen:
    """near: a thing, brought nearer where places agree, and the photo that it is nearest by.

    agreeing: keypoints that agree, counted by how near to the pictures' middles they lie; None
    where nobody looked. nearer: by how much less its distance is for that.
    """

    near: Near
    agreeing: float | None = None
    nearer: float = 0.0


def sees_photographs(seen_as: Preprocessing) -> bool:
    """Whether a network is for photographs: colours, and no frame of the ink."""
    return seen_as.mode == "rgb" and seen_as.fit != "ink"


@dataclass(frozen=True, eq=False)
class SecondLook:
    """Of one gallery."""

    gallery: Gallery

    def at(
        self,
        reading: Reading,
        found: Sequence[Near],
        photos: Sequence[tuple[int, int]],
        sharpness: float,
        *,
        closed_set: bool = False,
    ) -> list[Seen]:
        """The things found at first, by how near they are now.

        found: by rising distance. photos: (thing, photo) of the photos to look at. closed_set: one
        of the things is shown for certain.
        """
        told = self._told(find_keypoints(reading.image()), photos, closed_set=closed_set)
        best = dict[int, int]()
        for thing, photo in photos:
            if photo in told and (thing not in best or _says_more(told[photo], told[best[thing]])):
                best[thing] = photo
        seen = [
            _seen_again(near, told[best[near.thing]], best[near.thing], sharpness)
            if near.thing in best
            else Seen(near)
            for near in found
        ]
        return sorted(seen, key=_by_distance)

    def at_photos(self, reading: Reading, found: Sequence[Near], sharpness: float) -> list[Seen]:
        """As `at`, of photos one by one, several of one thing too."""
        told = self._told(find_keypoints(reading.image()), few_of_each(found))
        seen = [
            _seen_again(near, told[near.photo], near.photo, sharpness)
            if near.photo in told
            else Seen(near)
            for near in found
        ]
        return sorted(seen, key=_by_distance)

    def _told(
        self, asked: Keypoints, photos: Sequence[tuple[int, int]], *, closed_set: bool = False
    ) -> dict[int, Told]:
        """By photo: how many keypoints agree with it, and tell its thing from others.

        A place that two things agree with, as a logo or the table that both lie on, tells neither;
        nor one of an enrolled photo where other enrolled things agree with that, as all faces have
        eyes; nor one that agrees with a picture which, as a person said, does not show the thing.
        But a place of another colour takes nothing away. Of a closed set the print whose colours
        are least off is in a bad light. Photos whose pictures were not kept are left out.
        """
        enrolled = self._keypoints([photo for _, photo in photos])
        owned = [(thing, photo) for thing, photo in photos if photo in enrolled]
        agreed, others = dict[int, Agreement](), dict[int, float]()
        claimed = dict[int, tuple[float, Places]]()
        for thing, photo in owned:
            agreed[photo] = agreement = agreeing(asked, enrolled[photo])
            colours = compare_colours(asked, enrolled[photo], agreement)
            others[photo] = colours.other
            if thing not in claimed or agreement.told > claimed[thing][0]:
                claimed[thing] = agreement.told, asked.at[agreement.first[colours.same]]
        agree = (others[photo] for photo, each in agreed.items() if log_odds_of(each.told) > 0)
        light = max(0.0, min(agree, default=0.0) - SAME_COLOURS) if closed_set else 0.0
        told, denied = dict[int, Told](), dict[int, list[Places]]()
        for thing, photo in owned:
            left = agreed[photo]
            if log_odds_of(left.told) > 0:
                claims = [places for own, (_, places) in claimed.items() if own != thing]
                left = left.where(_is_apart(asked.at[left.first], claims))
            # Dearer to find out, and so only where it still matters.
            if log_odds_of(left.told) > 0:
                rivals = [enrolled[rival] for own, rival in owned if own != thing][:RIVALS]
                shared = [_agreeing_places(enrolled[photo], rival) for rival in rivals]
                left = left.where(_is_apart(enrolled[photo].at[left.second], shared))
            if log_odds_of(left.told) > 0:
                if thing not in denied:
                    denied[thing] = self._denied(asked, thing)
                left = left.where(_is_apart(asked.at[left.first], denied[thing]))
            told[photo] = Told(left.told, max(0.0, others[photo] - light))
        return told

    def _denied(self, asked: Keypoints, thing: int) -> list[Places]:
        """Places that agree with pictures denied to show the thing."""
        denied = (
            _keypoints_of(encoded, "the picture of a verdict")
            for encoded in self.gallery.mistakable(thing, DENIED)
        )
        return [_agreeing_places(asked, each) for each in denied if each is not None]

    def _keypoints(self, photos: Iterable[int]) -> dict[int, Keypoints]:
        """By photo, of those whose pictures are kept."""
        found = dict[int, Keypoints]()
        for photo, packed in self.gallery.keypoints(photos, FORMAT).items():
            try:
                found[photo] = Keypoints.from_bytes(packed)
            except ValueError:  # damaged: found anew
                continue
        anew = dict[int, bytes]()
        for photo in photos:
            if photo not in found and (keypoints := self._found_anew(photo)) is not None:
                found[photo], anew[photo] = keypoints, keypoints.to_bytes()
        if anew:
            self.gallery.keep_keypoints(anew, FORMAT)
        return found

    def _found_anew(self, photo: int) -> Keypoints | None:
        try:
            kept = self.gallery.picture(photo)
        except NotInGallery:  # by now
            return None
        return None if kept is None else _keypoints_of(kept, f"the picture of photo {photo}")


def few_of_each(found: Sequence[Near]) -> list[tuple[int, int]]:
    """(thing, photo) of the photos to look at, of those found: the first ones, few of one thing."""
    n_of = dict[int, int]()
    few = list[tuple[int, int]]()
    for near in found:
        n_of[near.thing] = n_of.get(near.thing, 0) + 1
        if n_of[near.thing] <= OF_ONE and len(few) < LOOKED_AT:
            few.append((near.thing, near.photo))
    return few


def _keypoints_of(kept: bytes, name: str) -> Keypoints | None:
    try:
        return find_keypoints(read_picture(kept, name=name).image())
    except PictureError:  # damaged: it tells nothing
        return None


def _seen_again(near: Near, told: Told, photo: int, sharpness: float) -> Seen:
    nearer = told.nearer_by(sharpness)
    by = photo if nearer else near.photo
    return Seen(Near(near.thing, near.distance - nearer, by), told.agreeing, nearer)


def _says_more(one: Told, other: Told) -> bool:
    return (one.log_odds, one.agreeing) > (other.log_odds, other.agreeing)


def _by_distance(seen: Seen) -> float:
    return seen.near.distance


def told_by(readings: Sequence[Reading]) -> Told:
    """What the places of two pictures tell.

    From either to the other, whichever says more: so the order of the two does not matter.
    """
    one, other = (find_keypoints(reading.image()) for reading in readings)
    told, back = _told_of(one, other), _told_of(other, one)
    return back if _says_more(back, told) else told


def _told_of(one: Keypoints, other: Keypoints) -> Told:
    agreement = agreeing(one, other)
    return Told(agreement.told, compare_colours(one, other, agreement).other)


def _agreeing_places(one: Keypoints, other: Keypoints) -> Places:
    """Of one, where the colours agree too."""
    agreement = agreeing(one, other)
    return one.at[agreement.first[compare_colours(one, other, agreement).same]]


def _is_apart(at: Places, others: Sequence[Places]) -> npt.NDArray[np.bool_]:
    """(N,) whether each place lies apart from all others."""
    there = np.unique(np.concatenate([*others, NOWHERE]), axis=0)
    to_all = np.linalg.norm(at[:, None] - there, axis=2)
    return np.asarray(to_all.min(axis=1) > SHARED, np.bool_)
