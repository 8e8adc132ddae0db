"""`firstsight check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from firstsight.app.cli.speaking import messages, print_json
from firstsight.app.packing import reading_bar, tell_namesake
from firstsight.errors import DataError

if TYPE_CHECKING:
    from firstsight.data.audit import Audit

__all__ = ["check"]


def check(name: str, *, as_json: bool) -> None:
    """One line a finding, then a summary; DataError where training would be unsound."""
    from firstsight.data.audit import audit
    from firstsight.data.catalogue import read_parts

    console = messages()
    tell_namesake(name, console)
    parts = read_parts(name)
    with reading_bar(name, console) as progress:
        found = audit(name, parts, progress)
    if as_json:
        print_json(found.to_json())
    else:
        _print(found)
    if not found.is_sound:
        unsound = [finding.kind for finding in found.findings if finding.unsound]
        counted = ", ".join(f"{unsound.count(kind)} x {kind}" for kind in dict.fromkeys(unsound))
        remedy = "remove or move these pictures" if set(unsound) - {"few pictures"} else "add some"
        raise DataError(
            f"training on {name} would be unsound because of what is marked so above ({counted}); "
            f"{remedy}"
        )


def _print(found: Audit) -> None:
    for finding in found.findings:
        mark = "unsound, " if finding.unsound else ""
        click.echo(f"{mark}{finding.kind}: {finding.told}")
    among = f" in {len(found.parts)} parts ({', '.join(found.parts)})" if found.parts else ""
    counts = ", ".join(f"{count} x {kind}" for kind, count in found.counts().items())
    click.echo(
        f"{found.name}: {found.n_pictures:,} pictures of {found.n_classes:,} classes{among}; "
        f"{counts or 'nothing was found'}"
    )
