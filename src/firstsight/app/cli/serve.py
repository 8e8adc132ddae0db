"""`firstsight serve` and `firstsight keys`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.remarks import say
from firstsight.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from firstsight.app.http.security.keys import Rights

__all__ = ["add_key", "list_keys", "revoke_key", "serve"]


def serve(options: dict[str, Any]) -> None:
    """options: of `Settings`."""
    # Read once, when numpy is imported. Otherwise products that a core does in a tenth of a
    # millisecond are shared by all cores, which then wait busily for the next one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from firstsight.app.http.settings import Settings

    settings = Settings(**options)
    try:
        from firstsight.app.http.running import run
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] in ("firstsight", ""):
            raise
        raise MissingExtraError("serve", "serving over HTTP") from missing
    if settings.needs_key and not _ring(settings.keys_file).keys:
        raise UsageError(
            f"a server at {settings.host} demands keys, and there are none; make one first: "
            "firstsight keys add NAME --write"
        )
    if settings.needs_key:
        say(messages(), f"every request to {settings.host} needs a key; so does the page")
    run(settings)


def add_key(name: str, rights: Rights, file: Path | None) -> None:
    print(_ring(file).add(name, rights))  # noqa: T201
    may = "ask and change things" if rights == "write" else "ask"
    say(messages(), f"whoever has this key may {may}; it is not shown again")


def list_keys(file: Path | None, *, as_json: bool) -> None:
    keys = _ring(file).keys
    if as_json:
        print_json(
            [
                {"name": key.name, "rights": key.rights, "id": key.id, "added": key.added}
                for key in keys
            ]
        )
        return
    rows = [(key.name, key.rights, key.id, key.added) for key in keys]
    print_table("API keys", ("name", "rights", "begins with fs_", "added"), rows)


def revoke_key(name: str, file: Path | None) -> None:
    _ring(file).revoke(name)
    print(f"revoked the key {name!r}")  # noqa: T201


def _ring(file: Path | None):  # type: ignore[no-untyped-def]
    from firstsight.app.http.security.keys import KeyRing, usual_keys_file

    return KeyRing(file or usual_keys_file())
