from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.gallery.gallery import Gallery
from firstsight.gallery.paging import _IN_ORDER
from firstsight.gallery.records import ModelBinding, NewPhoto

MODEL = ModelBinding(name="made up", fingerprint="0" * 64, place="nowhere", embedding_size=2)
NAMES = ["a", "A", "Ab", "aa", "b", "B", "é", "z", "Zebra", "zebra", "10", "9", "c/d", "%"]


def _photo(number: int, kept: bytes | None = None) -> NewPhoto:
    vector = np.array([1, number], np.float32)
    return NewPhoto(f"{number:064x}", f"{number}.png", 8, 8, vector, kept)


def _gallery(place: Path) -> Gallery:
    gallery = Gallery.create(place, name="paged", model=MODEL)
    gallery.enroll([(name, _photo(row, b"kept")) for row, name in enumerate(NAMES)])
    return gallery


@given(n=st.integers(1, 6), containing=st.sampled_from(["", "a", "Z", "é", "nothing"]))
@settings(max_examples=20, deadline=None)
def test_pages_one_after_another_are_the_whole_list(
    tmp_path_factory: pytest.TempPathFactory, n: int, containing: str
) -> None:
    with _gallery(tmp_path_factory.mktemp("paged") / "g") as gallery:
        whole = gallery.things(containing=containing)
        pages, last = [], ""
        while page := gallery.things_after(last, n, containing=containing):
            assert len(page) <= n
            pages += page
            last = page[-1].name
        assert pages == whole


def test_photos_follow_one_another_by_number(tmp_path: Path) -> None:
    with _gallery(tmp_path / "g") as gallery:
        gallery.enroll([("a", _photo(100 + row)) for row in range(5)])
        first = gallery.photos_after("a", n=4)
        rest = gallery.photos_after("a", first[-1].id, n=4)
        assert first + rest == gallery.photos("a")
        assert len(first) == 4


def test_a_thing_is_shown_by_its_first_kept_picture(tmp_path: Path) -> None:
    with Gallery.create(tmp_path / "g", name="covers", model=MODEL) as gallery:
        gallery.enroll([("mug", _photo(1)), ("mug", _photo(2, b"kept")), ("cup", _photo(3))])
        mug, cup = gallery.thing("mug"), gallery.thing("cup")
        assert gallery.covers([mug.id, cup.id]) == {mug.id: gallery.photos("mug")[1].id}


def test_a_page_far_in_is_found_by_the_index(tmp_path: Path) -> None:
    with _gallery(tmp_path / "g") as gallery, gallery._store.reading() as connection:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {_IN_ORDER}", {"last": "b"}).fetchall()
        (told,) = (row[3] for row in plan)  # nothing is sorted besides
        assert told.startswith("SEARCH thing USING INDEX thing_in_order")
