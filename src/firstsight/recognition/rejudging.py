"""People's verdicts under another model: the judged pictures are asked about again.

A verdict is a word on a picture, and outlives the model whose answer called for it. Its distance
does not: that is measured anew, from the kept picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from firstsight.errors import PictureError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.judging import last_words
from firstsight.gallery.records import Verdict
from firstsight.images.reading import read_picture
from firstsight.model.embedder import Embedder
from firstsight.recognition.ahead import embed_ahead
from firstsight.recognition.standing import Standing

__all__ = ["Rejudged", "askable", "rejudge"]

BATCH = 32


@dataclass(frozen=True)
class Rejudged:
    """verdict: with vector, distance, margin and nearest thing by this model.

    is_right: whether the answer is what the person said: the true thing by its name, or "unknown"
    where it is none of the things.
    """

    verdict: Verdict
    is_right: bool


def rejudge(
    gallery: Gallery, verdicts: Sequence[Verdict], embedder: Embedder, standing: Standing
) -> list[Rejudged]:
    """What the model of `standing` makes of the pictures that people judged, in order.

    verdicts: as `askable` gives them. Pictures that turn out damaged are left out.
    """
    seen = embedder.info.preprocessing

    def read(verdict: Verdict) -> tuple[Verdict, np.ndarray]:
        assert verdict.kept is not None
        reading = read_picture(verdict.kept, name=f"the kept picture of verdict {verdict.id}")
        return verdict, reading.pixels(seen)

    names = gallery.names(standing.matrix.photos.things.tolist())

    def asked() -> Iterator[Rejudged]:
        for batch in embed_ahead(verdicts, read, embedder, batch_size=BATCH):
            for _, made in batch:
                if not isinstance(made, PictureError):
                    yield _asked(*made, standing, names)

    return list(asked())


def askable(gallery: Gallery) -> list[Verdict]:
    """The verdicts that can be asked anew, whichever model's answers they were on.

    Of two on one picture the later. Not one whose picture was not kept, or is enrolled by now (the
    photo itself speaks for its thing), or whose true thing is gone.
    """
    return [
        verdict
        for verdict in last_words(gallery.verdicts(any_model=True))
        if verdict.kept is not None
        and (verdict.kind == "wrong" or verdict.truth is not None)
        and gallery.holds(verdict.digest) is None
    ]


def _asked(
    verdict: Verdict, vector: np.ndarray, standing: Standing, names: dict[int, str]
) -> Rejudged:
    (found,) = standing.nearest_things(vector[None])
    thing, distance, _ = found[0]
    limit, named = standing.estimate.threshold, names[thing]
    called = named if limit is None or distance <= limit else None
    anew = replace(
        verdict,
        named=named,
        distance=distance,
        margin=found[1][1] - distance if len(found) > 1 else None,
        vector=vector,
    )
    if verdict.truth is not None:
        anew = replace(anew, kind="right" if named == verdict.truth else "other")
    return Rejudged(anew, is_right=called == verdict.truth)
