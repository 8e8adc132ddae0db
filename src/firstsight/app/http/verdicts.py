"""A person's word on answers: given with the picture again, listed, withdrawn."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from firstsight.app.http import shapes
from firstsight.app.http.asking import (
    PICTURES_BODY,
    Reader,
    TheChange,
    TheDesk,
    content_of,
    crop_of,
    one_picture,
    text_of,
    uploaded,
)
from firstsight.app.http.recognising import CROP, TEXT
from firstsight.app.http.refusing import Refusal
from firstsight.app.http.replying import Reply
from firstsight.gallery.gallery import Gallery

__all__ = ["router"]

router = APIRouter(prefix="/v1/galleries/{gallery}/verdicts", tags=["verdicts"])

_VERDICT = {"type": "string", "enum": ["right", "wrong"]}


@router.post(
    "",
    status_code=201,
    openapi_extra=PICTURES_BODY(verdict=_VERDICT, truth=TEXT, crop=CROP),
    response_model=shapes.Judged,
)
async def judge(change: TheChange) -> Reply:
    """Say that the name given to a picture is right, or wrong: then `truth`, or a stranger.

    The picture is answered anew by the server's settings. Where the name was given by others
    (`closed_set`, `false_accepts`), say it as `truth` also where it is right.
    Thresholds follow at once.
    """
    upload = await uploaded(change.request)
    verdict, truth = text_of(upload, "verdict"), text_of(upload, "truth")
    picture, crop = one_picture(upload), crop_of(upload)
    receipt = change.receipt(content_of(upload))
    if verdict == "right":
        judged = await change.desk.changes.confirm(picture, truth, crop=crop, receipt=receipt)
    elif verdict == "wrong":
        judged = await change.desk.changes.deny(picture, truth, crop=crop, receipt=receipt)
    else:
        raise Refusal(400, "bad_request", "verdict: give right, or wrong")
    return Reply(vars(judged), 201)


@router.get("", response_model=shapes.Verdicts)
async def list_verdicts(caller: Reader, desk: TheDesk) -> Reply:
    """In the order they were given."""
    listed = [
        {
            "verdict": each.id,
            "kind": each.kind,
            "named": each.named,
            "truth": each.truth,
            "distance": each.distance,
            "when": each.when,
            "picture": each.details.get("picture"),
        }
        for each in await desk.look(lambda gallery: gallery.verdicts())
    ]
    return Reply({"verdicts": listed})


@router.delete("/{verdict}", response_model=shapes.Withdrawn)
async def withdraw(change: TheChange, verdict: Annotated[int, Path(ge=1, le=2**53)]) -> Reply:
    """Take a verdict back."""

    def act(gallery: Gallery) -> dict[str, int]:
        gallery.withdraw(verdict)
        return {"withdrawn": verdict}

    return await change.make(act)
