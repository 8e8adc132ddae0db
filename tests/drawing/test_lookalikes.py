from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from firstsight.drawing.lookalikes import (
    Alike,
    Decided,
    Question,
    answer_sheet,
    answer_words,
    gallery_sheet,
    search_sheet,
    sure_of,
)
from firstsight.errors import UsageError

GREEN, BLUE, SLATE = (0, 158, 115), (0, 114, 178), (84, 88, 96)
ORANGE = (213, 94, 0)


def flat(grey: int, height: int = 20, width: int = 20) -> npt.NDArray[np.uint8]:
    return np.full((height, width), grey, np.uint8)


def alike(greys: Sequence[int]) -> list[Alike]:
    return [Alike(f"mug {grey}", flat(grey), grey / 1000, 0.5) for grey in greys]


def count(sheet: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(sheet) == colour).all(axis=2).sum())


def greys_of(sheet: Image.Image) -> set[int]:
    """The greys that fill at least a thousand pixels: those of whole pictures."""
    found = sheet.convert("L").getcolors() or []
    return {int(grey) for n, grey in found if n > 1000 and isinstance(grey, int)}


def answered(decision: Decided) -> Question:
    thing = None if decision == "unknown" else "mug"
    return Question(flat(30), "a.png", alike([60, 90]), decision, thing, 0.8)


def test_the_nearest_stand_right_of_the_asked_picture_in_their_order() -> None:
    sheet = search_sheet([Question(flat(30), "a.png", alike([60, 90, 120]))])
    middle = np.asarray(sheet)[sheet.height // 2, :, 0].tolist()
    places = [middle.index(grey) for grey in (30, 60, 90, 120)]
    assert places == sorted(places)


def test_more_than_eight_go_on_below() -> None:
    greys = list(range(10, 220, 10))  # 21
    few = search_sheet([Question(flat(3), "a.png", alike(greys[:8]))])
    sheet = search_sheet([Question(flat(3), "a.png", alike(greys))])
    assert sheet.width == few.width <= 1600
    assert 2 * few.height < sheet.height < 3 * few.height
    assert greys_of(sheet) >= set(greys)


def test_a_search_of_one_photo_a_thing_says_so() -> None:
    asked = [Question(flat(30), "a.png", alike([60, 90]))]
    once, often = search_sheet(asked, one_a_thing=True), search_sheet(asked)
    rows = (np.asarray(once) != np.asarray(often)).any(axis=(1, 2)).nonzero()[0]
    assert len(rows) and rows.max() < 130  # in the words above the pictures, nowhere else


def test_where_the_truth_is_known_photos_are_framed_as_right_or_wrong() -> None:
    asked = [Question(flat(30), "a.png", alike([60, 90, 120]))]
    framed, plain = search_sheet(asked, truth="mug 90"), search_sheet(asked)
    # Far more than a mark in the legend; two are wrong, in thinner frames.
    assert count(plain, GREEN) == count(plain, ORANGE) == 0
    assert count(framed, GREEN) > 900
    assert count(framed, ORANGE) > count(framed, GREEN)


def test_the_decision_shows_in_colour_line_mark_and_words() -> None:
    sheets = {kind: answer_sheet([answered(kind)]) for kind in ("known", "unsure", "unknown")}
    for kind, colour in (("known", GREEN), ("unsure", BLUE), ("unknown", SLATE)):
        for other, sheet in sheets.items():
            # The legend shows every mark; a frame is far larger than a mark.
            assert (count(sheet, colour) > 900) == (kind == other)
    # Down the frame's left edge: one solid line, long dashes, many dots.
    pieces = []
    for kind, colour in (("known", GREEN), ("unsure", BLUE), ("unknown", SLATE)):
        edge = (np.asarray(sheets[kind])[:, 33] == colour).all(axis=1)
        pieces.append(int((np.diff(edge.astype(int)) == 1).sum()))
    assert pieces[0] == 1 < pieces[1] < pieces[2] / 3


def test_an_answer_reads_in_words() -> None:
    assert answer_words(answered("known")) == "known: mug"
    assert answer_words(answered("unsure")) == "unsure: mug"
    assert answer_words(answered("unknown")) == "unknown"
    assert answer_words(Question(flat(3), "a.png", [])) == ""


@pytest.mark.parametrize(
    ("probability", "told"),
    [
        (0.0, "< 1 %"),
        (0.004, "< 1 %"),
        (0.006, "1 %"),
        (0.5, "50 %"),
        (0.994, "99 %"),
        (0.996, "> 99 %"),
        (1.0, "> 99 %"),
    ],
)
def test_no_probability_is_told_as_certain(probability: float, told: str) -> None:
    assert sure_of(probability, "a.png") == f"{told} · a.png"
    assert sure_of(probability, "0.3", after=True) == f"0.3 · {told}"
    assert sure_of(None, "a.png") == "a.png"


def test_photos_that_were_not_kept_leave_a_place_that_says_so() -> None:
    kept = search_sheet([Question(flat(30), "a.png", [Alike("mug", flat(60), 0.1)])])
    bare = search_sheet([Question(flat(30), "a.png", [Alike("mug", None, 0.1)])])
    assert kept.size == bare.size
    assert count(kept, (60, 60, 60)) > 1000 > count(bare, (60, 60, 60))
    tile = np.asarray(bare)[120:250, 210:350]
    assert (tile < 150).any()  # words


def test_pictures_of_any_shape_keep_their_proportions() -> None:
    sheet = search_sheet([Question(flat(30, 20, 40), "a.png", alike([60]))])
    rows, columns = np.nonzero((np.asarray(sheet) == 30).all(axis=2))
    assert np.ptp(columns) > 1.9 * np.ptp(rows)


def test_a_gallery_sheet_shows_every_photo_of_every_thing() -> None:
    things: list[tuple[str, list[npt.NDArray[np.uint8] | None]]] = [
        ("mug", [flat(40), flat(50), flat(60)]),
        ("bowl", [flat(70)]),
        ("left out", [None, None]),
        ("empty", []),
        ("many", [flat(100 + n) for n in range(30)]),
    ]
    sheet = gallery_sheet(things, title="photos", subtitle="5 things")
    assert greys_of(sheet) >= {40, 50, 60, 70, *range(100, 130)}


def test_many_rows_stand_side_by_side() -> None:
    things = [(f"thing {n}", [flat(100 + n)]) for n in range(40)]
    sheet = gallery_sheet(things, title="photos")
    assert 1000 < sheet.width <= 1600
    assert sheet.height < 2 * sheet.width


def test_a_sheet_of_nothing_is_refused() -> None:
    for draw in (search_sheet, answer_sheet):
        with pytest.raises(UsageError, match="nothing to draw"):
            draw([])
    with pytest.raises(UsageError, match="nothing to draw"):
        gallery_sheet([], title="photos")
