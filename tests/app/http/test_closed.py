"""What a server must not let through, each provoked on a running one."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from firstsight.app.http.security.keys import KeyRing
from tests.app.http.serving import Server, enroll, picture, png, serving
from tests.command import firstsight, here
from tests.gallery.stores import start


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, KeyRing]]:
    """A server that demands keys, is small and impatient; and its keys."""
    home = tmp_path_factory.mktemp("locked")
    ring = KeyRing(home / "keys.json")
    with serving(
        home,
        demands_key=True,
        hosts=["things.example"],
        origins=["https://shop.example"],
        max_body_bytes=200_000,
        max_picture_bytes=100_000,
        max_pictures=3,
        max_pixels=50_000,
        body_timeout_s=0.5,
        answer_timeout_s=60,
    ) as running:
        yield running, ring


@pytest.fixture
def reading(locked: tuple[Server, KeyRing]) -> Iterator[httpx.Client]:
    yield from _with_key(locked, "read")


@pytest.fixture
def writing(locked: tuple[Server, KeyRing]) -> Iterator[httpx.Client]:
    yield from _with_key(locked, "write")


def _with_key(locked: tuple[Server, KeyRing], rights: str) -> Iterator[httpx.Client]:
    server, ring = locked
    key = ring.add(rights, rights)  # type: ignore[arg-type]
    with server.client(Authorization=f"Bearer {key}") as client:
        yield client
    ring.revoke(rights)


def test_a_name_that_was_pointed_here_is_refused(client: httpx.Client) -> None:
    for host in ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", ""):
        refused = client.get("/v1/galleries", headers={"Host": host})
        assert refused.status_code in (400, 421), host
    for host in ("localhost", "127.0.0.1:1", "[::1]:8000", "192.168.0.7"):
        assert client.get("/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_page_of_another_site_may_change_nothing(
    client: httpx.Client, headers: dict[str, str]
) -> None:
    refused = client.post("/v1/galleries/characters/undo", json={}, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "foreign_origin")


def test_our_own_page_may(server: Server, client: httpx.Client) -> None:
    asked = client.post("/v1/identify", files=[picture(1)], headers={"Origin": server.url})
    assert asked.status_code == 200
    assert "Access-Control-Allow-Origin" not in asked.headers


def test_browsers_are_told_to_run_and_load_nothing_foreign(client: httpx.Client) -> None:
    for path in ("/v1/health", "/v1/nothing"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Server" not in headers


def test_without_a_key_only_health_answers(locked: tuple[Server, KeyRing]) -> None:
    with locked[0].client() as client:
        assert client.get("/v1/health").status_code == 200
        for path in ("/v1/galleries", "/openapi.json", "/v1/galleries/characters/photos/1/picture"):
            refused = client.get(path)
            assert (refused.status_code, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        for key in ("x", "fs_00000000_" + "a" * 43):
            for name, value in (("Authorization", f"Bearer {key}"), ("X-API-Key", key)):
                refused = client.post("/v1/identify", headers={name: value}, files=[picture(1)])
                assert refused.json()["error"]["code"] == "unknown_caller"


def test_a_key_to_read_cannot_write(reading: httpx.Client, writing: httpx.Client) -> None:
    assert enroll(writing, 1).status_code == 201
    refused = enroll(reading, 2)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "read_only_key")
    assert reading.post("/v1/identify", files=[picture(1)]).status_code == 200


def test_a_revoked_key_opens_nothing_from_then_on(locked: tuple[Server, KeyRing]) -> None:
    server, ring = locked
    key = ring.add("guest", "read")
    with server.client(**{"X-API-Key": key}) as client:
        assert client.get("/v1/galleries").status_code == 200
        ring.revoke("guest")
        assert client.get("/v1/galleries").status_code == 401


def test_the_file_of_keys_holds_no_key_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys.json")
    key = ring.add("kitchen", "write")
    assert key not in ring.file.read_text()
    assert key.rpartition("_")[2] not in ring.file.read_text()
    if os.name == "posix":
        assert ring.file.stat().st_mode & 0o777 == 0o600
    found = KeyRing(ring.file).find(key)
    assert found is not None
    assert (found.name, found.rights) == ("kitchen", "write")
    assert ring.find(key[:-1] + ("a" if key[-1] != "a" else "b")) is None


CHANGE = """
import sys
from pathlib import Path
from firstsight.app.http.security.keys import KeyRing

ring = KeyRing(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    ring.add(f"new {number}", "read") if sys.argv[2] == "add" else ring.revoke(f"old {number}")
"""


def test_two_processes_change_keys_at_once_and_no_change_is_lost(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys.json")
    for number in range(40):
        ring.add(f"old {number}", "write")
    with start(CHANGE, ring.file, "add") as adding, start(CHANGE, ring.file, "revoke") as revoking:
        for process in (adding, revoking):
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in (adding, revoking):
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        for process in (adding, revoking):
            _, err = process.communicate(timeout=120)
            assert process.returncode == 0, err
    assert [key.name for key in ring.keys] == [f"new {number}" for number in range(40)]


def test_keys_are_added_listed_and_revoked_by_commands(tmp_path: Path) -> None:
    made = here("keys", "add", "kitchen", "--write")
    assert made.out.startswith("fs_")
    assert "is not shown again" in made.err
    listed = json.loads(here("keys", "list", "--json").out)
    assert [(each["name"], each["rights"]) for each in listed] == [("kitchen", "write")]
    assert "already" in here("keys", "add", "kitchen").sentence
    assert here("keys", "revoke", "kitchen").code == 0
    assert "no key named 'kitchen'" in here("keys", "revoke", "kitchen").sentence
    (tmp_path / "home" / "keys.json").write_text("{}")
    assert "is no file of keys" in here("keys", "list").sentence


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--host", "0.0.0.0"), "demands keys, and there are none; make one first"),
        (("--require-key",), "demands keys, and there are none"),
        (("--certificate", "x.pem"), "give both or neither"),
        (("--false-accepts", "2"), "give a share between 0 and 1"),
    ],
)
def test_a_server_that_would_be_open_does_not_start(arguments: tuple[str, ...], told: str) -> None:
    assert told in here("serve", "--port", "0", *arguments).sentence


def test_a_missing_extra_is_told_with_the_command_that_installs_it() -> None:
    ended = firstsight("serve", "--port", "0", before="import sys; sys.modules['uvicorn'] = None\n")
    assert "pip install 'firstsight[serve]'" in ended.sentence


def test_a_session_needs_its_token_and_ends_with_its_key(
    locked: tuple[Server, KeyRing],
) -> None:
    server, ring = locked
    key = ring.add("page", "write")
    with server.client() as browser:
        refused = browser.post(
            "/login", files={"key": (None, "fs_wrong")}, headers={"Origin": server.url}
        )
        assert "set-cookie" not in refused.headers
        signed = browser.post("/login", files={"key": (None, key)}, headers={"Origin": server.url})
        cookie = signed.headers["set-cookie"].lower()
        for part in ("httponly", "samesite=strict", "path=/"):
            assert part in cookie
        assert key.lower() not in cookie
        assert browser.get("/v1/galleries").status_code == 200
        refused = browser.post("/v1/galleries/characters/undo", json={})
        assert refused.json()["error"]["code"] == "missing_csrf_token"
        wrong = {"X-CSRF-Token": "x"}
        refused = browser.post("/v1/galleries/characters/undo", json={}, headers=wrong)
        assert refused.status_code == 403
        browsers_word = {"Sec-Fetch-Site": "same-origin"}  # that our own page sent a form
        undone = browser.post("/v1/galleries/characters/undo", json={}, headers=browsers_word)
        assert undone.status_code != 403
        for other in ("same-site", "cross-site", "none"):
            headers = {"Sec-Fetch-Site": other}
            refused = browser.post("/v1/galleries/characters/undo", json={}, headers=headers)
            assert refused.status_code == 403
        ring.revoke("page")
        assert browser.get("/v1/galleries").status_code == 401


def test_another_site_that_was_named_may_ask_and_no_other(
    locked: tuple[Server, KeyRing], reading: httpx.Client
) -> None:
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization"}  # fmt: skip
    with locked[0].client() as client:
        allowed = client.options("/v1/identify", headers=asks)
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        refused = client.options("/v1/identify", headers=asks | {"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in refused.headers
    for origin, status in (("https://shop.example", 422), ("https://evil.example", 403)):
        asked = reading.post(
            "/v1/identify", files=[("picture", ("a", b"x"))], headers={"Origin": origin}
        )
        assert asked.status_code == status
    assert reading.get("/v1/health", headers={"Host": "things.example"}).status_code == 200


def test_limits_on_pictures_their_number_and_the_body(writing: httpx.Client) -> None:
    many = writing.post("/v1/identify", files=[picture(1)] * 4)
    assert (many.status_code, many.json()["error"]["code"]) == (413, "too_many_pictures")
    large = writing.post("/v1/identify", files=[("picture", ("a.png", b"x" * 100_001))])
    assert large.json()["error"]["code"] == "too_large"
    wide = writing.post("/v1/identify", files=[("picture", ("wide.png", png(1, side=300)))])
    assert (wide.status_code, "more than the 50,000" in wide.text) == (422, True)
    body = writing.post("/v1/identify", files=[("picture", ("a", b"x" * 90_000))] * 3)
    assert (body.status_code, body.json()["error"]["code"]) == (413, "too_large")
    deep = writing.post(
        "/v1/identify", content=b"[" * 100_000, headers={"Content-Type": "application/json"}
    )
    assert deep.status_code == 400
    fields = writing.post("/v1/identify", files=[picture(1)], data={"a": "x" * 70_000})
    assert fields.status_code == 413


def test_a_body_without_end_is_refused_while_it_streams(
    locked: tuple[Server, KeyRing], writing: httpx.Client
) -> None:
    head = (
        "POST /v1/identify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: {writing.headers['Authorization']}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with _connected(locked[0]) as connection:
        connection.sendall(head.encode() + 4 * chunk)
        assert b" 413 " in connection.recv(4096).splitlines()[0]
    with _connected(locked[0]) as connection:
        connection.sendall(head.encode() + chunk)  # and then nothing
        assert b" 408 " in connection.recv(4096).splitlines()[0]


def _connected(server: Server) -> socket.socket:
    at = urlsplit(server.url)
    assert at.port is not None
    return socket.create_connection((at.hostname or "", at.port), timeout=60)
