"""What stands behind the page and needs no browser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.app.http.sight import Picture
from firstsight.app.http.uploads import Upload
from firstsight.app.web.card import card_html
from firstsight.app.web.forms import Form
from firstsight.app.web.scale import scale_of
from firstsight.app.web.telling import percent
from firstsight.app.web.tray import Tray
from firstsight.errors import NotInGallery
from firstsight.model.embedder import Embedder
from firstsight.model.info import ModelInfo


def test_a_picture_on_the_tray_can_be_taken_again_and_again() -> None:
    tray = Tray()
    number = tray.put(Picture("a.png", b"aaa"))
    assert tray.take(number).data == b"aaa"
    assert tray.take(number).name == "a.png"


def test_the_tray_drops_the_oldest_where_pictures_weigh_too_much() -> None:
    tray = Tray(most_bytes=10)
    first, second, third = (tray.put(Picture("p", b"12345")) for _ in range(3))
    with pytest.raises(NotInGallery, match="no longer at hand"):
        tray.take(first)
    assert tray.take(second) is not tray.take(third)


def test_the_tray_forgets_in_time() -> None:
    tray = Tray(lasting_s=-1)
    number = tray.put(Picture("a.png", b"aaa"))
    with pytest.raises(NotInGallery):
        tray.take(number)


def test_a_number_in_a_form_is_brought_into_its_range() -> None:
    def steps(typed: str) -> int:
        return Form(Upload(fields={"steps": [typed]})).number("steps", 1, 20, 5)

    typed = ("3", "0", "21", "9" * 5000, "", "x", "-3")
    assert [steps(each) for each in typed] == [3, 1, 20, 20, 5, 5, 5]


def test_the_scale_puts_distances_in_proportion() -> None:
    drawn = scale_of([("near", 0.25), ("far", 1.0)], 0.5, limit_words="up to")
    # The line ends 12 % beyond the farthest: at 1.12.
    assert [mark.at for mark in drawn.marks] == [22.32, 89.29]
    assert drawn.limit == 44.64
    assert drawn.told == "near: distance 0.250; far: distance 1.000; up to 0.500"
    assert drawn.anchor(22.32) == "start" and drawn.anchor(89.29) == "end"


def test_a_scale_without_a_threshold_says_so() -> None:
    assert scale_of([("near", 0.0)], None, limit_words="up to").told.endswith(
        "no threshold is known"
    )


@given(st.floats(0, 1))
def test_only_certainty_is_told_as_certainty(share: float) -> None:
    told = percent(share)
    assert (told == "100\u00a0%") == (share == 1)
    assert (told == "0\u00a0%") == (share == 0)


def test_what_a_model_card_says_stays_text(characters: Embedder) -> None:
    info = characters.info
    wicked = ModelInfo(
        name="<script>alert(1)</script>",
        preprocessing=info.preprocessing,
        head=info.head,
        embedding_size=2,
    )
    told = card_html(wicked)
    assert "<script" not in told and "&lt;script&gt;" in told
    assert "<h1" not in told and "<table>" in card_html(info)
