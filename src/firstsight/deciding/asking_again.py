"""Every photo of a gallery asked about again, with itself left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firstsight.deciding.combining import CHUNK_CELLS, GalleryVectors, Rule
from firstsight.deciding.leaving_out import Asking
from firstsight.similarity import Head

__all__ = ["AskedAgain", "asked_again"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class AskedAgain:
    """What came nearest to n photos of a gallery of T things.

    thing: (n,) the photo's own, 0..T-1. own: (n,) its distance without the photo; inf where it
    has no other. first: (n,) the distance of the nearest other thing, `named`; inf without any.
    """

    thing: Indices
    own: Floats
    first: Floats
    named: Indices


def asked_again(head: Head, vectors: GalleryVectors, *, rule: Rule) -> Iterator[AskedAgain]:
    """Blocks of photos, in the gallery's order; each costs one row of distances to all photos."""
    asking = Asking(head, vectors, np.asarray(vectors.starts))
    n_photos = len(vectors.vectors)
    step = max(1, CHUNK_CELLS // n_photos)
    for start in range(0, n_photos, step):
        rows = np.arange(start, min(start + step, n_photos))
        answers = asking.answers(rows)[rule]
        yield AskedAgain(asking.thing[rows], answers.own, answers.first, answers.named)
