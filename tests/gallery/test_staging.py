from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.errors import GalleryError, ShapeError
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import ModelBinding, NewPhoto

from .stores import MODEL, OTHER_MODEL, created, photo, verdict


def by_other_model(number: int) -> npt.NDArray[np.float32]:
    return np.full(OTHER_MODEL.embedding_size, -number, np.float32)


@pytest.fixture
def gallery(tmp_path: Path) -> Iterator[Gallery]:
    with created(tmp_path / "g", mug=[1, 2], cup=[3]) as gallery:
        yield gallery


def test_vectors_are_staged_in_pieces_beside_those_in_force(gallery: Gallery) -> None:
    assert gallery.staged() is None
    assert gallery.unstaged() == [1, 2, 3]
    generation = gallery.generation
    gallery.stage(OTHER_MODEL, {3: by_other_model(3)})
    with Gallery.open(gallery.place) as other:
        other.stage(OTHER_MODEL, {1: by_other_model(1), 3: by_other_model(30)})
    staged = gallery.staged()
    assert staged is not None
    assert staged[0] == OTHER_MODEL
    assert staged[1].photos.tolist() == [1, 3]
    assert staged[1].vectors[:, 0].tolist() == [-1, -30]
    assert (staged[1].things.tolist(), staged[1].starts.tolist()) == ([1, 2], [0, 1])
    assert gallery.unstaged() == [2]
    # Nothing that anybody sees has changed.
    assert (gallery.generation, gallery.info.model) == (generation, MODEL)
    assert gallery.vectors().vectors[:, 0].tolist() == [1, 2, 3]


def test_switching_exchanges_everything_and_back(gallery: Gallery) -> None:
    number = gallery.record(verdict("right", "mug", "mug"))
    gallery.remember("estimate", 1)
    before = gallery.generation
    gallery.stage(OTHER_MODEL, {id: by_other_model(id) for id in (1, 2, 3)})
    with Gallery.open(gallery.place) as reader:
        gallery.switch()
        assert reader.info.model == OTHER_MODEL
        assert reader.vectors().vectors[:, 0].tolist() == [-1, -2, -3]
        assert reader.vectors().vectors.shape == (3, OTHER_MODEL.embedding_size)
        assert reader.generation > before
        assert reader.recall("estimate") is None
        # What was said of the other model's answers does not mix with these.
        assert reader.verdicts() == []
        assert [kept.id for kept in reader.verdicts(any_model=True)] == [number]
        staged = reader.staged()
        assert staged is not None and staged[0] == MODEL
        assert reader.check() == []
        gallery.switch()
        assert reader.info.model == MODEL
        assert reader.vectors().vectors[:, 0].tolist() == [1, 2, 3]
        assert len(reader.verdicts()) == 1


def test_only_a_model_that_was_in_force_is_the_former_one(gallery: Gallery) -> None:
    gallery.stage(OTHER_MODEL, {id: by_other_model(id) for id in (1, 2, 3)})
    assert gallery.former() is None  # prepared, no more
    gallery.switch()
    assert gallery.former() == MODEL
    gallery.forget("cup")  # which writes the file anew
    assert gallery.former() == MODEL
    gallery.switch()
    assert gallery.former() == OTHER_MODEL
    gallery.drop_stage()
    assert gallery.former() is None
    gallery.stage(OTHER_MODEL, {})
    assert gallery.former() is None


def test_switching_waits_for_every_photo(gallery: Gallery) -> None:
    with pytest.raises(GalleryError, match="no model to switch to"):
        gallery.switch()
    gallery.stage(OTHER_MODEL, {1: by_other_model(1), 2: by_other_model(2)})
    with pytest.raises(GalleryError, match="1 of the photos have no vector by 'wider' yet"):
        gallery.switch()
    gallery.remove_photo(3)
    gallery.switch()
    gallery.enroll([("mug", _wide(4))])
    with pytest.raises(GalleryError, match="1 of the photos have no vector by 'tiny' yet"):
        gallery.switch()


def _wide(number: int) -> NewPhoto:
    return replace(photo(number), vector=by_other_model(number))


def test_what_does_not_belong_is_not_staged(gallery: Gallery) -> None:
    with pytest.raises(ShapeError, match=r"shape \(4,\).*gives \(6,\)"):
        gallery.stage(OTHER_MODEL, {1: np.zeros(4, np.float32)})
    assert gallery.staged() is None
    gallery.stage(OTHER_MODEL, {99: by_other_model(99)})
    staged = gallery.staged()
    assert staged is not None and len(staged[1]) == 0
    third = ModelBinding("third", "d" * 64, "third", 2)
    with pytest.raises(GalleryError, match="vectors of the model 'wider' are staged; drop them"):
        gallery.stage(third, {})
    gallery.drop_stage()
    gallery.stage(third, {1: np.ones(2, np.float32)})
    with pytest.raises(GalleryError, match="'tiny' is the gallery's model already"):
        gallery.drop_stage()
        gallery.stage(MODEL, {})
