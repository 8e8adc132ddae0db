"""Listen, answer, and stop gracefully."""

from __future__ import annotations

import asyncio
import gc
import os
import socket
import ssl
import sys
from functools import partial
from typing import cast

import uvicorn

from firstsight.app.http.application import create_app
from firstsight.app.http.connection import ImpatientProtocol
from firstsight.app.http.desks import Desks
from firstsight.app.http.journal import start_journal
from firstsight.app.http.settings import Settings
from firstsight.errors import ServingError, UsageError

__all__ = ["run"]


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; what is under way is answered first.

    Before anything starts: UsageError where the certificate and its key are of no use, ServingError
    where the address cannot be had, and what opening the galleries raises.
    """
    _require_usable_certificate(settings)
    _require_free_address(settings.host, settings.port)
    # With the default of 5 ms, a thread that computes lets the event loop starve.
    sys.setswitchinterval(0.001)
    start_journal()
    app = create_app(settings, Desks(settings))
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


def _require_free_address(host: str, port: int) -> None:
    """Taken for a moment and given back: the server's own refusal would be a line of its log."""
    try:
        found = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as taken:
                if os.name == "posix":  # as the server does; elsewhere it means another thing
                    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                taken.bind(address)
    except (OSError, UnicodeError) as refusal:
        why = getattr(refusal, "strerror", None) or "no name of a machine"
        raise ServingError(
            f"nothing can listen at {host}, port {port} ({why}); give another "
            "--port (0 takes a free one) or --host"
        ) from refusal


def _no_password() -> str:
    """Asked for where a key has one: nobody sits at a server to type it."""
    raise ValueError("the key has a password")
