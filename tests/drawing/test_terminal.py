from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.color import Color
from rich.console import Console
from rich.segment import Segment

from firstsight.drawing.lookalikes import Alike, Question
from firstsight.drawing.terminal import TerminalStrip


def above_and_below() -> Image.Image:
    """Upper half red, lower half blue, with one row of pixels of 16 more in red."""
    pixels = np.zeros((160, 160, 3), np.uint8)
    pixels[:90] = (200, 0, 0)
    pixels[90:] = (0, 0, 200)
    return Image.fromarray(pixels)


def strip(n: int = 3, **asked: Any) -> TerminalStrip:
    alike = [Alike(f"mug {k}", above_and_below(), 0.1 * k, 0.9) for k in range(1, n + 1)]
    return TerminalStrip([Question(above_and_below(), "a.png", alike, **asked)])


def lines_of(drawn: TerminalStrip, width: int, **how: Any) -> list[list[Segment]]:
    how = {"force_terminal": True, "color_system": "truecolor", "file": io.StringIO(), **how}
    console = Console(width=width, legacy_windows=False, _environ={}, **how)
    return console.render_lines(drawn, pad=False)


def text_of(lines: list[list[Segment]]) -> list[str]:
    return ["".join(segment.text for segment in line).rstrip() for line in lines]


def test_a_half_block_shows_two_pixels() -> None:
    # Width 70: four pictures of 16 columns with two between, so 16 x 16 pixels in 8 lines; the
    # first 9 rows of pixels are red.
    first = [line[0] for line in lines_of(strip(), 70)[:8]]
    red, blue = Color.from_rgb(200, 0, 0), Color.from_rgb(0, 0, 200)
    assert all(segment.text[0] == "▀" for segment in first)
    styles = [segment.style for segment in first]
    seen = [(style.color, style.bgcolor) for style in styles if style is not None]
    # Near the edge between the two, shrinking mixes a little of one into the other.
    assert seen[:3] == [(red, red)] * 3
    assert seen[6:] == [(blue, blue)] * 2
    upper, lower = seen[4]
    assert upper is not None and lower is not None and upper.triplet and lower.triplet
    assert upper.triplet.red > 100 and lower.triplet.blue > 100


@pytest.mark.parametrize("width", [26, 30, 40, 70, 80, 200])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_left_out(width: int) -> None:
    text = text_of(lines_of(strip(7, decision="known", thing="mug 1", probability=0.9), width))
    assert max(map(len, text)) <= width
    assert any("▀" in line for line in text)
    told = " ".join(" ".join(text).split())
    for k in range(1, 8):
        assert f"mug {k}" in told and f"0.{k}00 · 90 %" in told
    assert "known: mug" in told


def test_pictures_grow_with_the_terminal_up_to_a_limit() -> None:
    def across(width: int) -> int:
        return text_of(lines_of(strip(1), width))[0].count("▀")

    assert across(40) == 2 * 18
    assert across(200) == 2 * 24


def test_without_colours_pictures_are_shaded() -> None:
    white = TerminalStrip([Question(Image.new("L", (9, 9), 255), "a.png", [])])
    black = TerminalStrip([Question(Image.new("L", (9, 9), 0), "a.png", [])])
    for how in ({"no_color": True}, {"color_system": None}):
        assert text_of(lines_of(white, 50, **how))[0] == "█" * 24
        assert text_of(lines_of(black, 50, **how))[0] == ""


def test_a_terminal_without_unicode_gets_ascii() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    text = text_of(
        lines_of(TerminalStrip([Question(Image.new("L", (9, 9), 255), "a", [])]), 50, file=file)
    )
    assert text[0] == "@" * 24
    file.close()


@pytest.mark.parametrize(
    ("width", "how"), [(80, {"force_terminal": False}), (12, {}), (80, {"dumb": True})]
)
def test_where_nothing_can_be_drawn_plain_lines_say_the_same(
    width: int, how: dict[str, Any]
) -> None:
    drawn = strip(2, decision="unsure", thing="mug 1", probability=0.6)
    environ = {"TERM": "dumb"} if how.pop("dumb", False) else {}
    settings: dict[str, Any] = {"force_terminal": True, "color_system": None, **how}
    file = io.StringIO()
    console = Console(width=width, file=file, _environ=environ, **settings)
    console.print(drawn, soft_wrap=True)
    assert file.getvalue() == (
        "a.png: unsure: mug 1 · 60 %\n  1. mug 1  0.100 · 90 %\n  2. mug 2  0.200 · 90 %\n"
    )


def test_a_photo_that_was_not_kept_is_told() -> None:
    gone = TerminalStrip([Question(above_and_below(), "a.png", [Alike("mug", None, 0.2)])])
    text = " ".join(" ".join(text_of(lines_of(gone, 80))).split())
    assert "no picture kept" in text and "mug" in text and "0.200" in text
