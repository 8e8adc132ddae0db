"""Connections as they are on the wire: slow ones are closed, and HTTPS is HTTPS."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import trustme

from firstsight.app.http.security.keys import KeyRing
from tests.app.http.serving import Server, enroll, picture, serving
from tests.command import here

SLOW_S = 0.6
BODY_TIMEOUT_S = 1.5


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def secure(
    tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA
) -> Iterator[tuple[Server, KeyRing]]:
    """An impatient server that speaks HTTPS and demands keys."""
    home = tmp_path_factory.mktemp("secure")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_pem.write_to_path(str(home / "key.pem"))
    for each in issued.cert_chain_pems:
        each.write_to_path(str(home / "certificate.pem"), append=True)
    with serving(
        home,
        certificate=str(home / "certificate.pem"),
        private_key=str(home / "key.pem"),
        demands_key=True,
        headers_timeout_s=SLOW_S,
        body_timeout_s=BODY_TIMEOUT_S,
    ) as running:
        yield running, KeyRing(home / "keys.json")


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def connected(server: Server, context: ssl.SSLContext) -> ssl.SSLSocket:
    at = urlsplit(server.url)
    plain = socket.create_connection((at.hostname or "", at.port or 0), timeout=60)
    return context.wrap_socket(plain, server_hostname="127.0.0.1")


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def trickled(connection: socket.socket, first: bytes, then: bytes) -> bytes:
    """All that comes while `first` is sent, and then `then` ten times a second, until the end."""
    connection.sendall(first)
    connection.settimeout(0.1)
    reply = b""
    while True:
        try:
            connection.sendall(then)
            came = connection.recv(65536)
        except TimeoutError:
            continue
        except OSError:  # closed while we were sending
            return reply
        if not came:
            return reply
        reply += came


def told(reply: bytes) -> tuple[int, str]:
    """Status and code of a refusal."""
    head, _, body = reply.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), str(json.loads(body)["error"]["code"])


@pytest.mark.parametrize("begun", [b"", b"\r\n", b"GET / HTTP/1.1\r\n"])
def test_headers_that_never_end_are_cut_off(
    secure: tuple[Server, KeyRing], trusting: ssl.SSLContext, begun: bytes
) -> None:
    with connected(secure[0], trusting) as connection:
        began = time.monotonic()
        connection.sendall(begun)
        assert told(all_of(connection)) == (408, "slow_headers")
        assert time.monotonic() - began > 0.5 * SLOW_S


def test_headers_that_trickle_are_cut_off_on_a_used_connection_too(
    secure: tuple[Server, KeyRing], trusting: ssl.SSLContext
) -> None:
    with connected(secure[0], trusting) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        reply = b""
        while b'"ready":true}' not in reply:
            reply += connection.recv(4096)
        reply = trickled(connection, b"GET / HTTP/1.1\r\n", b"a: b\r\n")
        assert told(reply) == (408, "slow_headers")


def test_headers_without_end_are_refused_before_they_fill_the_memory(
    secure: tuple[Server, KeyRing], trusting: ssl.SSLContext
) -> None:
    with connected(secure[0], trusting) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: b\r\n" * 12_000)
        assert told(all_of(connection)) == (431, "large_headers")


def test_a_body_that_trickles_is_cut_off(
    secure: tuple[Server, KeyRing], trusting: ssl.SSLContext
) -> None:
    server, ring = secure
    key = ring.add("slow", "read")
    head = (
        "POST /v1/identify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: 1000\r\n\r\n"
    )
    with connected(server, trusting) as connection:
        assert told(trickled(connection, head.encode(), b" ")) == (408, "slow_body")


def test_the_rest_of_a_refused_body_may_come_but_not_for_ever(
    secure: tuple[Server, KeyRing], trusting: ssl.SSLContext
) -> None:
    n = 300_000
    head = f"POST /v1/identify HTTP/1.1\r\nHost: localhost\r\nContent-Length: {n}\r\n\r\n".encode()
    with connected(secure[0], trusting) as connection:
        for _ in range(2):  # the connection is as good as before
            connection.sendall(head)
            reply = b""
            while b"request_id" not in reply:
                reply += connection.recv(4096)
            assert reply.startswith(b"HTTP/1.1 401 ")
            connection.sendall(b" " * n)
        assert trickled(connection, head, b" ").count(b"HTTP/1.1 ") == 1


def test_over_https_the_page_s_cookie_is_secure_and_browsers_stay_with_it(
    secure: tuple[Server, KeyRing], trusting: ssl.SSLContext
) -> None:
    server, ring = secure
    assert server.url.startswith("https://")
    key = ring.add("page", "write")
    with httpx.Client(base_url=server.url, verify=trusting, timeout=60) as browser:
        signed = browser.post("/login", files={"key": (None, key)}, headers={"Origin": server.url})
        cookie = signed.headers["set-cookie"].lower()
        assert cookie.startswith("__host-firstsight_session=")
        for part in ("; secure", "; httponly", "; samesite=strict", "; path=/"):
            assert part in cookie
        assert "domain" not in cookie
        assert signed.headers["Strict-Transport-Security"] == "max-age=31536000"
        page = browser.get("/g/characters/things", headers={"Accept": "text/html"})
        assert page.status_code == 200
    with httpx.Client(
        base_url=server.url, verify=trusting, timeout=60, headers={"X-API-Key": key}
    ) as client:
        assert enroll(client, 1).status_code == 201
        said = client.post("/v1/identify", files=[picture(1, 1)]).json()
        assert said["answers"][0]["nearest"]["thing"] == "figure 1"


def test_whoever_does_not_know_the_certificate_or_speaks_no_https_gets_nothing(
    secure: tuple[Server, KeyRing],
) -> None:
    server = secure[0]
    with pytest.raises(httpx.ConnectError, match="certificate"):
        httpx.get(f"{server.url}/v1/health")
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"{server.url.replace('https', 'http')}/v1/health")


def test_a_certificate_that_is_of_no_use_is_told_in_a_sentence(
    tmp_path: Path, authority: trustme.CA
) -> None:
    own, other = (authority.issue_cert("localhost") for _ in range(2))
    own.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    other.private_key_pem.write_to_path(str(tmp_path / "other.pem"))
    (tmp_path / "empty.pem").touch()
    for key in ("other.pem", "empty.pem"):
        files = ("--certificate", tmp_path / "certificate.pem", "--private-key", tmp_path / key)
        assert "are of no use for HTTPS" in here("serve", "--port", "0", *files).sentence
