"""For everybody: no serious accessibility fault in light or dark, and it fits a small phone."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.app.web.conftest import PATIENCE_MS, Site, visiting

expect.set_options(timeout=PATIENCE_MS)

PAGES = (
    "/",
    "/g/figures/recognise",
    "/g/photos/recognise",
    "/g/figures/things",
    "/g/figures/thing?name=figure%201",
    "/g/figures/compare",
    "/g/figures/look-alikes",
    "/g/figures/model",
    "/docs",
    "/g/nobody/things",
    "/no/such/page",
)


# The page of the API has dozens of sections, each made like the first ones.
ALIKE_ONCE = {"exclude": [["main > section:nth-of-type(n+6)"]]}


def _faults(page: Page, *, colours: bool = False) -> list[str]:
    """colours: only of these, which are all that the scheme changes."""
    options = {"runOnly": ["color-contrast"]} if colours else None
    found = Axe().run(page, ALIKE_ONCE, options=options).response["violations"]
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_accessibility_fault(
    browser: Browser, site: Site, scheme: str
) -> None:
    with visiting(browser, site, color_scheme=scheme) as visit:
        for path in PAGES:
            if scheme == "dark" and path == "/docs":
                continue  # long, and coloured as the others are
            visit.go(path)
            visit.page.wait_for_load_state("networkidle")
            assert _faults(visit.page, colours=scheme == "dark") == [], path
        visit.go("/g/figures/recognise")
        visit.page.set_input_files("#picture", visit.picture("3-1"))
        visit.page.get_by_role("button", name="Why?").click()
        expect(visit.page.locator("#why img").first).to_be_visible()
        assert _faults(visit.page, colours=scheme == "dark") == []
        if scheme == "dark":
            visit.keep("recognise-dark")
        visit.complaints.clear()  # of a gallery and a page that are not there


def test_no_page_is_wider_than_a_small_phone(browser: Browser, site: Site) -> None:
    narrow = {"width": 320, "height": 640}
    with visiting(browser, site, viewport=narrow, has_touch=True) as visit:
        for path in PAGES:
            visit.go(path)
            visit.page.wait_for_load_state("networkidle")
            wide = visit.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 320, path
        visit.go("/g/figures/recognise")
        visit.page.set_input_files("#picture", visit.picture("3-1"))
        expect(visit.page.locator("#answer .scale")).to_be_visible()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 320
        visit.keep("phone")
        visit.complaints.clear()  # of a gallery and a page that are not there


def test_an_answer_moves_nothing_that_stands_above_it(browser: Browser, site: Site) -> None:
    with visiting(browser, site, viewport={"width": 1200, "height": 860}) as visit:
        visit.go("/g/figures/recognise")
        visit.page.evaluate(
            "window.moved = 0; new PerformanceObserver((list) => list.getEntries().forEach("
            "(each) => window.moved += each.value)).observe({type: 'layout-shift', buffered: true})"
        )
        visit.page.set_input_files("#picture", visit.picture("3-1"))
        expect(visit.page.locator("#answer .scale")).to_be_visible()
        visit.page.wait_for_timeout(200)
        # Of the page's area; 0.1 is what the browser's makers call good.
        assert visit.page.evaluate("window.moved") < 0.05
