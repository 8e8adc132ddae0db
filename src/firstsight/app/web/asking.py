"""Questions about a picture, from drawing to why; and a person's word on an answer."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from firstsight.app.http.changes import photo_kept
from firstsight.app.http.desk import Desk
from firstsight.app.http.security.access import may_read, may_write
from firstsight.app.http.sight import Picture
from firstsight.app.web.forms import Form, read_form, tray_of
from firstsight.app.web.rendering import (
    PageRoute,
    counts_of,
    desk_of,
    drawing_desk,
    page,
    part,
    picture_response,
    steps_of,
)
from firstsight.app.web.scale import scale_of
from firstsight.app.web.telling import (
    RATES_OF_THE_FIRST,
    closed_set_told,
    comparison_told,
    estimate_told,
    places_told,
    sure_told,
)
from firstsight.app.web.why import shown_why
from firstsight.errors import FirstsightError, NotInGallery
from firstsight.gallery.names import thing_name
from firstsight.recognition.answers import Answer

__all__ = ["router"]

MOST_ALIKE = 50

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])


@router.get("/")
async def draw(request: Request) -> Response:
    desk = drawing_desk(request)
    if desk is None:
        return RedirectResponse(f"/g/{next(iter(request.app.state.desks))}/recognise")
    n_things, _ = await counts_of(desk)
    return page(request, "draw", "Draw", gallery=desk.name, n_things=n_things)


@router.get("/g/{gallery}/recognise")
async def recognise(request: Request) -> HTMLResponse:
    return await _asking(request, "recognise", "Recognise")


@router.get("/g/{gallery}/look-alikes")
async def look_alikes(request: Request) -> HTMLResponse:
    return await _asking(request, "look-alikes", "Look-alikes")


async def _asking(request: Request, here: str, title: str) -> HTMLResponse:
    desk = desk_of(request)
    n_things, n_photos = await counts_of(desk)
    counts = {"n_things": n_things, "n_photos": n_photos}
    return page(request, here, title, gallery=desk.name, **counts)


@router.get("/g/{gallery}/compare")
async def compare(request: Request) -> HTMLResponse:
    desk = desk_of(request)
    return page(request, "compare", "Compare", gallery=desk.name, model=desk.model)


@router.post("/g/{gallery}/recognise")
async def recognised(request: Request) -> HTMLResponse:
    """`certain` is "yes" where the picture is said to show one of the things here."""
    form = await read_form(request)
    (picture,) = form.exactly(1)
    certain = form.text("certain") == "yes"
    return await _answered(request, "answer", picture, back="recognise", closed_set=certain)


@router.post("/g/{gallery}/draw")
async def drawn(request: Request) -> HTMLResponse:
    """What a drawing is, or, where nothing is enrolled yet, only the question what it is."""
    (picture,) = (await read_form(request)).exactly(1)
    desk = desk_of(request)
    if not (await counts_of(desk))[1]:
        number = tray_of(request).put(picture)
        return part(request, "drawn", back="draw", answer=None, asked=number)
    return await _answered(request, "drawn", picture, back="draw")


async def _answered(
    request: Request, name: str, picture: Picture, *, back: str, closed_set: bool = False
) -> HTMLResponse:
    desk = desk_of(request)
    answer = await desk.questions.identify(picture, closed_set=closed_set)
    number = tray_of(request).put(picture)
    shown = _shown(answer)
    return part(request, name, back=back, asked=number, **vars(shown))


@dataclass(frozen=True)
class _Shown:
    answer: Answer
    scale: object
    sure: str
    grounds: list[str]


def _shown(answer: Answer) -> _Shown:
    rivals = [(each.thing, each.distance) for each in (answer.nearest, answer.runner_up) if each]
    scale = scale_of(rivals, answer.threshold, limit_words="named up to")
    grounds = places_told(answer.nearest.agreeing, answer.nearest.nearer)
    grounds += closed_set_told(answer) if answer.closed_set else estimate_told(answer.estimate)
    if answer.nearest.agreeing is not None and answer.threshold is not None:
        grounds.append(RATES_OF_THE_FIRST)
    return _Shown(answer, scale, sure_told(answer), grounds)


@router.get("/g/{gallery}/asked/{number}")
async def asked(request: Request, number: str) -> Response:
    """A small copy of a picture that was asked about, whatever type it came as."""
    small = await desk_of(request).questions.small_copy(tray_of(request).take(number))
    return picture_response(small)


@router.post("/g/{gallery}/why")
async def why(request: Request) -> HTMLResponse:
    picture = tray_of(request).take((await read_form(request)).text("asked"))
    found = await desk_of(request).questions.why(picture)
    return part(request, "why", back="recognise", **shown_why(found))


@router.post("/g/{gallery}/compare")
async def compared(request: Request) -> HTMLResponse:
    form = await read_form(request)
    a, b = form.exactly(2)
    result = await desk_of(request).questions.verify(a, b)
    scale = scale_of(
        [("these two", result.distance)], result.threshold, limit_words="the same up to"
    )
    return part(
        request,
        "compared",
        back="compare",
        compared=result,
        scale=scale,
        told=comparison_told(result),
    )


@router.post("/g/{gallery}/look-alikes")
async def alike(request: Request) -> HTMLResponse:
    form = await read_form(request)
    (picture,) = form.exactly(1)
    k = form.number("k", 1, MOST_ALIKE, 5)
    once = form.text("once") == "yes"
    matches = await desk_of(request).questions.search(picture, k, one_per_thing=once)
    return part(request, "alike", back="look-alikes", matches=matches)


@router.post("/g/{gallery}/verdict", dependencies=[Depends(may_write)])
async def judged(request: Request) -> HTMLResponse:
    """A person's word: `said` is "right", "none", or "other" with the name of a thing."""
    form = await read_form(request)
    picture = tray_of(request).take(form.text("asked"))
    desk = desk_of(request)
    told, made = await _recorded(desk, picture, form)
    steps = await desk.look(lambda gallery: gallery.steps_that_made(**made))
    return part(
        request,
        "noted",
        back="recognise",
        told=told,
        steps=steps,
        asked=form.text("asked"),
        keep=form.text("thing") if form.text("said") != "none" and "photos" not in made else "",
    )


async def _recorded(desk: Desk, picture: Picture, form: Form) -> tuple[str, dict[str, list[int]]]:
    """What was noted, and the numbers of the verdict and the photo that it made."""
    said, named = form.text("said"), form.text("thing")
    if said == "right":
        judged = await desk.changes.confirm(picture, named)
        return f"Noted: this is {named}.", {"verdicts": [judged.verdict]}
    if said == "none":
        judged = await desk.changes.deny(picture)
        return "Noted: this is none of the things here.", {"verdicts": [judged.verdict]}
    given = (await desk.questions.identify(picture)).thing
    try:
        thing = (await desk.look(lambda gallery: gallery.thing(named))).name
    except NotInGallery:
        verdict, photo = await desk.changes.introduce(picture, thing_name(named))
        told = f"Noted: this is {named}, which is new here. Its first photo is kept."
        return told, {"verdicts": [verdict], "photos": [photo]}
    if thing == given:
        judged = await desk.changes.confirm(picture)
    else:
        judged = await desk.changes.deny(picture, thing)
    return f"Noted: this is {thing}.", {"verdicts": [judged.verdict]}


@router.post("/g/{gallery}/teach", dependencies=[Depends(may_write)])
async def taught(request: Request) -> HTMLResponse:
    """Keep a picture that was asked about as a photo of a thing."""
    form = await read_form(request)
    desk, thing = desk_of(request), form.text("thing")
    if not thing:
        raise FirstsightError("it needs a name; type one")
    picture = tray_of(request).take(form.text("asked"))
    (result,) = await desk.changes.enroll(thing, [picture])
    photo_kept(result)
    steps = await steps_of(desk, [result])
    n_things, _ = await counts_of(desk)
    return part(
        request,
        "taught",
        back="draw",
        thing=thing,
        steps=steps,
        n_things=n_things,
        draws=form.text("draws"),
    )
