"""One server and one browser for all tests of the page, torn down before other tests go on."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from firstsight.app.http.application import create_app
from firstsight.app.http.security.keys import KeyRing
from firstsight.app.http.settings import Settings
from firstsight.recognition.recognizer import Recognizer
from tests.drawings import N_THINGS, drawing

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)
PATIENCE_MS = 15_000  # a test machine may be busy with other tests


@dataclass
class Site:
    """A running server. address: without a slash at its end. key: to sign in with, if it asks."""

    address: str
    pictures: Path
    key: str = ""


@dataclass
class Visit:
    """A page in a browser, and what went wrong on it."""

    page: Page
    site: Site
    context: BrowserContext
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.site.address + path)

    def picture(self, name: str) -> str:
        return str(self.site.pictures / f"{name}.png")

    def keep(self, name: str) -> None:
        """A screenshot for docs/page.md, where FIRSTSIGHT_SCREENSHOTS names a folder for them."""
        folder = os.environ.get("FIRSTSIGHT_SCREENSHOTS")
        if folder:
            self.page.wait_for_load_state("networkidle")
            # To hide the caret would take an inline style, which the page's policy refuses.
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, caret="initial")


@contextmanager
def serving(**wanted: Any) -> Iterator[str]:
    """The address of a server with these settings, in a thread of its own."""
    config = uvicorn.Config(create_app(Settings(**wanted)), port=0, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`pictures`, and the galleries `characters` (empty), `figures` and `photos` (empty)."""
    folder = tmp_path_factory.mktemp("page")
    pictures = folder / "pictures"
    pictures.mkdir()
    for thing in range(N_THINGS + 4):
        for variant in range(3):
            drawing(thing, variant).save(pictures / f"{thing}-{variant}.png")
    (pictures / "broken.png").write_bytes(b"no picture at all")
    for name in ("characters", "figures", "photos"):
        with Recognizer.open(folder / name, model="characters") as made:
            if name == "figures":
                for thing in range(N_THINGS):
                    made.enroll(f"figure {thing}", pictures / f"{thing}-0.png")
    return folder


@pytest.fixture(scope="package")
def site(folder: Path) -> Iterator[Site]:
    names = tuple(str(folder / name) for name in ("characters", "figures", "photos"))
    with serving(galleries=names, keys_file=folder / "keys.json") as address:
        yield Site(address, folder / "pictures")


@pytest.fixture(scope="package")
def locked_site(folder: Path) -> Iterator[Site]:
    """Asks for a key."""
    keys = folder / "locked.json"
    key = KeyRing(keys).add("anna", "write")
    names = (str(folder / "figures"),)
    with serving(galleries=names, keys_file=keys, demands_key=True) as address:
        yield Site(address, folder / "pictures", key)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("the page is walked through with Chromium, and there is none: apt-get install")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@contextmanager
def visiting(browser: Browser, site: Site, **options: Any) -> Iterator[Visit]:
    """A visit, at whose end nothing may have been complained of, nor asked of another host."""
    context = browser.new_context(permissions=["camera"], **options)
    context.set_default_timeout(PATIENCE_MS)
    visit = Visit(context.new_page(), site, context)

    def complain(message: Any) -> None:
        if message.type in ("error", "warning"):
            visit.complaints.append(message.text)

    visit.page.on("console", complain)
    visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    visit.page.on("request", lambda asked: _note(asked.url, visit))
    try:
        yield visit
    finally:
        context.close()
    assert visit.complaints == []
    assert visit.strangers == []


def _note(url: str, visit: Visit) -> None:
    if not url.startswith((visit.site.address + "/", "data:", "blob:")):
        visit.strangers.append(url)


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    with visiting(browser, site, viewport={"width": 1200, "height": 860}) as opened:
        yield opened


def stroke(page: Page, corners: list[tuple[float, float]], on: str) -> None:
    """Draw a line through corners, each in shares of the board."""
    board = page.locator(on)
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
    page.mouse.move(*places[0])
    page.mouse.down()
    for x, y in places[1:]:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
