"""The things of a gallery: looking through them, enrolling, and everything that changes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import HTMLResponse, Response

from firstsight.app.http.desk import Desk
from firstsight.app.http.security.access import may_read, may_write
from firstsight.app.http.sight import Picture
from firstsight.app.web.forms import read_form, tray_of
from firstsight.app.web.rendering import (
    PageRoute,
    counts_of,
    desk_of,
    go_on,
    page,
    part,
    picture_response,
    steps_of,
)
from firstsight.errors import FirstsightError, NotInGallery
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Thing
from firstsight.recognition.answers import Enrollment

__all__ = ["router"]

A_PAGE = 48
LARGEST = 2**53  # of the numbers that photos have, as over the API
ADVISED = 20  # beyond this many at once, advice on each would bury what matters

PhotoNumber = Annotated[int, Path(ge=1, le=LARGEST)]

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])
changing = [Depends(may_write)]


@router.get("/g/{gallery}/things")
async def things(request: Request, containing: str = "", after: str = "") -> HTMLResponse:
    """A page of things; for a script that asks on, the next tiles alone."""
    desk = desk_of(request)

    def look(gallery: Gallery) -> tuple[list[Thing], dict[int, int]]:
        """The next things, and a photo's number to show each by."""
        found = gallery.things_after(after, A_PAGE + 1, containing=containing)
        return found, gallery.covers(each.id for each in found)

    found, covers = await desk.look(look)
    more = found[A_PAGE - 1].name if len(found) > A_PAGE else None
    listed = {"things": found[:A_PAGE], "covers": covers, "more": more, "containing": containing}
    if request.headers.get("hx-target") in ("grid", "more"):
        return part(request, "things", back="things", **listed)
    n_things, n_photos = await counts_of(desk)
    steps = await desk.look(lambda gallery: gallery.steps(1))
    last = steps[0] if steps else None
    counts = {"n_things": n_things, "n_photos": n_photos}
    return page(request, "things", "Things", gallery=desk.name, last=last, **counts, **listed)


@router.get("/g/{gallery}/thing")
async def thing(
    request: Request, name: str, after: Annotated[int, Query(ge=0, le=LARGEST)] = 0
) -> HTMLResponse:
    """One thing and its photos. Names may hold any sign, so they are no part of a path."""
    desk = desk_of(request)
    held = await desk.look(lambda gallery: gallery.thing(name))
    photos = await desk.look(lambda gallery: gallery.photos_after(name, after, A_PAGE + 1))
    more = photos[A_PAGE - 1].id if len(photos) > A_PAGE else None
    shown = photos[:A_PAGE]
    return page(request, "thing", held.name, gallery=desk.name, thing=held, photos=shown, more=more)


@router.get("/g/{gallery}/names")
async def names(request: Request, thing: str = "") -> HTMLResponse:
    """Names like what is being typed, to choose from."""
    found = await desk_of(request).look(
        lambda gallery: gallery.things_after("", 12, containing=thing.strip())
    )
    return part(request, "names", back="things", names=[each.name for each in found])


@router.get("/g/{gallery}/photo/{number}")
async def photo(request: Request, number: PhotoNumber) -> Response:
    """The kept picture, never of a type that a browser could run."""
    kept = await desk_of(request).look(lambda gallery: gallery.picture(number))
    if kept is None:
        raise NotInGallery(f"of photo {number} no picture was kept")
    return picture_response(kept)


@router.post("/g/{gallery}/enroll", dependencies=changing)
async def enroll(request: Request) -> HTMLResponse:
    """Keep pictures; but where the doctor has something to say of them, say it first."""
    form = await read_form(request)
    desk, thing = desk_of(request), form.text("thing")
    pictures = [each for each in form.pictures if each.data]
    if not pictures and not form.left_out:
        raise FirstsightError("choose at least one picture first")
    named = [(thing or _stem(each.name), each) for each in pictures]
    if form.text("at_once") != "yes" and len(pictures) <= ADVISED:
        checked = await _each(desk, named, saves=False)
        if any(each.advice for each in checked):
            held = [tray_of(request).put(each) for each in pictures]
            return part(
                request,
                "advised",
                back="things",
                checked=list(zip(checked, held, strict=True)),
                left_out=form.left_out,
            )
    return await _enrolled(request, named, form.left_out)


@router.post("/g/{gallery}/enroll/anyway", dependencies=changing)
async def enroll_anyway(request: Request) -> HTMLResponse:
    """Keep pictures whose advice was read; `asked` numbers those that shall be kept."""
    form = await read_form(request)
    tray, names = tray_of(request), dict(zip(form.texts("held"), form.texts("thing"), strict=False))
    named = [
        (names[number], tray.take(number)) for number in form.texts("asked") if number in names
    ]
    return await _enrolled(request, named, [])


async def _enrolled(
    request: Request, named: Sequence[tuple[str, Picture]], left_out: Sequence[tuple[str, str]]
) -> HTMLResponse:
    desk = desk_of(request)
    results = await _each(desk, named, saves=True)
    steps = await steps_of(desk, results)
    about = {"results": results, "left_out": left_out, "steps": steps}
    return part(request, "enrolled", back="things", **about)


async def _each(
    desk: Desk, named: Sequence[tuple[str, Picture]], *, saves: bool
) -> list[Enrollment]:
    """A result for each picture, in order; those of one name together, in one step."""
    results: dict[int, Enrollment] = {}
    for thing in dict.fromkeys(name for name, _ in named):
        rows = [row for row, (name, _) in enumerate(named) if name == thing]
        pictures = [named[row][1] for row in rows]
        ask = desk.changes.enroll if saves else desk.questions.advice
        made = await ask(thing, pictures)
        results.update(zip(rows, made, strict=True))
    return [results[row] for row in sorted(results)]


def _stem(name: str) -> str:
    return name.rsplit(".", 1)[0] or name


@router.post("/g/{gallery}/thing/rename", dependencies=changing)
async def rename(request: Request) -> Response:
    form = await read_form(request)
    name, to = form.text("name"), form.text("to")
    await desk_of(request).changes.make(lambda gallery: gallery.rename(name, to))
    return _on_thing(request, to)


@router.post("/g/{gallery}/thing/merge", dependencies=changing)
async def merge(request: Request) -> Response:
    form = await read_form(request)
    name, into = form.text("name"), form.text("thing")
    await desk_of(request).changes.make(lambda gallery: gallery.merge(name, into=into))
    return _on_thing(request, into)


@router.post("/g/{gallery}/thing/remove", dependencies=changing)
async def remove(request: Request) -> Response:
    name = (await read_form(request)).text("name")
    await desk_of(request).changes.make(lambda gallery: gallery.remove(name))
    return _on(request, "things")


@router.post("/g/{gallery}/thing/forget", dependencies=changing)
async def forget(request: Request) -> Response:
    """Only where the box is ticked: nothing brings it back."""
    form = await read_form(request)
    if form.text("consent") != "yes":
        raise FirstsightError("nothing was erased; tick the box to say that you mean it")
    name = form.text("name")
    await desk_of(request).changes.make(lambda gallery: gallery.forget(name))
    return _on(request, "things")


@router.post("/g/{gallery}/photo/{number}/move", dependencies=changing)
async def move(request: Request, number: PhotoNumber) -> Response:
    to = (await read_form(request)).text("thing")
    await desk_of(request).changes.make(lambda gallery: gallery.move(number, to))
    return _on_thing(request, to)


@router.post("/g/{gallery}/photo/{number}/remove", dependencies=changing)
async def remove_photo(request: Request, number: PhotoNumber) -> Response:
    desk = desk_of(request)
    owner = (await desk.look(lambda gallery: gallery.photo(number))).thing
    await desk.changes.make(lambda gallery: gallery.remove_photo(number))
    return _on_thing(request, owner)


@router.post("/g/{gallery}/undo", dependencies=changing)
async def undo(request: Request) -> HTMLResponse:
    """Take back the steps of those numbers, and never what came since."""
    steps = (await read_form(request)).numbers("steps")
    undone = await desk_of(request).changes.make(lambda gallery: gallery.undo_these(steps))
    told = "; ".join(each.told for each in undone)
    return part(request, "undone", back="things", told=told)


def _on_thing(request: Request, name: str) -> Response:
    return _on(request, f"thing?name={quote(name, safe='')}")


def _on(request: Request, place: str) -> Response:
    return go_on(request, f"/g/{quote(request.path_params['gallery'], safe='')}/{place}")
