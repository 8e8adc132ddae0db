"""The pages of the documentation, read as a browser would: links, blocks and spans of code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["PAGES", "ROOT", "Page", "read_page"]

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").glob("*.md"),
    ]
)


@dataclass
class Page:
    """What a page holds.

    links: of links and pictures, as written. anchors: of headings, as GitHub names them.
    blocks: (language, text) of fenced code. spans: code inside sentences, on one line each.
    """

    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    blocks: list[tuple[str, str]] = field(default_factory=list)
    spans: list[str] = field(default_factory=list)


@cache
def read_page(path: Path) -> Page:
    page = Page()
    tokens = MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf-8"))
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "fence":
            page.blocks.append((token.info.strip(), token.content))
        if before is not None and before.type == "heading_open":
            page.anchors.add(_anchor(token.content))
        for inner in token.children or ():
            if inner.type == "code_inline":
                page.spans.append(" ".join(inner.content.split()))
            page.links += [str(inner.attrs[key]) for key in ("href", "src") if key in inner.attrs]
    return page


def _anchor(heading: str) -> str:
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return kept.strip().replace(" ", "-")
