from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.docs.pages import PAGES, ROOT, read_page

FARAWAY = ("https://", "http://", "mailto:")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_link_leads_somewhere(path: Path) -> None:
    for link in read_page(path).links:
        if link.startswith(FARAWAY):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path
        assert target.exists(), f"{link}: there is no such file"
        if anchor:
            assert anchor in read_page(target).anchors, f"{link}: there is no such heading"


def test_the_index_leads_to_each_page() -> None:
    linked = {
        (ROOT / "docs" / link.partition("#")[0]).resolve()
        for link in read_page(ROOT / "docs" / "README.md").links
    }
    pages = {path for path in PAGES if path.parent == ROOT / "docs"} - {ROOT / "docs/README.md"}
    assert pages - linked == set()


def test_each_drawing_is_sound_and_shown() -> None:
    shown = read_page(ROOT / "docs" / "concepts.md").links
    drawings = sorted((ROOT / "docs" / "concepts").glob("*.svg"))
    assert drawings
    for drawing in drawings:
        svg = ElementTree.parse(drawing).getroot()
        assert svg.find("{http://www.w3.org/2000/svg}title") is not None
        assert f"concepts/{drawing.name}" in shown
