"""Listen, answer, and stop gracefully."""

from __future__ import annotations

import sys

import uvicorn

from firstsight.app.http.application import create_app
from firstsight.app.http.journal import start_journal
from firstsight.app.http.settings import Settings

__all__ = ["run"]


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; what is under way is answered first."""
    # With the default of 5 ms, a thread that computes lets the event loop starve.
    sys.setswitchinterval(0.001)
    start_journal()
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=max(1, round(settings.grace_s)),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.private_key,
    )
    uvicorn.Server(config).run()
