"""Is the server alive, and is it ready to answer?"""

from __future__ import annotations

from fastapi import APIRouter, Request

from firstsight.app.http.replying import Reply
from firstsight.app.http.shapes import Health

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["health"])


@router.get("/health", response_model=Health, responses={503: {"model": Health}})
async def health(request: Request) -> Reply:
    """`live` always; `ready` once every gallery is open, until the server is told to stop."""
    is_ready = bool(request.app.state.is_ready)
    return Reply({"live": True, "ready": is_ready}, 200 if is_ready else 503)
