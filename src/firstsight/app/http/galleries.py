"""Galleries as a whole: which are served, how they stand, what ails them, what can be undone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from firstsight.app.http.asking import (
    IdempotencyKey,
    Reader,
    TheDesk,
    Writer,
    receipt_for,
)
from firstsight.app.http.desk import Overview

__all__ = ["router"]

router = APIRouter(prefix="/v1/galleries", tags=["galleries"])


class Undoing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    steps: int = Field(1, ge=1, le=100, description="How many of the last steps.")


@router.get("")
async def list_galleries(request: Request, caller: Reader) -> JSONResponse:
    """Those that this server has, the one that answers by default first."""
    desks = request.app.state.desks
    return JSONResponse({"galleries": [_told(await desk.overview()) for desk in desks.values()]})


@router.get("/{gallery}")
async def show_gallery(caller: Reader, desk: TheDesk) -> JSONResponse:
    """What it holds, its model, and the thresholds in force."""
    return JSONResponse(_told(await desk.overview()))


@router.get("/{gallery}/doctor")
async def examine(caller: Reader, desk: TheDesk) -> JSONResponse:
    """What is likely to go wrong: look-alikes, mislabelled photos, copies, too few photos."""
    return JSONResponse((await desk.examine()).to_json())


@router.get("/{gallery}/steps")
async def list_steps(
    caller: Reader, desk: TheDesk, limit: Annotated[int, Query(ge=1, le=1000)] = 20
) -> JSONResponse:
    """The last changes that can be undone, the newest first."""
    return JSONResponse({"steps": [asdict(step) for step in await desk.steps(limit)]})


@router.post("/{gallery}/undo")
async def undo(
    request: Request,
    caller: Writer,
    desk: TheDesk,
    asked: Undoing,
    idempotency_key: IdempotencyKey = None,
) -> JSONResponse:
    """Take back the last changes."""
    receipt = receipt_for(request, idempotency_key, asked.model_dump())
    undone = await desk.change(
        lambda gallery: [asdict(step) for step in gallery.undo(asked.steps)], receipt=receipt
    )
    return JSONResponse({"undone": undone})


def _told(overview: Overview) -> dict[str, Any]:
    info = asdict(overview.info)
    del info["model"]["place"]  # where it lies on this machine is nobody's business
    return {
        **info,
        "things": overview.n_things,
        "photos": overview.n_photos,
        "estimate": overview.estimate.to_json() if overview.estimate else None,
    }
