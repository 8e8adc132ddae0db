from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from firstsight.drawing.why import Agreed, Matched, why_sentence, why_sheet
from firstsight.model.occlusion import Explanation

PAPER = (252, 252, 250)


def picture(grey: int = 255) -> Image.Image:
    return Image.new("L", (40, 40), grey)


def flat(value: float) -> npt.NDArray[np.float32]:
    return np.full((32, 32), value, np.float32)


EXPLAINED = Explanation(
    distance=0.2,
    farthest=0.45,
    asked=flat(0.1),
    enrolled=flat(0.1),
    rival_distance=0.3,
    lead=flat(-0.1),
    turning=None,
    silence=None,
)
MATCHED = Matched(
    why=EXPLAINED,
    asked=picture(),
    name="mug",
    enrolled=picture(),
    rival=picture(123),
    rival_name="bowl",
    limit=0.35,
)


def count(sheet: Image.Image, *, orange: bool) -> int:
    red, _, blue = np.moveaxis(np.asarray(sheet).astype(int), 2, 0)
    return int(((red - blue if orange else blue - red) > 100).sum())


def test_each_picture_wears_the_colour_of_its_own_map() -> None:
    tile = 240 * 240
    sheet = why_sheet(MATCHED)
    assert sheet.width == 1200
    assert 2 * tile < count(sheet, orange=True) < 2.3 * tile  # asked and enrolled
    assert tile < count(sheet, orange=False) < 1.3 * tile  # the lead, which here is negative
    seen = {colour for _, colour in sheet.getcolors(2**24) or []}
    assert (123, 123, 123) in seen  # the rival as it is


def test_one_colour_means_one_distance_on_the_whole_sheet() -> None:
    faint = replace(EXPLAINED, lead=flat(-0.01), enrolled=None)
    sheet = why_sheet(replace(MATCHED, why=faint))
    assert count(sheet, orange=False) < 5000  # the strip alone; a tenth of the colour is no blue


def test_without_a_rival_the_sheet_is_narrower_and_speaks_of_none() -> None:
    alone = replace(EXPLAINED, rival_distance=None, lead=None)
    matched = replace(MATCHED, why=alone, rival=None, rival_name=None, limit=None)
    assert why_sheet(matched).width == 620
    assert why_sentence(matched) == (
        "It is 0.200 from mug; hiding one part alone takes it up to 0.450 away."
    )


def test_the_sentence_tells_limit_rival_and_what_would_turn_the_answer() -> None:
    assert why_sentence(MATCHED) == (
        "It is 0.200 from mug (known up to 0.350); hiding one part alone takes it up to 0.450 "
        "away. Hiding no single part would make bowl the nearer one."
    )
    turned = replace(MATCHED, why=replace(EXPLAINED, turning=(0, 0, 8, 8)))
    assert why_sentence(turned).endswith("Without the framed part bowl would be the nearer one.")
    behind = replace(MATCHED, why=replace(EXPLAINED, rival_distance=0.1))
    assert why_sentence(behind).endswith(
        "away. Of these two photos alone, that of bowl is the nearer one."
    )
    closer = replace(MATCHED, why=replace(EXPLAINED, farthest=0.1))
    assert "; hiding any one part only brings it closer. " in why_sentence(closer)


def test_the_part_that_turns_the_answer_is_framed() -> None:
    turned = replace(MATCHED, why=replace(EXPLAINED, turning=(8, 8, 24, 24)))
    plain, framed = why_sheet(MATCHED), why_sheet(turned)
    changed = (np.asarray(plain) != np.asarray(framed)).any(axis=2)
    rows, columns = np.nonzero(changed[140:360])  # the pictures, below the sentence
    assert 115 <= np.ptp(rows) <= 130 and 115 <= np.ptp(columns) <= 130  # half a tile of 244


@pytest.mark.parametrize(
    ("silence", "told"), [("blank", "of one colour"), ("unmoved", "does not go by what it sees")]
)
def test_where_nothing_matters_the_sheet_says_why_and_shows_no_colour(
    silence: str, told: str
) -> None:
    still = replace(
        EXPLAINED,
        asked=flat(0),
        enrolled=flat(0),
        lead=flat(0),
        silence=silence,  # type: ignore[arg-type]
    )
    matched = replace(MATCHED, why=still)
    assert told in why_sentence(matched)
    sheet = why_sheet(matched)
    assert count(sheet, orange=True) == count(sheet, orange=False) == 0


def test_pictures_that_were_not_kept_leave_their_place_empty() -> None:
    sheet = why_sheet(replace(MATCHED, enrolled=None, rival=None))
    assert sheet.width == 1200
    assert count(sheet, orange=True) < 1.3 * 240 * 240
    assert sheet.getpixel((1100, 200)) == PAPER


def test_places_that_agree_are_marked_on_both_pictures_and_told() -> None:
    at = np.array([[0, 0], [0.2, 0.1], [-0.2, 0.1]], np.float32)
    agreed = replace(MATCHED, agreed=Agreed(at, -at, 0.123))
    sheet, before = why_sheet(agreed), why_sheet(MATCHED)
    assert sheet.height > before.height
    more = count(sheet, orange=False) - count(before, orange=False)
    assert more > 6 * 12  # six dots and their numbers
    assert why_sentence(agreed) == (
        why_sentence(MATCHED)
        + " 3 places of both pictures agree; those near their middles, and of no other thing, "
        "bring it nearer by 0.123."
    )
