"""What the routes of the API share: the desk that is meant, the pictures and fields that came."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Header, Request
from pydantic import BaseModel

from firstsight.app.http.desk import Desk
from firstsight.app.http.refusing import Refusal
from firstsight.app.http.replying import Reply
from firstsight.app.http.security.access import Caller, may_read, may_write
from firstsight.app.http.sight import Picture
from firstsight.app.http.uploads import LeftOut, Upload, read_upload
from firstsight.errors import NotInGallery
from firstsight.gallery.gallery import Gallery
from firstsight.gallery.records import Receipt
from firstsight.images.reading import Crop
from firstsight.recognition.answers import Enrollment, Unreadable

__all__ = [
    "MOST_A_PAGE",
    "PICTURES_BODY",
    "Reader",
    "TheChange",
    "TheDesk",
    "Writer",
    "content_of",
    "crop_of",
    "desk_meant",
    "flag_of",
    "name_of",
    "number_of",
    "one_picture",
    "rejected",
    "require_some",
    "share_of",
    "text_of",
    "uploaded",
]

MOST_A_PAGE = 500

Reader = Annotated[Caller, Depends(may_read)]
Writer = Annotated[Caller, Depends(may_write)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="The same write sent again under its key is not done again.",
    ),
]


async def desk_meant(request: Request, gallery: str | None = None) -> Desk:
    """Of the gallery in the path or the query; the first where neither names one."""
    desks = request.app.state.desks
    desk: Desk = desks.first if gallery is None else await desks.meant(gallery)
    return desk


TheDesk = Annotated[Desk, Depends(desk_meant)]


async def uploaded(request: Request) -> Upload:
    """What came to a route described by `PICTURES_BODY`; Refusal for a field that it does not
    name, for a mistyped one would be lost in silence."""
    upload = await read_upload(request, request.app.state.settings)
    request.scope["n_pictures"] = upload.n_pictures
    described = request.scope["route"].openapi_extra["requestBody"]["content"]
    known = described["application/json"]["schema"]["properties"].keys() - {"pictures"}
    strange = sorted(upload.fields.keys() - known)
    if strange:
        named = ", ".join(sorted(known)) or "none but the pictures"
        raise Refusal(400, "bad_request", f"there is no field {strange[0]!r} here; known: {named}")
    return upload


def one_picture(upload: Upload) -> Picture:
    """Refusal unless exactly one came, and could be taken."""
    if upload.n_pictures != 1:
        raise Refusal(
            400, "bad_request", f"{upload.n_pictures} pictures came, and one is wanted here"
        )
    if upload.left_out:
        left_out = upload.left_out[0]
        raise Refusal(413 if left_out.code == "too_large" else 400, left_out.code, left_out.message)
    return upload.pictures[0][1]


def rejected(upload: Upload, results: Sequence[object]) -> list[dict[str, Any]]:
    """A record for each picture that could not be used, by position.

    results: of `upload.pictures`, in order.
    """
    found = list(upload.left_out)
    for (position, picture), result in zip(upload.pictures, results, strict=True):
        if isinstance(result, Unreadable) or (
            isinstance(result, Enrollment) and result.status == "unreadable"
        ):
            trouble = str(result.trouble)
            found.append(LeftOut(position, picture.name, "unreadable_picture", trouble))
    return [each.to_json() for each in sorted(found, key=lambda each: each.position)]


def require_some(upload: Upload, refused: list[dict[str, Any]]) -> None:
    """Refusal where no picture came, or none could be used."""
    if not upload.n_pictures:
        raise Refusal(400, "bad_request", "no picture came; send at least one")
    if len(refused) == upload.n_pictures:
        first = refused[0]["error"]
        raise Refusal(422, first["code"], first["message"], details=refused)


def crop_of(upload: Upload) -> Crop | None:
    """The field `crop`: "left,top,right,bottom" in a form, a list of four numbers in JSON."""
    given = upload.one("crop")
    if given is None:
        return None
    parts = given.split(",") if isinstance(given, str) else given
    try:
        left, top, right, bottom = (_whole(part) for part in parts)
    except (TypeError, ValueError):
        raise Refusal(
            400, "bad_request", "crop: give left,top,right,bottom in pixels, as 10,20,200,180"
        ) from None
    return left, top, right, bottom


def number_of(upload: Upload, name: str, *, whole: bool = False) -> Any:
    """A number field, None where it did not come; Refusal for anything else."""
    given = upload.one(name)
    if given is None:
        return None
    try:
        return _whole(given) if whole else _finite(given)
    except (TypeError, ValueError):
        kind = "a whole number" if whole else "a number"
        raise Refusal(400, "bad_request", f"{name}: give {kind}") from None


def share_of(upload: Upload, name: str) -> float | None:
    """A share of two digits at most: of each one the gallery keeps its thresholds, so there may
    not be any number of them. None where it did not come."""
    given: float | None = number_of(upload, name)
    if given is not None and not (0.0001 <= given < 1 and float(f"{given:.2g}") == given):
        raise Refusal(
            400,
            "bad_request",
            f"{name} is {given:g}; give a share from 0.0001 to 0.99 with two digits at most, as "
            "0.01 or 0.005",
        )
    return given


def flag_of(upload: Upload, name: str) -> bool:
    """True or false, and nothing that merely looks like it; False where it did not come."""
    given = upload.one(name)
    known = {None: False, True: True, False: False, "true": True, "false": False}
    if not isinstance(given, str | bool | None) or given not in known:
        raise Refusal(400, "bad_request", f"{name}: give true or false")
    return known[given]


def text_of(upload: Upload, name: str) -> str | None:
    given = upload.one(name)
    if given is not None and not isinstance(given, str):
        raise Refusal(400, "bad_request", f"{name}: give a text")
    return given


def name_of(gallery: Gallery, thing_id: int, *, also_gone: bool = False) -> str:
    """The name of a thing by its number; NotInGallery where it is not there.

    also_gone: also of one that was removed or merged away.
    """
    found = gallery.names([thing_id], also_gone=also_gone).get(thing_id)
    if found is None:
        raise NotInGallery(
            f"the gallery holds no thing with the number {thing_id}; list its things for them"
        )
    return found


@dataclass(frozen=True)
class Change:
    """A change that somebody who may write asks for; done once, however often it is sent with one
    idempotency key."""

    desk: Desk
    request: Request
    key: str | None

    async def make(
        self, act: Callable[[Gallery], dict[str, Any]], asked: BaseModel | None = None
    ) -> Reply:
        """The answer that `act` gives, now or when the request came before. asked: its body."""
        receipt = self.receipt(None if asked is None else asked.model_dump())
        return Reply(await self.desk.changes.make(act, receipt=receipt))

    def receipt(self, content: object) -> Receipt | None:
        """What the gallery keeps of a write that came with a key; None where it came without.

        content: of the request, as JSON; pictures by their digest, so that another boundary
        between the parts of a form makes no other request. Two callers may use the same key.
        """
        if self.key is None:
            return None
        caller: Caller = self.request.scope["caller"]
        named = json.dumps([caller.name, self.key])
        told = json.dumps([self.request.method, self.request.url.path, content], sort_keys=True)
        return Receipt(_digest(named.encode()), _digest(told.encode()))


async def _change(
    request: Request, caller: Writer, desk: TheDesk, idempotency_key: IdempotencyKey = None
) -> Change:
    return Change(desk, request, idempotency_key)


TheChange = Annotated[Change, Depends(_change)]


def content_of(upload: Upload) -> object:
    digests = [[picture.name, _digest(picture.data)] for _, picture in upload.pictures]
    return [upload.fields, digests, [each.position for each in upload.left_out]]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _whole(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int | str) or len(str(given)) > 10:
        raise ValueError
    return int(given)


def _finite(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        raise ValueError
    number = float(given)
    if not abs(number) < 1e9:
        raise ValueError
    return number


def _pictures_schema(kind: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": kind, "minItems": 1}


def _body(**fields: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of a route that reads its body itself."""
    base64 = {
        "type": "object",
        "properties": {"name": {"type": "string"}, "data": {"type": "string", "format": "byte"}},
        "required": ["data"],
    }
    file = {"type": "string", "format": "binary"}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "properties": {"picture": _pictures_schema(file), **fields},
                        "required": ["picture"],
                    }
                },
                "application/json": {
                    "schema": {
                        "type": "object",
                        "properties": {"pictures": _pictures_schema(base64), **fields},
                        "required": ["pictures"],
                    }
                },
            },
        }
    }


PICTURES_BODY = _body
