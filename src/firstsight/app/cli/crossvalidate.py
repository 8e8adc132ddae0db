"""`firstsight crossvalidate`."""

from __future__ import annotations

from pathlib import Path

from firstsight.app.cli.evaluate import print_scores
from firstsight.app.cli.speaking import messages, print_json
from firstsight.app.crossvalidating import CrossedProtocol, cross_validate
from firstsight.app.remarks import say

__all__ = ["crossvalidate"]


def crossvalidate(
    recipe: str,
    protocol: CrossedProtocol,
    overrides: list[str],
    *,
    n_parts: int,
    data: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    console = messages()
    crossed = cross_validate(
        recipe,
        protocol=protocol,
        n_parts=n_parts,
        data=data,
        out=out,
        overrides=overrides,
        console=console,
    )
    say(console, f"the trained parts are in {crossed.folder}")
    if as_json:
        print_json([{"who": who, **card.to_json()} for who, card in crossed.cards])
    else:
        print_scores(protocol, crossed.cards)
