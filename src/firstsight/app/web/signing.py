"""Signing in with a key, where the server can be reached from other machines."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from firstsight.app.http.security.access import caller_of
from firstsight.app.web.forms import read_form
from firstsight.app.web.rendering import PageRoute, go_on, page

__all__ = ["router"]

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.get("/login")
async def login(request: Request) -> Response:
    if caller_of(request).rights is not None:
        return Response(status_code=303, headers={"Location": "/"})
    return page(request, "login", "Sign in", gallery=None, trouble="")


@router.post("/login")
async def signed_in(request: Request) -> Response:
    key = (await read_form(request)).text("key")
    response = Response(status_code=303, headers={"Location": "/"})
    if request.app.state.sessions.sign_in(request, response, key) is not None:
        return response
    told = "This key is not known here, or was revoked. firstsight keys add NAME makes a new one."
    refused = page(request, "login", "Sign in", gallery=None, trouble=told)
    refused.status_code = 401
    return refused


@router.post("/logout")
async def signed_out(request: Request) -> Response:
    response = go_on(request, "/login")
    request.app.state.sessions.sign_out(request, response)
    return response
