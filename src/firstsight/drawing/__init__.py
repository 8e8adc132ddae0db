"""Pictures for people: contact sheets that show what was recognised as what."""

from __future__ import annotations

from firstsight.drawing.sheet import (
    GridCell,
    GridRow,
    SheetQuery,
    SheetRow,
    SheetStyle,
    identification_sheet,
    picture_grid,
    save_sheet,
)

__all__ = [
    "GridCell",
    "GridRow",
    "SheetQuery",
    "SheetRow",
    "SheetStyle",
    "identification_sheet",
    "picture_grid",
    "save_sheet",
]
