"""Galleries made over HTTP, on a server that may make them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from firstsight.app import upgrading
from firstsight.app.http.desks import MOST_GALLERIES
from firstsight.gallery.gallery import Gallery
from firstsight.model.embedder import Embedder
from firstsight.recognition.binding import binding_of
from firstsight.recognition.recognizer import Recognizer
from tests.app.http.description import Description
from tests.app.http.serving import Server, enroll, picture, serving


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With `--all-galleries`; `older` was made by another program, `broken` is none."""
    home = tmp_path_factory.mktemp("open")
    with Recognizer.open(home / "galleries" / "older", model="characters"):
        pass
    broken = home / "galleries" / "broken"
    broken.mkdir()
    (broken / "gallery.sqlite").write_bytes(b"no gallery")
    with serving(home, all_galleries=True) as running:
        yield running


@pytest.fixture
def opened(open_server: Server, description: Description) -> Iterator[httpx.Client]:
    with open_server.client() as client:
        yield client


def served(client: httpx.Client) -> list[str]:
    return [each["name"] for each in client.get("/v1/galleries").json()["galleries"]]


def test_all_galleries_that_can_be_opened_are_served(opened: httpx.Client) -> None:
    assert served(opened)[:2] == ["characters", "older"]
    assert "broken" not in served(opened)


def test_a_gallery_is_made_once_and_used_at_once(
    open_server: Server, opened: httpx.Client, description: Description
) -> None:
    asked = {"model": "characters", "keeps_pictures": False}
    made = opened.put("/v1/galleries/signs", json=asked)
    assert (made.status_code, description.flaws_of(made)) == (201, [])
    assert made.json()["model"]["name"] == "characters"
    assert (made.json()["things"], made.json()["keeps_pictures"]) == (0, False)
    for again in (asked, {}):
        assert opened.put("/v1/galleries/signs", json=again).status_code == 200
    sent = {"data": {"thing": "stop"}, "files": [picture(1)]}
    assert opened.post("/v1/galleries/signs/photos", **sent).status_code == 201  # type: ignore[arg-type]
    said = opened.post("/v1/galleries/signs/identify", files=[picture(1, 1)]).json()
    assert said["answers"][0]["nearest"]["thing"] == "stop"
    assert "signs" in served(opened)
    with Recognizer.open_existing(open_server.home / "galleries" / "signs") as recognizer:
        assert [each.name for each in recognizer.gallery.things()] == ["stop"]
    for other in ({"model": "photos"}, {"keeps_pictures": True}):
        refused = opened.put("/v1/galleries/signs", json=other)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "gallery_refused")
        assert "is there already" in refused.json()["error"]["message"]


def test_a_gallery_made_by_another_program_meanwhile_is_found(
    open_server: Server, opened: httpx.Client
) -> None:
    assert opened.get("/v1/galleries/later").status_code == 404
    assert opened.get("/g/later-on-the-page/things").status_code == 404
    for name in ("later", "later-on-the-page"):
        with Recognizer.open(open_server.home / "galleries" / name, model="characters"):
            pass
    assert opened.get("/v1/galleries/later").json()["name"] == "later"
    assert opened.get("/g/later-on-the-page/things").status_code == 200
    assert {"later", "later-on-the-page"} <= set(served(opened))
    assert opened.get("/v1/galleries/broken").status_code == 404


def test_a_gallery_that_moves_to_another_model_is_served_by_the_next_server(tmp_path: Path) -> None:
    place = str(tmp_path / "galleries" / "characters")

    def statuses(client: httpx.Client, thing: int) -> list[int]:
        asked = client.post("/v1/identify", files=[picture(1, 1)])
        return [asked.status_code, enroll(client, thing).status_code]

    with serving(tmp_path) as running, running.client() as client:
        enroll(client, 1)
        upgrading.prepare(place, "photos", console=Console(quiet=True))
        upgrading.switch(place, "photos")
        assert statuses(client, 2) == [409, 409]
        upgrading.go_back(place)
        assert statuses(client, 2) == [200, 201]
        upgrading.go_back(place)
    with serving(tmp_path) as running, running.client() as client:
        assert statuses(client, 3) == [200, 201]


@pytest.mark.parametrize("name", ["..%5Cx", "a%00b", "%20", ".hidden", "nul", "x" * 70])
def test_no_name_leads_out_of_the_folder_of_galleries(
    open_server: Server, opened: httpx.Client, name: str
) -> None:
    before = sorted((open_server.home / "galleries").iterdir())
    refused = opened.put(f"/v1/galleries/{name}", json={"model": "characters"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "bad_request")
    assert sorted((open_server.home / "galleries").iterdir()) == before


def test_no_folder_is_opened_as_a_model(opened: httpx.Client, tmp_path: Path) -> None:
    for model in (str(tmp_path), "../characters", "", "nothing"):
        refused = opened.put("/v1/galleries/other", json={"model": model})
        assert refused.status_code == 400
        assert "give characters or photos" in refused.json()["error"]["message"]
    assert "other" not in served(opened)


def test_a_server_of_some_galleries_makes_no_others(client: httpx.Client) -> None:
    refused = client.put("/v1/galleries/signs", json={})
    assert refused.status_code == 409
    assert "--all-galleries" in refused.json()["error"]["message"]
    assert client.put("/v1/galleries/characters", json={}).status_code == 200


def test_as_many_galleries_as_may_be_are_served_at_once_and_no_more(
    tmp_path: Path, characters: Embedder
) -> None:
    binding = binding_of(characters, "characters")
    for number in range(MOST_GALLERIES):  # and `characters` itself, which comes first
        place = tmp_path / "galleries" / f"g{number:02d}"
        Gallery.create(place, name=place.name, model=binding).close()
    last = f"g{MOST_GALLERIES - 2:02d}"
    with serving(tmp_path, all_galleries=True) as running, running.client() as client:
        assert served(client)[-1] == last and len(served(client)) == MOST_GALLERIES
        sent = {"data": {"thing": "stop"}, "files": [picture(1)]}
        made = client.post(f"/v1/galleries/{last}/photos", **sent)  # type: ignore[arg-type]
        assert made.status_code == 201
        said = client.post(f"/v1/galleries/{last}/identify", files=[picture(1, 1)]).json()
        assert said["answers"][0]["nearest"]["thing"] == "stop"
        refused = client.put("/v1/galleries/another", json={"model": "characters"})
        assert refused.status_code == 409
        assert f"serves {MOST_GALLERIES} galleries" in refused.json()["error"]["message"]
        assert not (tmp_path / "galleries" / "another").exists()
