"""The server's log: one JSON object a line, on standard error.

Lines of requests are written together, ten times a second: to write each by itself would cost a
tenth of a request, as other threads take over meanwhile. All else is written at once, and with it
what waits; so a killed server loses at most the last tenth of a second.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, TextIO

from starlette.types import Scope

__all__ = ["start_journal", "write_entry"]

EVERY_S = 0.1

_journal = logging.getLogger("firstsight.http")
_encode = json.JSONEncoder(ensure_ascii=False).encode


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry: dict[str, Any] = {"when": when, "level": record.levelname.lower()}
        entry.update(getattr(record, "entry", None) or {"event": record.getMessage()})
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return _encode(entry)


class _Lines(logging.Handler):
    """Keeps the lines of requests until `flush`; a thread of its own sees to that."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._waiting: deque[str] = deque()
        self._writing = threading.Lock()
        self.setFormatter(_JsonLines())
        threading.Thread(target=self._flush_on_and_on, name="journal", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        self._waiting.append(self.format(record) + "\n")
        if record.levelno > logging.INFO or not hasattr(record, "entry"):
            self.flush()

    def flush(self) -> None:
        with self._writing:
            lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if lines:
                self._stream.write("".join(lines))
                self._stream.flush()

    def _flush_on_and_on(self) -> None:
        while True:
            time.sleep(EVERY_S)
            if self._waiting:
                self.flush()


def start_journal() -> None:
    """Send this log, and the server's own, to standard error."""
    handler = _Lines(sys.stderr)
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
