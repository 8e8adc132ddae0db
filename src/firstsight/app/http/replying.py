"""JSON as it leaves the server."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json
from starlette.responses import JSONResponse

__all__ = ["Reply"]


class Reply(JSONResponse):
    """Written by pydantic, in a fifth of the time that Python's own encoder takes; a number that
    is not finite, which JSON has no word for, becomes null."""

    def render(self, content: Any) -> bytes:
        return to_json(content, inf_nan_mode="null")
