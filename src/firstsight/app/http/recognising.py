"""`/v1/identify`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse

from firstsight.app.http.desk import Desk
from firstsight.app.http.security.access import Caller, may_read
from firstsight.app.http.uploads import read_upload

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["recognising"])


@router.post("/identify")
async def identify(request: Request, caller: Annotated[Caller, Depends(may_read)]) -> JSONResponse:
    upload = await read_upload(request, request.app.state.settings)
    desk: Desk = request.app.state.desks.first
    answers = await desk.identify_many([picture for _, picture in upload.pictures])
    return JSONResponse({"answers": [each.to_json() for each in answers]})
