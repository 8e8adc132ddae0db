"""Photos of a gallery: enrolled, shown, moved, removed, forgotten."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from firstsight.app.http import shapes
from firstsight.app.http.asking import (
    PICTURES_BODY,
    Reader,
    TheChange,
    TheDesk,
    content_of,
    flag_of,
    rejected,
    require_some,
    text_of,
    uploaded,
)
from firstsight.app.http.recognising import FLAG, TEXT
from firstsight.app.http.refusing import Refusal
from firstsight.app.http.replying import Reply
from firstsight.errors import NotInGallery
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Photo

__all__ = ["router"]

router = APIRouter(prefix="/v1/galleries/{gallery}/photos", tags=["photos"])

PhotoNumber = Annotated[int, Path(ge=1, le=2**53)]

# What a gallery keeps by itself. An imported one may hold anything: never a type that runs.
_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"RIFF", "image/webp"),
    (b"\xff\xd8\xff", "image/jpeg"),
)
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for _, kind in _KINDS}, "description": "The picture."}
}
_NOTHING_RUNS = "default-src 'none'; sandbox"


class Moving(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    thing: str


@router.post(
    "",
    status_code=201,
    openapi_extra=PICTURES_BODY(thing=TEXT, careful=FLAG, all_or_nothing=FLAG),
    response_model=shapes.Enrolled,
    responses={200: {"model": shapes.Enrolled, "description": "No picture was new."}},
)
async def enroll(change: TheChange) -> Reply:
    """Show pictures of a thing, old or new; a result for each, and each rejected one with why.

    What is acknowledged is on the disk. 201 where at least one is new, 200 where none is: they are
    here already, or left out.
    """
    upload = await uploaded(change.request)
    thing = text_of(upload, "thing")
    if thing is None:
        raise Refusal(400, "bad_request", "thing: give the name of the thing that is shown")
    all_or_nothing = flag_of(upload, "all_or_nothing")
    if all_or_nothing and upload.left_out:
        raise Refusal(
            422,
            upload.left_out[0].code,
            f"nothing was enrolled: {upload.left_out[0].message}",
            details=[each.to_json() for each in upload.left_out],
        )
    results = await change.desk.changes.enroll(
        thing,
        [picture for _, picture in upload.pictures],
        careful=flag_of(upload, "careful"),
        partial=not all_or_nothing,
        receipt=change.receipt(content_of(upload)),
    )
    refused = rejected(upload, results)
    require_some(upload, refused)
    is_new = any(each.status == "new" for each in results)
    told = {"results": [each.to_json() for each in results], "rejected": refused}
    return Reply(told, 201 if is_new else 200)


@router.get("/{photo}", response_model=Photo)
async def show_photo(caller: Reader, desk: TheDesk, photo: PhotoNumber) -> Reply:
    return Reply(asdict(await desk.look(lambda gallery: gallery.photo(photo))))


@router.get("/{photo}/picture", response_class=Response, responses=_PICTURE)
async def show_picture(caller: Reader, desk: TheDesk, photo: PhotoNumber) -> Response:
    """The small picture that was kept of it: PNG, JPEG or WebP."""
    kept = await desk.look(lambda gallery: gallery.picture(photo))
    if kept is None:
        raise NotInGallery(f"no picture was kept of photo {photo}")
    kinds = [kind for head, kind in _KINDS if kept.startswith(head)]
    return Response(
        kept,
        media_type=kinds[0] if kinds else "application/octet-stream",
        headers={
            "Content-Security-Policy": _NOTHING_RUNS,
            "Content-Disposition": "inline" if kinds else "attachment",
            # The picture of a number never changes, but may be forgotten.
            "Cache-Control": "private, max-age=60",
        },
    )


@router.post("/{photo}/move", response_model=Photo)
async def move_photo(change: TheChange, photo: PhotoNumber, asked: Moving) -> Reply:
    """Put it under another thing, old or new."""

    def act(gallery: Gallery) -> dict[str, Any]:
        gallery.move(photo, asked.thing)
        return asdict(gallery.photo(photo))

    return await change.make(act, asked)


@router.delete("/{photo}", response_model=shapes.RemovedPhoto)
async def remove_photo(change: TheChange, photo: PhotoNumber) -> Reply:
    """Take it out; undo brings it back."""

    def act(gallery: Gallery) -> dict[str, Any]:
        gallery.remove_photo(photo)
        return {"removed": photo}

    return await change.make(act)


@router.post("/{photo}/forget", response_model=shapes.Forgotten)
async def forget_photo(change: TheChange, photo: PhotoNumber) -> Reply:
    """Erase it for good; nothing brings it back."""

    def act(gallery: Gallery) -> dict[str, Any]:
        gone = gallery.forget_photo(photo)
        return {"forgotten": {"photos": gone.n_photos, "verdicts": gone.n_verdicts}}

    return await change.make(act)
