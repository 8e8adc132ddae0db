"""Galleries as a whole: which are served, how they stand, what ails them, what can be undone."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from firstsight.app.http import shapes
from firstsight.app.http.asking import (
    Reader,
    TheChange,
    TheDesk,
    Writer,
)
from firstsight.app.http.questions import Overview
from firstsight.app.http.replying import Reply
from firstsight.gallery.gallery import Gallery

__all__ = ["router"]

router = APIRouter(prefix="/v1/galleries", tags=["galleries"])


class Making(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    model: str | None = Field(
        None, description="One that ships; otherwise that of the gallery's name, or photos."
    )
    keeps_pictures: bool | None = Field(
        None, description="Small copies of what is enrolled, to look at; kept unless false."
    )


class Undoing(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    steps: int = Field(1, ge=1, le=100, description="How many of the last steps.")


@router.get("", response_model=shapes.Galleries)
async def list_galleries(request: Request, caller: Reader) -> Reply:
    """Those that this server has, the one that answers by default first."""
    desks = request.app.state.desks
    found = [await desk.questions.overview() for desk in desks.values()]
    return Reply({"galleries": [_told(each) for each in found]})


@router.get("/{gallery}", response_model=shapes.Gallery)
async def show_gallery(caller: Reader, desk: TheDesk) -> Reply:
    """What it holds, its model, and the thresholds in force."""
    return Reply(_told(await desk.questions.overview()))


@router.put(
    "/{gallery}",
    status_code=201,
    response_model=shapes.Gallery,
    responses={200: {"model": shapes.Gallery, "description": "It is there already."}},
)
async def make_gallery(request: Request, caller: Writer, gallery: str, asked: Making) -> Reply:
    """Make an empty gallery, where the server was started with --all-galleries.

    Sent again it does nothing.
    """
    desk, is_new = await asyncio.to_thread(
        request.app.state.desks.make,
        gallery,
        model=asked.model,
        keeps_pictures=asked.keeps_pictures,
    )
    return Reply(_told(await desk.questions.overview()), 201 if is_new else 200)


@router.get("/{gallery}/doctor", response_model=shapes.Report)
async def examine(caller: Reader, desk: TheDesk) -> Reply:
    """What is likely to go wrong: look-alikes, mislabelled photos, copies, too few photos."""
    return Reply((await desk.questions.examine()).to_json())


@router.get("/{gallery}/steps", response_model=shapes.Steps)
async def list_steps(
    caller: Reader, desk: TheDesk, limit: Annotated[int, Query(ge=1, le=1000)] = 20
) -> Reply:
    """The last changes that can be undone, the newest first."""
    steps = await desk.look(lambda gallery: gallery.steps(limit))
    return Reply({"steps": [asdict(step) for step in steps]})


@router.post("/{gallery}/undo", response_model=shapes.Undone)
async def undo(change: TheChange, asked: Undoing) -> Reply:
    """Take back the last changes."""

    def act(gallery: Gallery) -> dict[str, Any]:
        return {"undone": [asdict(step) for step in gallery.undo(asked.steps)]}

    return await change.make(act, asked)


def _told(overview: Overview) -> dict[str, Any]:
    info = asdict(overview.info)
    del info["model"]["place"]  # where it lies on this machine is nobody's business
    return {
        **info,
        "things": overview.n_things,
        "photos": overview.n_photos,
        "estimate": overview.estimate.to_json() if overview.estimate else None,
    }
