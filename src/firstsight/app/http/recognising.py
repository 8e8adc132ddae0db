"""Questions about pictures: `/v1/identify`, `/v1/search`, `/v1/verify`, `/v1/embed`, and why.

Each is there for the first gallery (`/v1/identify`) and for every one by its name
(`/v1/galleries/mugs/identify`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.responses import Response

from firstsight.app.http import shapes
from firstsight.app.http.asking import (
    PICTURES_BODY,
    Reader,
    TheDesk,
    crop_of,
    desk_meant,
    flag_of,
    number_of,
    one_picture,
    rejected,
    require_some,
    share_of,
    text_of,
    uploaded,
)
from firstsight.app.http.refusing import Refusal
from firstsight.app.http.replying import Reply
from firstsight.app.http.security.access import may_read
from firstsight.recognition.answers import Unreadable

__all__ = ["router"]

Route = TypeVar("Route", bound=Callable[..., Any])


class _AskingRoute(APIRoute):
    """A route whose function takes what all of this module's take: a request, who asks, a desk.

    They are described as any dependencies are, and found here: FastAPI finds them dearly.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        async def answer(request: Request) -> Response:
            caller = await may_read(request)
            named = {**request.query_params, **request.path_params}
            reply: Response = await self.endpoint(
                request, caller, await desk_meant(request, named.get("gallery"))
            )
            return reply

        return answer


router = APIRouter(prefix="/v1", tags=["recognising"], route_class=_AskingRoute)

NUMBER, WHOLE, TEXT = {"type": "number"}, {"type": "integer"}, {"type": "string"}
FLAG = {"type": "boolean"}
SHARE = {
    "type": "number",
    "minimum": 0.0001,
    "exclusiveMaximum": 1,
    "description": "Of strangers' pictures that may get a name, with two digits at most: 0.005.",
}
CROP = {"type": "string", "description": "left,top,right,bottom in upright pixels"}
MOST_ALIKE = 100


def _both(path: str, shape: type[BaseModel], **fields: dict[str, Any]) -> Callable[[Route], Route]:
    """A route for the first gallery, and for each by its name. shape: of its answer."""

    def decorate(answer: Route) -> Route:
        for each in (path, f"/galleries/{{gallery}}{path}"):
            described = PICTURES_BODY(**fields)
            router.post(each, openapi_extra=described, response_model=shape)(answer)
        return answer

    return decorate


@_both("/identify", shapes.Identified, crop=CROP, false_accepts=SHARE, closed_set=FLAG)
async def identify(request: Request, caller: Reader, desk: TheDesk) -> Reply:
    """Which enrolled thing does each picture show, or none of them? With closed_set each shows
    one: the likeliest is named.
    """
    upload = await uploaded(request)
    share, closed_set = share_of(upload, "false_accepts"), flag_of(upload, "closed_set")
    if closed_set and share is not None:
        raise Refusal(
            400, "bad_request", "closed_set goes by no threshold; leave false_accepts out"
        )
    results = await desk.questions.identify_many(
        [picture for _, picture in upload.pictures],
        crop=crop_of(upload),
        false_accepts=share,
        closed_set=closed_set,
    )
    refused = rejected(upload, results)
    require_some(upload, refused)
    answers = [each.to_json() for each in results if not isinstance(each, Unreadable)]
    return Reply({"answers": answers, "rejected": refused})


@_both("/search", shapes.Alike, k=WHOLE, one_per_thing=FLAG, crop=CROP)
async def search(request: Request, caller: Reader, desk: TheDesk) -> Reply:
    """The k most similar photos, nearest first."""
    upload = await uploaded(request)
    k = number_of(upload, "k", whole=True)
    k = 5 if k is None else k
    if not 1 <= k <= MOST_ALIKE:
        raise Refusal(400, "bad_request", f"k is {k}; give 1 to {MOST_ALIKE}")
    matches = await desk.questions.search(
        one_picture(upload),
        k,
        one_per_thing=flag_of(upload, "one_per_thing"),
        crop=crop_of(upload),
    )
    return Reply({"matches": [each.to_json() for each in matches]})


@_both("/verify", shapes.Compared, false_matches=NUMBER)
async def verify(request: Request, caller: Reader, desk: TheDesk) -> Reply:
    """Do two pictures show the same thing, by the gallery's model?"""
    upload = await uploaded(request)
    if upload.n_pictures != 2:
        raise Refusal(
            400, "bad_request", f"{upload.n_pictures} pictures came, and two are compared"
        )
    if upload.left_out:
        left_out = upload.left_out[0]
        raise Refusal(413 if left_out.code == "too_large" else 400, left_out.code, left_out.message)
    (_, a), (_, b) = upload.pictures
    compared = await desk.questions.verify(a, b, false_matches=number_of(upload, "false_matches"))
    return Reply(compared.to_json())


@_both("/embed", shapes.Embedded)
async def embed(request: Request, caller: Reader, desk: TheDesk) -> Reply:
    """The embedding of each picture by the gallery's model."""
    upload = await uploaded(request)
    results = await desk.questions.embed([picture for _, picture in upload.pictures])
    refused = rejected(upload, results)
    require_some(upload, refused)
    embeddings = [
        {"picture": picture.name, "embedding": each.tolist()}
        for (_, picture), each in zip(upload.pictures, results, strict=True)
        if not isinstance(each, Unreadable)
    ]
    return Reply({"model": desk.model.fingerprint, "embeddings": embeddings, "rejected": refused})


@_both("/why", shapes.Explained, crop=CROP)
async def why(request: Request, caller: Reader, desk: TheDesk) -> Reply:
    """What made a picture match, in a sentence and on a sheet (PNG, base64)."""
    upload = await uploaded(request)
    told = await desk.questions.why(one_picture(upload), crop=crop_of(upload))
    sheet = base64.b64encode(told.sheet).decode()
    return Reply({"answer": told.answer.to_json(), "why": told.sentence, "sheet": sheet})


@_both("/advice", shapes.Enrolled, thing=TEXT)
async def advice(request: Request, caller: Reader, desk: TheDesk) -> Reply:
    """What is likely to go wrong if these pictures were enrolled; nothing is saved."""
    upload = await uploaded(request)
    thing = text_of(upload, "thing")
    if thing is None:
        raise Refusal(400, "bad_request", "thing: give the name that the pictures are to have")
    results = await desk.questions.advice(thing, [picture for _, picture in upload.pictures])
    refused = rejected(upload, results)
    require_some(upload, refused)
    return Reply({"results": [each.to_json() for each in results], "rejected": refused})
