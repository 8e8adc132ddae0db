"""What is asked of an evaluation: a protocol by name, its data, and how many trials."""

from __future__ import annotations

from dataclasses import dataclass

from firstsight.app.names import for_judging
from firstsight.errors import UsageError

__all__ = ["Trials", "require_known", "usual_protocols"]


@dataclass(frozen=True)
class Trials:
    """Which trials to hold.

    n_trials: None for the protocol's own number; pairs where the protocol is `verification` or
    `koch2015`, queries where it is `retrieval`, episodes where it is `vinyals`.
    n_way: for `nway`, `vinyals` and `kshot` (None: the protocol's own). k_shot: for those and
    `openset`, `mnist`. across (groups), distinct_drawers: for the protocol `nway`; the last only
    makes sense where the data says who drew what.
    upright: `vinyals` without the quarter turns. false_accepts: the target of `openset` and
    `verification`, in 0..1.
    """

    protocol: str = "lake2015"
    data: str = "omniglot"
    seed: int = 0
    n_trials: int | None = None
    n_way: int | None = None
    k_shot: int = 1
    across: bool = False
    distinct_drawers: bool = False
    upright: bool = False
    false_accepts: float = 0.01


def usual_protocols(data: str) -> tuple[str, ...]:
    """What is judged by where nobody says: Omniglot has protocols of its own."""
    return ("lake2015", "dense") if for_judging(data) == "omniglot:evaluation" else ("nway",)


def require_known(protocol: str) -> None:
    """UsageError for a protocol of no such name."""
    from firstsight.evaluation.protocols import PROTOCOLS

    if protocol not in PROTOCOLS:
        known = ", ".join(PROTOCOLS)
        raise UsageError(f"there is no protocol {protocol!r}; choose one of {known}")
