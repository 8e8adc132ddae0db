"""The page's routes and files, added to the server's application."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from firstsight.app.web import asking, describing, modelling, signing, things
from firstsight.app.web.rendering import page
from firstsight.app.web.tray import Tray

__all__ = ["add_page", "missing_page"]

MOST_SHOWN = 200  # characters of an address

_STATIC = Path(__file__).parent / "static"


class _Files(StaticFiles):
    """May be kept by the browser, which asks each time whether they are still the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


def add_page(app: FastAPI) -> None:
    app.state.tray = Tray()
    app.mount("/static", _Files(directory=_STATIC), name="static")
    for each in (asking, things, modelling, describing, signing):
        app.include_router(each.router)


def missing_page(request: Request) -> HTMLResponse:
    """What a person sees where an address leads nowhere."""
    path = request.url.path[:MOST_SHOWN]
    response = page(request, "missing", "No such page", gallery=None, path=path)
    response.status_code = 404
    return response
