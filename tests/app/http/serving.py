"""A real server in a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx

from tests.drawings import drawing

RUN = """
import json, sys
from pathlib import Path
from firstsight.app.http.running import run
from firstsight.app.http.settings import Settings
given = json.loads(sys.argv[1])
for name in ("galleries", "hosts", "origins"):
    if name in given:
        given[name] = tuple(given[name])
run(Settings(**given))
"""
PATIENCE_S = 120


@dataclass
class Server:
    """journal: what it wrote to its log so far, a record a line."""

    url: str
    home: Path
    process: subprocess.Popen[str]
    journal: list[dict[str, Any]] = field(default_factory=list)
    follower: threading.Thread | None = None

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_S)

    def kill(self) -> None:
        """As a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(home: Path, **settings: Any) -> Iterator[Server]:
    """Ended with SIGTERM at the end of the block, if it did not end before."""
    given = {"galleries": ["characters"], "port": 0} | settings
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, json.dumps(given)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FIRSTSIGHT_HOME": str(home)},
    )
    server = Server("", home, process)
    try:
        server.url = _listening(server)
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(PATIENCE_S)
        if server.follower:
            server.follower.join(PATIENCE_S)
        assert process.stderr is not None
        process.stderr.close()


def _listening(server: Server) -> str:
    stream = server.process.stderr
    assert stream is not None
    told = []
    for line in stream:
        told.append(line)
        record = json.loads(line) if line.startswith("{") else {}
        if "running on" in record.get("event", ""):
            server.follower = threading.Thread(target=_follow, args=(server,), daemon=True)
            server.follower.start()
            return str(record["event"]).split("running on ")[1].split()[0]
    raise AssertionError("the server did not start:\n" + "".join(told))


def _follow(server: Server) -> None:
    assert server.process.stderr is not None
    for line in server.process.stderr:
        if line.startswith("{"):
            server.journal.append(json.loads(line))


def logged(server: Server, request_id: str) -> dict[str, Any]:
    """The entry of a request; it may take a moment to come through the pipe."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        for entry in server.journal:
            if entry.get("request_id") == request_id:
                return entry
        time.sleep(0.01)
    raise AssertionError(f"the log has no request {request_id}")


def png(thing: int, variant: int = 0, side: int = 105) -> bytes:
    stream = BytesIO()
    drawing(thing, variant, side).save(stream, "PNG")
    return stream.getvalue()


def picture(thing: int, variant: int = 0, name: str | None = None) -> tuple[str, Any]:
    """A part of a form."""
    return ("picture", (name or f"figure {thing}.png", png(thing, variant), "image/png"))


def enroll(client: httpx.Client, thing: int, **headers: str) -> httpx.Response:
    """Figure `thing` under its name in the gallery `characters`."""
    return client.post(
        "/v1/galleries/characters/photos",
        data={"thing": f"figure {thing}"},
        files=[picture(thing)],
        headers=headers,
    )
