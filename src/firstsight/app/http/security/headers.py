"""What browsers are told with every response: load nothing from elsewhere, run nothing inline."""

from __future__ import annotations

from starlette.types import Scope

__all__ = ["strict_headers"]

# Pictures that a page made itself (a drawing, a photograph just taken) are blob: or data:.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_ALWAYS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    # With "no-referrer" browsers send forms, too, without the Origin that they are checked by.
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(self), microphone=(), geolocation=()"),
    ("Cache-Control", "no-store"),
)
_HTTPS = (*_ALWAYS, ("Strict-Transport-Security", "max-age=31536000"))


def strict_headers(scope: Scope) -> tuple[tuple[str, str], ...]:
    """For every response that does not set its own."""
    return _HTTPS if scope["scheme"] == "https" else _ALWAYS
