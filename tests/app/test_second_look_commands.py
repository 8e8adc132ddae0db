"""A second look, typed: what the command line says and draws of places that agree."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.command import here
from tests.keypoints.prints import photographed, printed


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Three covers, enrolled in the gallery `photos`; gives a picture of the second on a table."""
    covers = tmp_path / "covers"
    covers.mkdir()
    for number in range(3):
        printed(number).save(covers / f"cover {number}.png")
    ended = here("enroll", covers)
    assert ended.code == 0, ended.err
    asked = tmp_path / "asked.png"
    photographed(printed(1), 1).save(asked)
    return asked


def test_answers_say_how_many_places_agree(shelf: Path) -> None:
    ended = here("identify", shelf)
    assert re.search(r"asked\.png: cover 1 \((known|unsure), .*; \d+ places agree; ", ended.out)
    assert "these rates are of the first look" in ended.err
    assert "first look" not in here("identify", shelf, "--first-look").err
    said = json.loads(here("identify", shelf, "--json").out)
    assert said["nearest"]["agreeing"] > 5
    first = json.loads(here("identify", shelf, "--first-look", "--json").out)
    assert (first["nearest"]["agreeing"], first["nearest"]["nearer"]) == (None, 0.0)
    assert "places agree" not in here("identify", shelf, "--first-look").out


def test_so_do_searches_and_comparisons(shelf: Path) -> None:
    found = here("search", shelf, "-k", "2").out.splitlines()
    assert re.match(r"1\. cover 1 \(distance .*; \d+ places agree; ", found[0])
    first = json.loads(here("search", shelf, "-k", "2", "--first-look", "--json").out)
    assert [match["agreeing"] for match in first] == [None, None]
    cover = shelf.parent / "covers" / "cover 1.png"
    said = json.loads(here("verify", shelf, cover, "--json").out)
    first = json.loads(here("verify", shelf, cover, "--first-look", "--json").out)
    assert said["same"]
    assert said["distance"] + said["nearer"] == pytest.approx(first["distance"])


def test_why_marks_them(shelf: Path, tmp_path: Path) -> None:
    to = tmp_path / "why.png"
    said = json.loads(here("why", shelf, "--to", to, "--json").out)
    assert re.search(r" \d+ places of both pictures agree.* by 0\.\d+\.$", said["why"])
    with Image.open(to) as sheet:
        with_places = sheet.height
    Image.new("RGB", (300, 300), "white").save(tmp_path / "plain.png")
    told = json.loads(here("why", tmp_path / "plain.png", "--to", to, "--json").out)
    assert "places" not in told["why"]
    with Image.open(to) as sheet:
        assert sheet.height < with_places
