"""The server's log: one JSON object a line, on standard error."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

from starlette.types import Scope

__all__ = ["start_journal", "write_entry"]

_journal = logging.getLogger("firstsight.http")


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {"when": when, "level": record.levelname.lower()}
        entry.update(getattr(record, "entry", None) or {"event": record.getMessage()})
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def start_journal() -> None:
    """Send this log, and the server's own, to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    for name in ("firstsight.http", "uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler] if name != "uvicorn.error" else [], False
        logger.setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").propagate = True


def write_entry(scope: Scope, *, status: int, took_ms: float) -> None:
    """One request. Neither bodies nor queries are logged: they may hold names."""
    route = scope.get("route")
    entry = {
        "event": "request",
        "request_id": scope["request_id"],
        "method": scope["method"],
        "path": getattr(route, "path", scope["path"][:200]),
        "status": status,
        "took_ms": round(took_ms, 2),
        "caller": scope["caller"].name,
        "pictures": scope["n_pictures"],
    }
    level = logging.ERROR if status >= 500 and status != 503 else logging.INFO
    _journal.log(level, "request", extra={"entry": entry})
