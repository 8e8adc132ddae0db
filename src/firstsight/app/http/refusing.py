"""One shape for every error that leaves the server.

    {"error": {"code": "unreadable_picture", "message": "desk.jpg is ...", "request_id": "..."}}

`code` is for programs and stable; `message` is for people. `details`, a list, is there where
several things were wrong at once. tests/app/http/test_refusing.py holds the shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from firstsight.app.http.replying import Reply
from firstsight.errors import (
    DataError,
    EpisodeError,
    FirstsightError,
    GalleryBusy,
    GalleryError,
    MissingExtraError,
    ModelFolderError,
    NotInGallery,
    PictureError,
    ShapeError,
    StorageError,
    TrainingError,
    UsageError,
)

__all__ = ["Refusal", "refusal_of"]

Json = dict[str, Any]

# The first class that fits decides: subclasses come before what they descend from.
_MEANINGS: tuple[tuple[type[FirstsightError], int, str], ...] = (
    (PictureError, 422, "unreadable_picture"),
    (NotInGallery, 404, "not_found"),
    (GalleryBusy, 503, "gallery_busy"),
    (GalleryError, 409, "gallery_refused"),
    (UsageError, 400, "bad_request"),
    (ShapeError, 400, "bad_request"),
    (StorageError, 507, "disk_refused"),
    (ModelFolderError, 409, "model_refused"),
    (MissingExtraError, 501, "not_installed"),
    (DataError, 422, "unusable_data"),
    (EpisodeError, 400, "bad_request"),
    (TrainingError, 409, "training_refused"),
    (FirstsightError, 400, "refused"),
)


@dataclass(eq=False)
class Refusal(Exception):
    """Raised anywhere under a route, it becomes the response.

    status: of HTTP. code: a word for programs. message: a sentence for people, with the remedy.
    headers: to send along, as Retry-After. details: one record for each thing that was wrong.
    """

    status: int
    code: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    details: list[Json] | None = None

    def record(self, request_id: str) -> Json:
        error: Json = {"code": self.code, "message": self.message, "request_id": request_id}
        if self.details is not None:
            error["details"] = self.details
        return {"error": error}

    def response(self, request_id: str) -> Reply:
        return Reply(self.record(request_id), self.status, headers=self.headers)


def refusal_of(trouble: FirstsightError) -> Refusal:
    """What the library's own sentence means over HTTP."""
    for kind, status, code in _MEANINGS:
        if isinstance(trouble, kind):
            headers = {"Retry-After": "1"} if status == 503 else {}
            return Refusal(status, code, str(trouble), headers)
    raise AssertionError("FirstsightError is the last of the meanings")
