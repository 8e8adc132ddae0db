"""A model's card as HTML; whatever is written in it stays text."""

from __future__ import annotations

from markdown_it import MarkdownIt

from firstsight.model.card import render_card
from firstsight.model.info import ModelInfo

__all__ = ["card_html"]


def card_html(info: ModelInfo) -> str:
    """Its headings one level down: the page has one of its own above them."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(render_card(info))
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{int(token.tag[1:]) + 1}"
    return str(markdown.renderer.render(tokens, markdown.options, {}))
