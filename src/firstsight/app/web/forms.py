"""What a page's forms send: pictures, and short texts."""

from __future__ import annotations

from typing import cast

from fastapi import Request

from firstsight.app.http.refusing import Refusal
from firstsight.app.http.sight import Picture
from firstsight.app.http.uploads import Upload, read_upload
from firstsight.app.web.tray import Tray

__all__ = ["Form", "read_form", "tray_of"]


class Form:
    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def text(self, name: str) -> str:
        """A field, trimmed; "" where it is missing."""
        return str(self._upload.one(name) or "").strip()

    def texts(self, name: str) -> list[str]:
        return [str(each) for each in self._upload.fields.get(name, [])]

    def number(self, name: str, least: int, most: int, usual: int) -> int:
        """A whole number brought into its range; `usual` where it is none."""
        text = self.text(name)
        if not text.isdecimal():
            return usual
        # Python itself reads no number of thousands of digits.
        return min(max(int(text), least), most) if len(text) < 20 else most

    def numbers(self, name: str) -> list[int]:
        """Whole numbers with commas between them; what is none is passed over."""
        parts = (each.strip() for each in self.text(name).split(","))
        return [int(each) for each in parts if each.isdecimal() and len(each) < 16]

    @property
    def pictures(self) -> list[Picture]:
        return [picture for _, picture in self._upload.pictures]

    @property
    def left_out(self) -> list[tuple[str, str]]:
        """Pictures that are too large, and the sentence that says so."""
        return [(each.picture, each.message) for each in self._upload.left_out]

    def exactly(self, n: int) -> list[Picture]:
        """Refusal (400) where another number of pictures came."""
        for _, message in self.left_out:
            raise Refusal(413, "too_large", message)
        pictures = [each for each in self.pictures if each.data]
        if len(pictures) != n:
            wanted = "a picture" if n == 1 else f"{n} pictures"
            raise Refusal(400, "bad_request", f"choose {wanted} first")
        return pictures


async def read_form(request: Request) -> Form:
    return Form(await read_upload(request, request.app.state.settings))


def tray_of(request: Request) -> Tray:
    return cast(Tray, request.app.state.tray)
