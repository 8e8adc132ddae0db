"""Undo on the page takes back what its answer told of, and nothing that came since."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from firstsight.gallery.gallery import Gallery
from firstsight.recognition.recognizer import Recognizer
from tests.app.web.conftest import serving
from tests.drawings import drawing


class Form:
    """A visitor without scripts, of a site that serves one gallery: `things`."""

    def __init__(self, client: httpx.Client, gallery: Path) -> None:
        self.client, self.gallery = client, gallery

    def post(self, place: str, picture: Path | None = None, **fields: str) -> httpx.Response:
        """As the forms of the gallery's pages are sent: in parts, with or without a picture."""
        files = [("picture", (picture.name, picture.read_bytes()))] if picture else [("", b"")]
        return self.client.post(f"/g/things/{place}", data=fields, files=files)

    def asked(self, picture: Path) -> str:
        """The number by which the picture that was recognised is at hand."""
        found = re.search(r'name="asked" value="([^"]+)"', self.post("recognise", picture).text)
        assert found is not None
        return found[1]

    def verdicts(self) -> list[str]:
        with Gallery.open(self.gallery) as held:
            return [each.kind for each in held.verdicts()]


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{thing}.png" for thing in range(6)]
    for thing, path in enumerate(paths):
        drawing(thing).save(path)
    return paths


@pytest.fixture
def form(tmp_path: Path, pictures: list[Path]) -> Iterator[Form]:
    place = tmp_path / "things"
    with Recognizer.open(place, model="characters") as made:
        for thing in range(4):
            made.enroll(f"figure {thing}", pictures[thing])
    with (
        serving(galleries=(str(place),), keys_file=tmp_path / "keys.json") as address,
        httpx.Client(base_url=address, headers={"Sec-Fetch-Site": "same-origin"}) as client,
    ):
        yield Form(client, place)


def steps_to_undo(answer: httpx.Response) -> str:
    found = re.search(r'name="steps" value="([^"]+)"', answer.text)
    assert found is not None, answer.text
    return found[1]


def test_undo_of_a_verdict_does_not_take_back_what_others_did_since(
    form: Form, pictures: list[Path]
) -> None:
    noted = form.post("verdict", asked=form.asked(pictures[5]), said="none")
    undo = steps_to_undo(noted)
    with Recognizer.open_existing(form.gallery) as other:
        other.enroll("newcomer", pictures[4])
    refused = form.post("undo", steps=undo)
    assert refused.status_code == 409
    assert "what was done since: enrolled 1 photo of 'newcomer'" in unescape(refused.text)
    assert form.verdicts() == ["wrong"]
    with Gallery.open(form.gallery) as held:
        held.undo()
    assert "Taken back" in form.post("undo", steps=undo).text
    assert form.verdicts() == []
    again = form.post("undo", steps=undo)
    assert again.status_code == 404
    assert "taken back already" in again.text


def test_undo_of_a_new_name_takes_verdict_and_photo_back(form: Form, pictures: list[Path]) -> None:
    told = form.post("verdict", asked=form.asked(pictures[5]), said="other", thing="newcomer")
    assert "newcomer, which is new here" in told.text
    undone = form.post("undo", steps=steps_to_undo(told))
    assert undone.status_code == 200
    assert form.verdicts() == []
    with Gallery.open(form.gallery) as held:
        assert held.counts() == (4, 4)


def test_a_new_name_for_a_picture_that_is_enrolled_keeps_neither_verdict_nor_photo(
    form: Form, pictures: list[Path]
) -> None:
    refused = form.post("verdict", asked=form.asked(pictures[2]), said="other", thing="newcomer")
    assert refused.status_code == 409
    assert "Exactly this picture is here already, as figure 2" in refused.text
    assert form.verdicts() == []
    with Gallery.open(form.gallery) as held:
        assert held.counts() == (4, 4)


def test_where_nothing_was_done_there_is_nothing_to_undo(form: Form, pictures: list[Path]) -> None:
    enrolled = form.post("enroll", pictures[2], thing="figure 2", at_once="yes")
    assert "already" in enrolled.text
    assert "Undo" not in enrolled.text
    taught = form.post("teach", asked=form.asked(pictures[2]), thing="figure 2")
    assert "Kept as a photo of figure 2" in taught.text
    assert "Undo" not in taught.text
    assert form.post("undo", steps="").status_code == 404
    enrolled = form.post("enroll", pictures[5], thing="figure 2", at_once="yes")
    assert "Taken back" in form.post("undo", steps=steps_to_undo(enrolled)).text
