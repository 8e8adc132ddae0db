"""The log: whole lines, in order, none lost."""

from __future__ import annotations

import io
import json
import logging
import threading
import time

from firstsight.app.http.journal import _Lines


def _record(number: int, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("firstsight.http", level, "", 0, f"message {number}", None, None)
    vars(made).update(extra)
    return made


def _events(stream: io.StringIO) -> list[str]:
    return [json.loads(line)["event"] for line in stream.getvalue().splitlines()]


def test_requests_wait_for_company_and_everything_else_is_written_with_them_at_once() -> None:
    stream = io.StringIO()
    lines = _Lines(stream)
    lines.handle(_record(1, entry={"event": "request"}))
    lines.handle(_record(2))
    assert _events(stream) == ["request", "message 2"]
    lines.handle(_record(3, logging.ERROR, entry={"event": "failed request"}))
    assert _events(stream)[2:] == ["failed request"]
    lines.handle(_record(4, entry={"event": "late request"}))
    end = time.monotonic() + 30
    while len(_events(stream)) < 4 and time.monotonic() < end:
        time.sleep(0.01)
    assert _events(stream)[3:] == ["late request"]


def test_lines_of_many_threads_are_each_written_once() -> None:
    stream = io.StringIO()
    lines = _Lines(stream)

    def write(first: int) -> None:
        for number in range(first, first + 500):
            lines.handle(_record(number, entry={"event": str(number)}))
            if number % 50 == 0:
                lines.flush()

    writers = [threading.Thread(target=write, args=(500 * n,)) for n in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    lines.flush()
    assert sorted(map(int, _events(stream))) == list(range(2000))
