"""The model of a gallery: what it is, what it is worth, and what each strictness costs."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Depends, Request
from starlette.responses import HTMLResponse

from firstsight.app.http.desk import Desk
from firstsight.app.http.security.access import may_read
from firstsight.app.web.card import card_html
from firstsight.app.web.rendering import PageRoute, counts_of, desk_of, page, part
from firstsight.deciding.calibrated import Calibrated

__all__ = ["router"]

SHARES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])


@dataclass(frozen=True)
class Cost:
    """What one strictness costs. share: of strangers' pictures that may get a name.

    expected: of them that will; None where nobody knows. misses: share of pictures of enrolled
    things that do not get their name, likewise.
    """

    share: float
    threshold: float
    expected: float | None
    misses: float | None


@router.get("/g/{gallery}/model")
async def model(request: Request) -> HTMLResponse:
    desk = desk_of(request)
    info, counts = desk.model, await counts_of(desk)
    calibrated = None if info.calibration is None else Calibrated.from_json(info.calibration)
    return page(
        request,
        "model",
        "Model",
        gallery=desk.name,
        model=info,
        counts=counts,
        calibrated=calibrated,
        card=card_html(info),
    )


@router.get("/g/{gallery}/rates")
async def rates(request: Request) -> HTMLResponse:
    """Asked for by the page once it is there: a large gallery takes its time."""
    desk = desk_of(request)
    costs = await _costs(desk)
    chosen = request.app.state.settings.false_accepts
    nearest = min(costs, key=lambda cost: abs(cost.share - chosen)).share if costs else None
    return part(request, "rates", back="model", costs=costs, chosen=nearest)


async def _costs(desk: Desk) -> list[Cost]:
    """For each share; empty where nothing is enrolled, or no threshold is known."""
    if not (await counts_of(desk))[1]:
        return []
    return [
        Cost(
            estimate.target,
            estimate.threshold,
            estimate.false_accepts.rate if estimate.false_accepts else None,
            estimate.misses.rate if estimate.misses else None,
        )
        for estimate in await desk.questions.estimates(SHARES)
        if estimate.threshold is not None
    ]
