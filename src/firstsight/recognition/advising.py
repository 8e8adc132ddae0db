"""What is likely to go wrong: with a photo before it is saved, and in a gallery as it stands."""

from __future__ import annotations

from firstsight.gallery.advising import Newcomer, advise_enrollment
from firstsight.gallery.copies import KeptPictures
from firstsight.gallery.doctor import Examination, examine
from firstsight.gallery.findings import Finding
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import NewPhoto
from firstsight.images.likeness import likeness
from firstsight.images.quality import picture_flaws
from firstsight.model.info import ModelInfo
from firstsight.recognition.enrolling import Prepared
from firstsight.recognition.standings import Standings

__all__ = ["advise_newcomer", "examine_gallery"]


def advise_newcomer(
    gallery: Gallery,
    model: ModelInfo,
    standings: Standings,
    thing: str,
    made: Prepared,
    photo: NewPhoto,
) -> list[Finding]:
    """Of a photo that is to become one of `thing`."""
    standing = standings.current() if gallery.counts()[1] else None
    photos = standing.matrix.photos if standing else gallery.vectors()
    held, image = gallery.holds(photo.digest), made.reading.image()
    new = Newcomer(
        thing,
        photo.vector,
        flaws=picture_flaws(image),
        likeness=likeness(image),
        held=(held.id, held.thing) if held else None,
    )
    return advise_enrollment(
        model.head,
        photos,
        standings.names(photos.things),
        new,
        threshold=standing.estimate.threshold if standing else None,
        pictures=KeptPictures(gallery.picture, model.preprocessing.mode),
    )


def examine_gallery(gallery: Gallery, model: ModelInfo, standings: Standings) -> Examination:
    """Of everything that is enrolled; GalleryError where nothing is."""
    standing = standings.current()
    photos = standing.matrix.photos
    return examine(
        model.head,
        photos,
        standings.names(photos.things),
        threshold=standing.estimate.threshold,
        pictures=KeptPictures(gallery.picture, model.preprocessing.mode),
        rule=standing.estimate.rule,
    )
