"""The report of an evaluation: one HTML file to read, print and pass on."""

from __future__ import annotations

from firstsight.drawing.report.contents import Finding, Report, Scored, Shown
from firstsight.drawing.report.page import page
from firstsight.drawing.report.telling_apart import Sides

__all__ = ["Finding", "Report", "Scored", "Shown", "Sides", "page"]
