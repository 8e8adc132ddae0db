from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstsight.drawing.lettering import drawable, font_of, wrapped
from firstsight.errors import DataError


def test_accents_are_dropped_and_unknown_letters_marked_where_the_font_lacks_them() -> None:
    assert drawable("Crème  brûlée\n– 漢字…", None) == "Creme brulee – ??…"
    assert drawable("Crème 漢字", Path("some.ttf")) == "Crème 漢字"


def test_words_wrap_where_the_width_ends() -> None:
    font = font_of(13, None)
    name = "Atemayar Qelisayer 16"
    narrow = font.getlength("Qelisayer 1")
    assert wrapped(name, font, narrow, lines=3) == ["Atemayar", "Qelisayer", "16"]
    wide = font.getlength("Qelisayer 16")
    assert wrapped(name, font, wide, lines=3) == ["Atemayar", "Qelisayer 16"]
    assert wrapped(name, font, 1000, lines=3) == [name]
    assert wrapped("", font, 100, lines=2) == []


def test_a_name_that_is_too_long_keeps_its_number() -> None:
    font = font_of(13, None)
    (line,) = wrapped("Old Church Slavonic 17", font, font.getlength("Old Chu… 17"), lines=1)
    assert line == "Old Chu… 17"


@given(
    st.text(alphabet="abc W1", max_size=60),
    st.integers(min_value=20, max_value=300),
    st.integers(min_value=1, max_value=4),
)
def test_no_line_is_wider_than_asked_and_there_are_no_more_than_asked(
    text: str, width_px: int, lines: int
) -> None:
    font = font_of(13, None)
    done = wrapped(text, font, width_px, lines=lines)
    assert len(done) <= lines
    assert all(font.getlength(line) <= width_px for line in done)


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_bytes(b"no font")
    with pytest.raises(DataError, match=r"font\.ttf is no font"):
        font_of(13, tmp_path / "font.ttf")
