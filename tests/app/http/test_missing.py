"""An address that leads nowhere: a page for a browser, the error of the API for a program."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.app.http.serving import Server

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
STRICT = (
    "Content-Security-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
    "Cache-Control",
)


@pytest.fixture
def browser(server: Server) -> Iterator[httpx.Client]:
    with server.client(Accept=BROWSER) as opened:
        yield opened


@pytest.mark.parametrize("path", ["/thigns", "/g/characters/thigns", "/static/none.css", "/v10"])
def test_a_browser_sees_a_page_with_a_way_home(browser: httpx.Client, path: str) -> None:
    missing, home = browser.get(path), browser.get("/")
    assert missing.status_code == 404
    assert missing.headers["Content-Type"] == home.headers["Content-Type"]
    assert "There is no such page" in missing.text
    assert f"<code>{path}</code>" in missing.text
    assert '<a class="button" href="/">' in missing.text
    assert '<link rel="stylesheet" href="/static/page.css">' in missing.text
    for name in STRICT:
        assert missing.headers[name] == home.headers[name]
    assert missing.headers["X-Request-Id"]


@pytest.mark.parametrize(
    "path", [f"photo/{10**22}", "photo/-1", f"thing?name=figure+1&after={10**22}"]
)
def test_a_number_that_no_photo_can_have_is_refused(browser: httpx.Client, path: str) -> None:
    assert browser.get(f"/g/characters/{path}").status_code == 422


@pytest.mark.parametrize("act", ["move", "remove"])
def test_a_photo_that_cannot_be_is_not_changed(
    browser: httpx.Client, server: Server, act: str
) -> None:
    refused = browser.post(
        f"/g/characters/photo/{10**22}/{act}", data={"thing": "x"}, headers={"Origin": server.url}
    )
    assert refused.status_code == 422


def test_what_was_typed_is_shown_as_text_and_cut_short(browser: httpx.Client) -> None:
    shown = browser.get("/<script>alert(1)</script>/" + "a" * 300).text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "a" * 200 not in shown


@pytest.mark.parametrize(
    ("method", "path", "accept"),
    [
        ("GET", "/v1/nothing", BROWSER),
        ("GET", "/v1", BROWSER),
        ("GET", "/thigns", "application/json"),
        ("GET", "/thigns", "*/*"),
        ("POST", "/thigns", BROWSER),
    ],
)
def test_a_program_gets_the_one_error(server: Server, method: str, path: str, accept: str) -> None:
    with server.client(Accept=accept) as client:
        missing = client.request(method, path)
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "not_found"
