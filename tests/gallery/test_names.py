from __future__ import annotations

from pathlib import Path

import pytest

from firstsight.errors import UsageError
from firstsight.gallery.names import nearest_names, proper_name, proper_notes, proper_tags
from tests.gallery.stores import created, photo


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the name is empty"),
        (" \t ", "the name is empty"),
        ("x" * 201, "has 201 characters; give at most 200"),
        ("two\nlines", r"control character '\\n'"),
        ("\x1b[31mred", r"control character '\\x1b'"),
        ("half \udce9", "control character"),
    ],
)
def test_what_cannot_be_a_name_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        proper_name(text)


def test_names_of_all_scripts_are_kept() -> None:
    for name in ("x" * 200, "Ünïcödé 杯子", "a/b: c?", "👩\u200d🚀", "'); DROP TABLE thing; --"):
        assert proper_name(f" {name} ") == name


def test_notes_may_have_lines_and_tags_are_a_list() -> None:
    assert proper_notes("a\n\tb ") == "a\n\tb"
    assert proper_tags(["b", "a", "b "]) == ("b", "a")
    with pytest.raises(UsageError, match="give a list of texts"):
        proper_tags("blue")
    with pytest.raises(UsageError, match="the tag is empty"):
        proper_tags([""])
    with pytest.raises(UsageError, match="10001 characters"):
        proper_notes("x" * 10_001)
    with pytest.raises(UsageError, match="control character"):
        proper_notes("a\x00b")


def test_names_like_a_slip_are_found_whatever_their_capitals() -> None:
    names = ["blue mug", "red mug", "teapot"]
    assert nearest_names("BLUE MUG", names)[0] == "blue mug"
    assert nearest_names("tea pot", names) == ["teapot"]
    assert nearest_names("zzz", names) == []


def test_no_thing_may_be_called_what_strangers_are_called(tmp_path: Path) -> None:
    with created(tmp_path) as gallery:
        gallery.enroll([("cup", photo(1))])
        for act in (
            lambda: gallery.enroll([("Unknown", photo(2))]),
            lambda: gallery.rename("cup", "unknown"),
            lambda: gallery.move(1, "unknown"),
        ):
            with pytest.raises(UsageError, match="what answers call everything that is not"):
                act()
        assert [thing.name for thing in gallery.things()] == ["cup"]
