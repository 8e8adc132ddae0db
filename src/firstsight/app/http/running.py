"""Listen, answer, and stop gracefully."""

from __future__ import annotations

import asyncio
import gc
import ssl
import sys
from functools import partial
from typing import cast

import uvicorn

from firstsight.app.http.application import create_app
from firstsight.app.http.connection import ImpatientProtocol
from firstsight.app.http.journal import start_journal
from firstsight.app.http.settings import Settings
from firstsight.errors import UsageError

__all__ = ["run"]


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; what is under way is answered first.

    UsageError where the certificate and its key are of no use.
    """
    _require_usable_certificate(settings)
    # With the default of 5 ms, a thread that computes lets the event loop starve.
    sys.setswitchinterval(0.001)
    start_journal()
    app = create_app(settings)
    # What is there for good need not be gone through again and again while requests wait.
    gc.collect()
    gc.freeze()
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http=cast(
            type[asyncio.Protocol],
            partial(ImpatientProtocol, headers_timeout_s=settings.headers_timeout_s),
        ),
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


def _require_usable_certificate(settings: Settings) -> None:
    if settings.certificate is None or settings.private_key is None:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(settings.certificate, settings.private_key, password=_no_password)
    except (OSError, ValueError) as flaw:
        raise UsageError(
            f"{settings.certificate} and {settings.private_key} are of no use for HTTPS ({flaw}); "
            "give a certificate, with its chain, and its own key without a password, as PEM files"
        ) from flaw


def _no_password() -> str:
    """Asked for where a key has one: nobody sits at a server to type it."""
    raise ValueError("the key has a password")
