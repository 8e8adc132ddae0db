"""Servers that several tests share."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.app.http.description import Description
from tests.app.http.serving import Server, enroll, serving
from tests.drawings import N_THINGS


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """On the loopback, without keys; its gallery `characters` holds the figures."""
    with serving(tmp_path_factory.mktemp("home"), max_body_bytes=24 * 2**20) as running:
        with running.client() as client:
            for thing in range(N_THINGS):
                assert enroll(client, thing).status_code == 201
        yield running


@pytest.fixture(scope="package")
def description(server: Server) -> Description:
    return Description(httpx.get(f"{server.url}/openapi.json").json())


@pytest.fixture
def client(server: Server, description: Description) -> Iterator[httpx.Client]:
    """Each answer that it gets must be as it is described."""

    def check(answer: httpx.Response) -> None:
        answer.read()
        assert description.flaws_of(answer) == []

    with server.client() as opened:
        opened.event_hooks = {"response": [check]}
        yield opened
