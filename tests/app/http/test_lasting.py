"""Killed, crowded, told to stop: what was acknowledged is there, and nothing is done twice."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path

import httpx
import pytest

from firstsight.app.http.refusing import refusal_of
from firstsight.errors import GalleryBusy
from firstsight.gallery.gallery import Gallery
from tests.app.http.serving import enroll, picture, serving
from tests.gallery.stores import created

GALLERY = "/v1/galleries/characters"


def test_kill_9_in_the_middle_of_enrolments_loses_and_doubles_nothing(tmp_path: Path) -> None:
    acknowledged: dict[int, int] = {}

    def work(first: int, url: str) -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            for thing in range(first, first + 100):
                try:
                    said = enroll(client, thing, **{"Idempotency-Key": f"enroll {thing}"})
                except httpx.HTTPError:
                    return
                acknowledged[thing] = said.json()["results"][0]["photo"]

    with serving(tmp_path) as server:
        workers = [threading.Thread(target=work, args=(n, server.url)) for n in (0, 1000)]
        for each in workers:
            each.start()
        while len(acknowledged) < 6:
            time.sleep(0.005)
        server.kill()
        for each in workers:
            each.join()
    with Gallery.open(tmp_path / "galleries" / "characters") as gallery:
        assert gallery.check() == []
        there = {thing.name: gallery.photos(thing.name)[0].id for thing in gallery.things()}
    for thing, photo in acknowledged.items():
        assert there[f"figure {thing}"] == photo
    with serving(tmp_path) as server, server.client() as client:
        before = client.get(GALLERY).json()["photos"]
        for thing, photo in acknowledged.items():
            again = enroll(client, thing, **{"Idempotency-Key": f"enroll {thing}"}).json()
            assert again["results"][0] == {
                "picture": f"figure {thing}.png", "thing": f"figure {thing}", "status": "new",
                "photo": photo, "holder": None, "error": None, "advice": [],
            }  # fmt: skip
        assert client.get(GALLERY).json()["photos"] == before
        # An undo is what doing twice would spoil.
        for _ in range(2):
            client.post(f"{GALLERY}/undo", json={}, headers={"Idempotency-Key": "once"})
        assert client.get(GALLERY).json()["photos"] == before - 1
        other = client.post(
            f"{GALLERY}/undo", json={"steps": 2}, headers={"Idempotency-Key": "once"}
        )
        assert "use a new key for each request" in other.json()["error"]["message"]


def test_whoever_comes_when_all_places_are_taken_is_told_to_come_again(tmp_path: Path) -> None:
    with serving(tmp_path, most_waiting=1) as server, server.client() as client:
        assert enroll(client, 1).status_code == 201
        statuses: list[int] = []
        headers: list[httpx.Headers] = []

        def ask() -> None:
            with server.client() as own:
                for _ in range(10):
                    said = own.post("/v1/identify", files=[picture(1, 1)])
                    statuses.append(said.status_code)
                    if said.status_code == 503:
                        headers.append(said.headers)

        workers = [threading.Thread(target=ask) for _ in range(6)]
        for each in workers:
            each.start()
        for each in workers:
            each.join()
        assert set(statuses) == {200, 503}
        assert headers[0]["Retry-After"] == "1"
        assert client.post("/v1/identify", files=[picture(1, 1)]).status_code == 200


def test_a_server_told_to_stop_answers_what_is_under_way(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.client() as client:
        enroll(client, 1)
        answers: list[httpx.Response] = []
        asking = threading.Thread(
            target=lambda: answers.append(client.post("/v1/why", files=[picture(1, 1)]))
        )
        asking.start()
        time.sleep(0.1)
        server.process.send_signal(signal.SIGTERM)
        asking.join()
        assert answers[0].status_code == 200
        assert server.process.wait(60) in (0, -signal.SIGTERM)
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_a_gallery_that_another_program_keeps_busy_says_when_to_come_again(tmp_path: Path) -> None:
    with (
        created(tmp_path / "g", mug=[1]) as holder,
        Gallery.open(tmp_path / "g", patience_s=0.05) as other,
        holder._store.writing(),
        pytest.raises(GalleryBusy) as busy,
    ):
        other.rename("mug", "x")
    refusal = refusal_of(busy.value)
    assert (refusal.status, refusal.headers) == (503, {"Retry-After": "1"})
