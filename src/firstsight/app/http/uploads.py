"""Pictures and fields out of a request's body, under limits that hold while it streams in.

multipart/form-data: every part with a file name is a picture, the others are fields.
application/json: {"pictures": [{"name": "mug.jpg", "data": "<base64>"}, ...], "thing": "mug"}.

A picture that is too large, or no base64, is left out and named in `left_out`; the others count.
A body that is too large as a whole, or holds too many pictures, is refused as soon as that shows.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from firstsight.app.http.refusing import Refusal
from firstsight.app.http.settings import MEBI, Settings
from firstsight.app.http.sight import Picture

__all__ = ["LeftOut", "Upload", "read_upload"]

MOST_FIELD_BYTES = 64 * 1024
MOST_FIELDS = 64
MOST_HEADER_BYTES = 8 * 1024


@dataclass(frozen=True)
class LeftOut:
    """A picture that was not looked at. position: among all that came, from 0."""

    position: int
    picture: str
    code: str
    message: str

    def to_json(self) -> dict[str, Any]:
        return {
            "position": self.position,
            "picture": self.picture,
            "error": {"code": self.code, "message": self.message},
        }


@dataclass
class Upload:
    """pictures: (position among all that came, picture). fields: every value of each, in order;
    of a JSON body every key but `pictures`, as it is."""

    pictures: list[tuple[int, Picture]] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    fields: dict[str, list[Any]] = field(default_factory=dict)
    n_bytes: int = 0

    @property
    def n_pictures(self) -> int:
        return len(self.pictures) + len(self.left_out)

    def one(self, name: str) -> Any:
        """The only value of a field, None where there is none; Refusal where there are several."""
        values = self.fields.get(name, [])
        if len(values) > 1:
            raise Refusal(400, "bad_request", f"the field {name!r} came {len(values)} times")
        return values[0] if values else None


async def read_upload(request: Request, settings: Settings) -> Upload:
    """Raises Refusal: 413 too much, 415 an unknown type, 400 not well formed.

    The body as a whole is watched by the gate (body.py).
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    try:
        if kind == b"multipart/form-data":
            return await _read_form(request, options.get(b"boundary", b""), settings)
        if kind == b"application/json":
            return await _read_json(request, settings)
    except ClientDisconnect:
        raise Refusal(400, "cut_short", "the body was cut short; send it again") from None
    raise Refusal(
        415,
        "unknown_content_type",
        "the body has no type that is read here; send multipart/form-data or application/json",
    )


async def _read_json(request: Request, settings: Settings) -> Upload:
    body = b"".join([chunk async for chunk in request.stream()])
    try:
        record = json.loads(body)
    except (ValueError, RecursionError) as flaw:
        raise Refusal(400, "bad_request", f"the body is no JSON ({str(flaw)[:100]})") from None
    if not isinstance(record, dict):
        raise Refusal(400, "bad_request", "the body is no JSON object")
    listed = record.pop("pictures", [])
    if not isinstance(listed, list):
        raise Refusal(400, "bad_request", "'pictures' is no list")
    if len(listed) > settings.max_pictures:
        raise _too_many(settings)
    upload = Upload(fields={key: [value] for key, value in record.items()}, n_bytes=len(body))
    for position, each in enumerate(listed):
        _take(upload, position, each, settings)
    return upload


def _take(upload: Upload, position: int, each: object, settings: Settings) -> None:
    """One picture of a JSON body."""
    if not isinstance(each, dict) or not isinstance(each.get("data"), str):
        raise Refusal(
            400,
            "bad_request",
            f"picture {position} is not of the form {{'name': ..., 'data': ...}}",
        )
    name = proper_picture_name(each.get("name"), position)
    try:
        data = base64.b64decode(each["data"], validate=True)
    except (binascii.Error, ValueError):
        upload.left_out.append(LeftOut(position, name, "bad_base64", f"{name} is no base64"))
        return
    if len(data) > settings.max_picture_bytes:
        upload.left_out.append(_large(position, name, settings))
        return
    upload.pictures.append((position, Picture(name, data)))


async def _read_form(request: Request, boundary: bytes, settings: Settings) -> Upload:
    if not boundary:
        raise Refusal(400, "bad_request", "the form's content type names no boundary")
    form = _Form(settings)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        async for chunk in request.stream():
            form.upload.n_bytes += len(chunk)
            parser.write(chunk)
        parser.finalize()
    except FormParserError as flaw:
        raise Refusal(400, "bad_request", f"the form is not well formed ({flaw})") from None
    if not form.is_whole:
        raise Refusal(400, "bad_request", "the form ends in the middle; send it again")
    return form.upload


class _Form:
    """What the parser calls as a form streams by; keeps no more of it than the limits allow."""

    def __init__(self, settings: Settings) -> None:
        self.upload = Upload()
        self.is_whole = False
        self._settings = settings
        self._header, self._value = bytearray(), bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._name, self._file_name = "", ""
        self._is_picture = self._is_large = False
        self._data = bytearray()

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header,
            "on_header_value": self._on_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._headers = {}
        self._data = bytearray()
        self._is_large = False

    def _on_header(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]
        self._require_short_headers()

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._require_short_headers()

    def _require_short_headers(self) -> None:
        if len(self._header) + len(self._value) > MOST_HEADER_BYTES or len(self._headers) > 16:
            raise Refusal(413, "too_large", "the headers of a part of the form are too long")

    def _end_header(self) -> None:
        self._headers[bytes(self._header).lower()] = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_picture = b"filename" in options
        if self._is_picture:
            given = options[b"filename"].decode("utf-8", "replace")
            if self.upload.n_pictures >= self._settings.max_pictures:
                raise _too_many(self._settings)
            self._file_name = proper_picture_name(given, self.upload.n_pictures)
        elif sum(map(len, self.upload.fields.values())) >= MOST_FIELDS:
            raise Refusal(413, "too_many_fields", f"a form may have {MOST_FIELDS} fields at most")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_large:
            return
        self._data += data[start:end]
        if self._is_picture:
            if len(self._data) > self._settings.max_picture_bytes:
                self._is_large = True
                self._data = bytearray()  # the rest of it is let pass by
        elif len(self._data) > MOST_FIELD_BYTES:
            raise Refusal(413, "too_large", f"the field {self._name[:40]!r} is too long")

    def _end_part(self) -> None:
        position = self.upload.n_pictures
        if not self._is_picture:
            text = self._data.decode("utf-8", "replace")
            self.upload.fields.setdefault(self._name, []).append(text)
        elif self._is_large:
            self.upload.left_out.append(_large(position, self._file_name, self._settings))
        elif self._file_name or self._data:
            picture = Picture(self._file_name, bytes(self._data))
            self.upload.pictures.append((position, picture))

    def _end(self) -> None:
        self.is_whole = True


def proper_picture_name(given: object, position: int) -> str:
    """What errors and records call a picture: the last part of what its sender calls it.

    Nothing is ever opened by this name.
    """
    text = given if isinstance(given, str) else ""
    name = text.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(each for each in name if each.isprintable()).strip()[:200]
    return name or f"picture {position + 1}"


def _large(position: int, name: str, settings: Settings) -> LeftOut:
    most = settings.max_picture_bytes / MEBI
    return LeftOut(
        position,
        name,
        "too_large",
        f"{name} is larger than {most:.3g} MiB, the most that is read; make it smaller",
    )


def _too_many(settings: Settings) -> Refusal:
    return Refusal(
        413,
        "too_many_pictures",
        f"more than {settings.max_pictures} pictures came at once; send fewer",
        headers={"Connection": "close"},
    )
