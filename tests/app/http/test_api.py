"""The API of a running server, as programs use it."""

from __future__ import annotations

import base64
import csv
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

import firstsight
from firstsight.recognition.recognizer import Policy, Recognizer
from tests.app.http.serving import Server, enroll, logged, picture, png
from tests.command import here
from tests.drawings import N_THINGS

GALLERY = "/v1/galleries/characters"


def thing_named(client: httpx.Client, name: str) -> int:
    found = client.get(f"{GALLERY}/things", params={"containing": name}).json()["things"]
    return next(int(each["id"]) for each in found if each["name"] == name)


def names(client: httpx.Client) -> list[str]:
    return [each["name"] for each in client.get(f"{GALLERY}/things").json()["things"]]


def test_it_is_live_and_ready(client: httpx.Client) -> None:
    assert client.get("/v1/health").json() == {"live": True, "ready": True}


def test_http_python_and_the_command_line_give_the_same_answers(
    server: Server, client: httpx.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(server.home))
    asked = [(thing, 1) for thing in range(N_THINGS)] + [(100, 0), (101, 0)]
    files = [picture(*each, name=f"{number}.png") for number, each in enumerate(asked)]
    together = client.post("/v1/identify", files=files).json()["answers"]
    with Recognizer.open_existing("characters") as recognizer:
        for number, each in enumerate(asked):
            answer = recognizer.identify(png(*each)).to_json()
            alone = client.post("/v1/identify", files=[files[number]]).json()["answers"][0]
            for said in (alone, together[number]):
                assert said["distance"] == pytest.approx(answer["distance"], abs=1e-5)
                for key in ("decision", "thing", "threshold", "estimate"):
                    assert said[key] == answer[key]
        matches = client.post("/v1/search", files=[files[3]], data={"k": "4"}).json()["matches"]
        for said, match in zip(matches, recognizer.search(png(3, 1), 4), strict=True):
            assert (said["thing"], said["photo"]) == (match.thing, match.photo)
            assert said["distance"] == pytest.approx(match.distance, abs=1e-5)
    (tmp_path / "3.png").write_bytes(png(3, 1))
    printed = here("identify", tmp_path / "3.png", "--gallery", "characters", "--json").out
    assert f'"decision": "{together[3]["decision"]}"' in printed


def test_verify_and_embed_are_python_s(client: httpx.Client) -> None:
    compared = firstsight.verify(png(1), png(1, 1), model="characters")
    said = client.post("/v1/verify", files=[picture(1), picture(1, 1)]).json()
    assert said["distance"] == pytest.approx(compared.distance, abs=1e-5)
    assert (said["same"], said["threshold"]) == (compared.same, compared.threshold)
    embedder = firstsight.load("characters")
    embedded = client.post("/v1/embed", files=[picture(1), picture(2)]).json()
    assert embedded["model"] == embedder.info.fingerprint
    for each, thing in zip(embedded["embeddings"], (1, 2), strict=True):
        assert each["embedding"] == pytest.approx(embedder.embed(png(thing))[0].tolist(), abs=1e-5)


def test_a_request_may_be_stricter_or_laxer_than_the_server(
    server: Server, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(server.home))
    usual = client.post("/v1/identify", files=[picture(3, 1)]).json()["answers"][0]
    for share in (0.1, 0.3):
        with Recognizer.open_existing("characters", policy=Policy(share)) as recognizer:
            answer = recognizer.identify(png(3, 1)).to_json()
        sent: dict[str, Any] = {"files": [picture(3, 1)], "data": {"false_accepts": str(share)}}
        for _ in range(2):  # the second is answered by what is at hand
            said = client.post("/v1/identify", **sent).json()["answers"][0]
            assert said["estimate"] == answer["estimate"]
            assert said["threshold"] == answer["threshold"] != usual["threshold"]
            assert (said["decision"], said["thing"]) == (answer["decision"], answer["thing"])
    for rate in (0.01, 0.1):
        compared = firstsight.verify(
            png(1), png(1, 1), model="characters", false_matches=rate
        ).to_json()
        data = {"false_matches": str(rate)}
        said = client.post("/v1/verify", files=[picture(1), picture(1, 1)], data=data).json()
        for key in ("same", "threshold", "false_matches", "misses"):
            assert said[key] == compared[key]


def test_a_request_may_say_that_it_shows_one_of_the_things(
    server: Server, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_HOME", str(server.home))
    with Recognizer.open_existing("characters", policy=Policy(closed_set=True)) as recognizer:
        answer = recognizer.identify(png(40)).to_json()
    sent: dict[str, Any] = {"files": [picture(40)], "data": {"closed_set": "true"}}
    said = client.post("/v1/identify", **sent).json()["answers"][0]
    assert said["closed_set"] and said["thing"] == answer["thing"] != "unknown"
    assert said["probability"] == pytest.approx(answer["probability"], abs=1e-4)
    usual = client.post("/v1/identify", files=[picture(40)]).json()["answers"][0]
    assert (usual["closed_set"], usual["thing"]) == (False, "unknown")


def test_a_batch_names_what_it_could_not_use_and_answers_the_rest(client: httpx.Client) -> None:
    large = ("picture", ("large.png", b"x" * (10 * 2**20 + 1), "image/png"))
    torn = ("picture", ("../../torn.png", png(1)[:100], "image/png"))
    said = client.post("/v1/identify", files=[torn, picture(1, 1), large, picture(2, 1)]).json()
    assert [each["thing"] for each in said["answers"]] == ["figure 1", "figure 2"]
    told = [(each["position"], each["picture"], each["error"]["code"]) for each in said["rejected"]]
    assert told == [(0, "torn.png", "unreadable_picture"), (2, "large.png", "too_large")]
    assert "torn.png is damaged or cut short" in said["rejected"][0]["error"]["message"]


def test_a_picture_too_small_for_the_crop_stops_no_other(client: httpx.Client) -> None:
    small = ("picture", ("small.png", png(1, side=20), "image/png"))
    crop = {"crop": "0,0,100,100"}
    said = client.post("/v1/identify", data=crop, files=[small, picture(1, 1)]).json()
    assert [each["thing"] for each in said["answers"]] == ["figure 1"]
    (rejected,) = said["rejected"]
    assert (rejected["position"], rejected["error"]["code"]) == (0, "unreadable_picture")
    assert "is no part of small.png, which is 20 x 20 pixels" in rejected["error"]["message"]
    assert client.post("/v1/identify", data=crop, files=[small]).status_code == 422
    none = client.post("/v1/identify", data={"crop": "9,9,9,9"}, files=[small])
    assert none.status_code == 400


def test_all_or_nothing_leaves_all_out_where_one_is_enrolled_under_another_name(
    client: httpx.Client,
) -> None:
    fields = {"thing": "cat", "all_or_nothing": "true"}
    said = client.post(f"{GALLERY}/photos", data=fields, files=[picture(2), picture(40)])
    assert said.status_code == 200  # as wherever no picture was new
    results = said.json()["results"]
    assert [each["status"] for each in results] == ["left out", "left out"]
    assert all("is in the gallery already, as 'figure 2'" in each["error"] for each in results)
    assert said.json()["rejected"] == []
    assert "cat" not in names(client)


def test_json_with_base64_is_the_same_as_a_form(client: httpx.Client) -> None:
    coded = base64.b64encode(png(1, 1)).decode()
    body = {"pictures": [{"name": "figure 1.png", "data": coded}]}
    as_json = client.post("/v1/identify", json=body).json()["answers"][0]
    as_form = client.post("/v1/identify", files=[picture(1, 1)]).json()["answers"][0]
    assert as_json == as_form
    bad = {"pictures": [{"data": "no base64!"}, {"data": coded}]}
    said = client.post("/v1/identify", json=bad).json()
    assert said["rejected"][0]["error"] == {
        "code": "bad_base64",
        "message": "picture 1 is no base64",
    }
    cropped = client.post("/v1/identify", json={**body, "crop": [10, 10, 90, 90]})
    assert cropped.status_code == 200


def test_every_error_has_the_one_shape(server: Server, client: httpx.Client) -> None:
    refused = client.get(f"{GALLERY}/things/999", headers={"X-Request-Id": "mine-1"})
    assert refused.status_code == 404
    assert refused.json() == {
        "error": {
            "code": "not_found",
            "message": "the gallery holds no thing with the number 999; list its things for them",
            "request_id": "mine-1",
        }
    }
    assert refused.headers["X-Request-Id"] == "mine-1"
    entry = logged(server, "mine-1")
    assert (entry["path"], entry["status"]) == ("/v1/galleries/{gallery}/things/{thing}", 404)


@pytest.mark.parametrize(
    ("method", "path", "sent", "status", "code"),
    [
        ("GET", "/v1/nothing", {}, 404, "not_found"),
        ("GET", "/v1/galleries/nowhere/things", {}, 404, "not_found"),
        ("PUT", "/v1/identify", {}, 405, "method_not_allowed"),
        ("POST", "/v1/identify", {"content": b"x"}, 415, "unknown_content_type"),
        ("POST", "/v1/identify", {"json": {"pictures": 3}}, 400, "bad_request"),
        ("POST", "/v1/identify", {"json": {}}, 400, "bad_request"),
        ("POST", "/v1/identify", {"files": [("picture", ("a", b"no picture"))]}, 422,
         "unreadable_picture"),
        ("POST", "/v1/verify", {"files": [picture(1)]}, 400, "bad_request"),
        ("POST", "/v1/search", {"files": [picture(1)], "data": {"k": "0"}}, 400, "bad_request"),
        ("POST", "/v1/search", {"files": [picture(1)], "data": {"one_per_thing": "maybe"}}, 400,
         "bad_request"),
        ("POST", "/v1/identify", {"files": [picture(1)], "data": {"crop": "1,2"}}, 400,
         "bad_request"),
        ("POST", "/v1/identify", {"files": [picture(1)], "data": {"false_accepts": "0.0123"}}, 400,
         "bad_request"),
        ("POST", "/v1/identify", {"files": [picture(1)], "data": {"false_accepts": "nan"}}, 400,
         "bad_request"),
        ("POST", "/v1/identify", {"files": [picture(1)], "data": {"false_accepts": "0.1",
         "closed_set": "true"}}, 400, "bad_request"),
        ("POST", "/v1/verify", {"files": [picture(1)] * 2, "data": {"false_matches": "-1"}}, 400,
         "bad_request"),
        ("POST", f"{GALLERY}/undo", {"json": {"steps": "2"}}, 422, "invalid"),
        ("POST", f"{GALLERY}/photos", {"files": [picture(1)]}, 400, "bad_request"),
        ("POST", f"{GALLERY}/photos", {"files": [picture(1)], "data": {"thing": "a\x00b"}}, 400,
         "bad_request"),
        ("PATCH", f"{GALLERY}/things/1", {"json": {"name": "figure 2"}}, 409, "gallery_refused"),
        ("PATCH", f"{GALLERY}/things/1", {"json": {}}, 400, "bad_request"),
        ("POST", f"{GALLERY}/verdicts", {"files": [picture(1)], "data": {"verdict": "x"}}, 400,
         "bad_request"),
    ],
)  # fmt: skip
def test_a_bad_request_is_refused_in_a_sentence(
    client: httpx.Client, method: str, path: str, sent: dict[str, Any], status: int, code: str
) -> None:
    refused = client.request(method, path, **sent)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (status, code)
    assert len(error["message"]) > 5


def test_things_and_photos_are_looked_after(client: httpx.Client) -> None:
    first, second = thing_named(client, "figure 0"), thing_named(client, "figure 1")
    path = f"{GALLERY}/things/{first}"
    changed = client.patch(
        path, json={"name": "zigzag", "notes": "drawn", "tags": ["sharp"]}
    ).json()
    assert (changed["name"], changed["notes"], changed["tags"]) == ("zigzag", "drawn", ["sharp"])
    photo = client.get(f"{path}/photos").json()["photos"][0]["id"]
    moved = client.post(f"{GALLERY}/photos/{photo}/move", json={"thing": "figure 1"}).json()
    assert moved["thing"] == "figure 1"
    assert client.post(f"{GALLERY}/undo", json={}).json()["undone"][0]["verb"] == "move"
    merged = client.post(f"{path}/merge", json={"into": second}).json()
    assert merged["n_photos"] == 2
    assert client.post(f"{GALLERY}/unmerge", json={"name": "zigzag"}).json()["n_photos"] == 1
    assert client.delete(path).json() == {"removed": "zigzag"}
    assert "zigzag" not in names(client)
    client.post(f"{GALLERY}/undo", json={"steps": 5})
    assert "figure 0" in names(client)
    assert client.delete(f"{GALLERY}/photos/{photo}").json() == {"removed": photo}
    client.post(f"{GALLERY}/undo", json={})


def test_created_is_answered_only_where_a_photo_is_new(client: httpx.Client) -> None:
    def sent(*files: Any, key: str | None = None, **fields: str) -> tuple[int, list[str]]:
        headers = {"Idempotency-Key": key} if key else {}
        said = client.post(f"{GALLERY}/photos", data=fields, files=list(files), headers=headers)
        return said.status_code, [each["status"] for each in said.json()["results"]]

    assert sent(picture(1), thing="figure 1") == (200, ["already"])
    assert sent(picture(1), thing="figure 2") == (200, ["elsewhere"])
    blank = BytesIO()
    Image.new("L", (105, 105), 255).save(blank, "PNG")
    empty = ("picture", ("empty.png", blank.getvalue(), "image/png"))
    assert sent(empty, thing="nothing", careful="true") == (200, ["refused"])
    assert sent(picture(1), picture(80), thing="figure 1") == (201, ["already", "new"])
    client.post(f"{GALLERY}/undo", json={})
    # Sent again it is answered as it was then.
    for _ in range(2):
        assert sent(picture(81), thing="new", key="created once") == (201, ["new"])
    client.post(f"{GALLERY}/undo", json={})


def test_forgetting_is_for_good(server: Server, client: httpx.Client) -> None:
    results = enroll(client, 50).json()["results"]
    thing = thing_named(client, "figure 50")
    again = client.post(
        f"{GALLERY}/photos", data={"thing": "figure 50"}, files=[picture(50, 1)]
    ).json()["results"][0]["photo"]
    forgotten = client.post(f"{GALLERY}/photos/{again}/forget").json()["forgotten"]
    assert forgotten == {"photos": 1, "verdicts": 0}
    path = f"{GALLERY}/things/{thing}/forget"
    first = client.post(path, headers={"Idempotency-Key": "forget-50"}).json()
    assert first == {"forgotten": {"photos": 1, "verdicts": 0}}
    assert client.post(path, headers={"Idempotency-Key": "forget-50"}).json() == first
    assert client.get(f"{GALLERY}/photos/{results[0]['photo']}").status_code == 404
    folder = server.home / "galleries" / "characters"
    assert not any(b"figure 50" in file.read_bytes() for file in folder.iterdir())


def test_what_was_removed_is_forgotten_by_its_number(client: httpx.Client) -> None:
    enroll(client, 51)
    gone = thing_named(client, "figure 51")
    assert client.delete(f"{GALLERY}/things/{gone}").status_code == 200
    enroll(client, 51)
    refused = client.post(f"{GALLERY}/things/{gone}/forget")
    assert refused.status_code == 409
    assert "is gone, and 'figure 51' is thing" in refused.json()["error"]["message"]
    again = thing_named(client, "figure 51")
    assert client.delete(f"{GALLERY}/things/{again}").status_code == 200
    forgotten = client.post(f"{GALLERY}/things/{gone}/forget").json()["forgotten"]
    assert forgotten == {"photos": 2, "verdicts": 0}
    assert client.post(f"{GALLERY}/things/{again}/forget").status_code == 404


def test_pages_joined_are_the_whole_list(client: httpx.Client) -> None:
    joined: list[str] = []
    after = ""
    while after is not None:
        page = client.get(f"{GALLERY}/things", params={"limit": 3, "after": after}).json()
        joined += [each["name"] for each in page["things"]]
        after = page["next"]
    assert joined == names(client)
    assert len(joined) >= N_THINGS


def test_a_kept_picture_is_served_as_nothing_that_runs(client: httpx.Client) -> None:
    shown = client.get(f"{GALLERY}/photos/2/picture")
    assert shown.headers["Content-Type"] == "image/png"
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.content.startswith(b"\x89PNG")


def test_a_verdict_moves_the_estimate_and_can_be_withdrawn(client: httpx.Client) -> None:
    path = f"{GALLERY}/verdicts"
    sent: dict[str, Any] = {"data": {"verdict": "right"}, "files": [picture(1, 1)]}
    said = client.post(path, **sent, headers={"Idempotency-Key": "v"}).json()
    assert said["answer"]["nearest"]["thing"] == "figure 1"
    assert said["estimate"]["n_verdicts"] == 1
    again = client.post(path, **sent, headers={"Idempotency-Key": "v"}).json()
    assert again["verdict"] == said["verdict"]
    assert [each["kind"] for each in client.get(path).json()["verdicts"]] == ["right"]
    sent = {"data": {"verdict": "wrong", "truth": "figure 3"}, "files": [picture(2, 1)]}
    other = client.post(path, **sent).json()["verdict"]
    for number in (said["verdict"], other):
        assert client.delete(f"{path}/{number}").json() == {"withdrawn": number}
    assert client.get(path).json() == {"verdicts": []}


def test_a_verdict_sent_again_gets_the_answer_of_then(client: httpx.Client) -> None:
    path = f"{GALLERY}/verdicts"
    sent: dict[str, Any] = {"data": {"verdict": "wrong"}, "files": [picture(60, 1)]}
    key = {"Idempotency-Key": "answer of then"}
    said = client.post(path, **sent, headers=key).json()
    enroll(client, 60)
    again = client.post(path, **sent, headers=key)
    assert (again.status_code, again.json()) == (201, said)
    client.post(f"{GALLERY}/things/{thing_named(client, 'figure 60')}/forget")
    forgotten = client.post(path, **sent, headers=key)
    assert forgotten.status_code == 409
    client.delete(f"{path}/{said['verdict']}")


@pytest.mark.parametrize(
    ("path", "field", "told"),
    [
        ("/v1/identify", "closedset", "known: closed_set, crop, false_accepts"),
        (f"{GALLERY}/verdicts", "verdikt", "known: crop, truth, verdict"),
        (f"{GALLERY}/photos", "all_or_nothin", "known: all_or_nothing, careful, thing"),
        ("/v1/embed", "crop", "known: none but the pictures"),
    ],
)
def test_a_field_that_nobody_knows_is_not_lost_in_silence(
    client: httpx.Client, path: str, field: str, told: str
) -> None:
    body = {"thing": "figure 1"} if path.endswith("photos") else {}
    refused = client.post(path, data={**body, field: "true"}, files=[picture(1)])
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == f"there is no field {field!r} here; {told}"


def test_a_name_given_by_other_settings_can_be_said_to_be_right(client: httpx.Client) -> None:
    path = f"{GALLERY}/verdicts"
    asked: dict[str, Any] = {"files": [picture(70)]}
    said = client.post("/v1/identify", data={"closed_set": "true"}, **asked).json()
    named = said["answers"][0]
    assert named["thing"] != "unknown"
    refused = client.post(path, data={"verdict": "right"}, **asked)
    assert refused.status_code == 400
    assert "no name to confirm" in refused.json()["error"]["message"]
    noted = client.post(path, data={"verdict": "right", "truth": named["thing"]}, **asked)
    assert noted.status_code == 201
    (listed,) = client.get(path).json()["verdicts"]
    assert (listed["kind"], listed["truth"]) == ("right", named["thing"])
    client.delete(f"{path}/{noted.json()['verdict']}")


def test_why_advice_and_the_doctor(client: httpx.Client) -> None:
    told = client.post("/v1/why", files=[picture(1, 1)]).json()
    assert "figure 1" in told["why"]
    assert base64.b64decode(told["sheet"]).startswith(b"\x89PNG")
    data = {"thing": "figure 5"}
    advice = client.post(f"{GALLERY}/advice", data=data, files=[picture(1, 1)]).json()["results"][0]
    assert advice["status"] == "checked"
    assert "figure 1" in advice["advice"][0]
    there = client.post(f"{GALLERY}/advice", data=data, files=[picture(1)]).json()["results"][0]
    assert (there["status"], there["holder"]) == ("elsewhere", "figure 1")
    examined = client.get(f"{GALLERY}/doctor").json()
    assert examined["findings"]
    overview = client.get(GALLERY).json()
    assert overview["model"]["name"] == "characters"
    assert "place" not in overview["model"]
    assert client.get("/v1/galleries").json()["galleries"][0]["name"] == "characters"


def test_what_another_program_writes_is_answered_at_once(
    server: Server, client: httpx.Client
) -> None:
    with Recognizer.open_existing(server.home / "galleries" / "characters") as recognizer:
        recognizer.enroll("figure 60", png(60))
        said = client.post("/v1/identify", files=[picture(60, 1)]).json()["answers"][0]
        assert said["nearest"]["thing"] == "figure 60"
        recognizer.gallery.forget("figure 60")
    said = client.post("/v1/identify", files=[picture(60, 1)]).json()["answers"][0]
    assert said["nearest"]["thing"] != "figure 60"


def test_every_hard_picture_gets_an_answer_or_a_clear_refusal(
    client: httpx.Client, data_root: Path
) -> None:
    folder = data_root / "hard-images"
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as table:
        paths = [folder / row["path"] for row in csv.DictReader(table, delimiter="\t")]
    answered = 0
    for path in paths:
        file = ("picture", (path.name, path.read_bytes()))
        said = client.post("/v1/identify", files=[file])
        assert said.status_code in (200, 422), (path, said.text)
        answered += said.status_code == 200
        if said.status_code == 422:
            assert said.json()["error"]["code"] in ("unreadable_picture", "too_large")
            assert "Traceback" not in said.text
    assert len(paths) // 2 < answered < len(paths)
