"""From a template to a response: whole pages, parts of them, and errors as one plain sentence."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import lru_cache
from typing import Any, cast
from urllib.parse import quote

from fastapi import Request
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from firstsight.app.http.desk import Desk
from firstsight.app.http.desks import Desks
from firstsight.app.http.refusing import Refusal, refusal_of
from firstsight.app.http.security.access import caller_of, csrf_token
from firstsight.app.web.telling import (
    code_told,
    enrollment_told,
    percent,
    photos_told,
    things_told,
)
from firstsight.errors import FirstsightError
from firstsight.recognition.answers import Enrollment

__all__ = [
    "PageRoute",
    "counts_of",
    "desk_of",
    "drawing_desk",
    "go_on",
    "page",
    "part",
    "picture_response",
    "steps_of",
]

_KINDS = ((b"\x89PNG", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))
_UNSEEN = "application/octet-stream"

PAGES = (
    ("draw", "Draw"),
    ("recognise", "Recognise"),
    ("things", "Things"),
    ("compare", "Compare"),
    ("look-alikes", "Look-alikes"),
    ("model", "Model"),
)


class PageRoute(APIRoute):
    """A route whose errors are read by people, not by programs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()

        async def answer_or_tell(request: Request) -> Response:
            try:
                if gallery := request.path_params.get("gallery"):
                    await cast(Desks, request.app.state.desks).meant(gallery)
                return await answer(request)
            except Refusal as refusal:
                return _trouble(request, refusal)
            except FirstsightError as trouble:
                return _trouble(request, refusal_of(trouble))

        return answer_or_tell


def desk_of(request: Request) -> Desk:
    """That of the gallery in the path; NotInGallery where it is not served."""
    return cast(Desks, request.app.state.desks)[request.path_params["gallery"]]


async def counts_of(desk: Desk) -> tuple[int, int]:
    """How many things and photos: at once, where an overview waits for thresholds."""
    return await desk.look(lambda gallery: gallery.counts())


async def steps_of(desk: Desk, results: Iterable[Enrollment]) -> list[int]:
    """The steps by which pictures were enrolled just now, for Undo."""
    photos = [each.photo for each in results if each.photo and each.status == "new"]
    return await desk.look(lambda gallery: gallery.steps_that_made(photos=photos))


def drawing_desk(request: Request) -> Desk | None:
    """The first one whose model looks at ink alone; None where no such gallery is served."""
    desks = cast(Desks, request.app.state.desks)
    fit = (desk for desk in desks.values() if desk.model.preprocessing.fit == "ink")
    return next(fit, None)


def page(
    request: Request, here: str, title: str, *, gallery: str | None, **context: Any
) -> HTMLResponse:
    """A whole page, from the template called like it. gallery: whose; None has no menu."""
    return _rendered(request, f"{here}.html", here=here, title=title, gallery=gallery, **context)


def part(request: Request, name: str, *, back: str, **context: Any) -> HTMLResponse:
    """A part for a script to put in its place; for a browser without scripts a page around it.

    back: the page to go on with.
    """
    gallery = request.path_params.get("gallery")
    context = {"gallery": gallery, "here": back, "title": "firstsight", **context}
    if _is_script(request):
        return _rendered(request, f"_{name}.html", **context)
    return _rendered(request, "plain.html", part=f"_{name}.html", **context)


def go_on(request: Request, address: str) -> Response:
    """To another page, by a script or without."""
    if _is_script(request):
        return Response(headers={"HX-Redirect": address})
    return Response(status_code=303, headers={"Location": address})


def picture_response(encoded: bytes) -> Response:
    """encoded: a small copy of our own making, so of no type that a browser could run."""
    kind = next((kind for start, kind in _KINDS if encoded.startswith(start)), _UNSEEN)
    # A number is never given to another picture; yet what is forgotten should not linger.
    return Response(encoded, media_type=kind, headers={"Cache-Control": "private, max-age=600"})


def _is_script(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def _trouble(request: Request, refusal: Refusal) -> HTMLResponse:
    message = refusal.message
    if message.split(" ", 1)[0].isalpha():  # not the name of a file
        message = message[:1].upper() + message[1:]
    response = part(request, "trouble", back="recognise", message=message, gallery=None)
    response.status_code = refusal.status
    response.headers.update(refusal.headers)
    return response


def _rendered(request: Request, template: str, **context: Any) -> HTMLResponse:
    gallery = context["gallery"]

    def url(place: str, name: str | None = None) -> str:
        return f"/g/{quote(name or gallery or '', safe='')}/{place}"

    caller = caller_of(request)
    return HTMLResponse(
        _environment()
        .get_template(template)
        .render(
            pages=PAGES,
            galleries=list(getattr(request.app.state, "desks", ())),
            csrf=csrf_token(request),
            signed_in=caller.session is not None,
            may_change=caller.rights == "write",
            url=url,
            **context,
        )
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("firstsight.app.web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters.update(
        code=code_told,
        percent=percent,
        things=things_told,
        photos=photos_told,
        outcome=enrollment_told,
    )
    return made
