"""How strict answers are, and how large a picture may be."""

from __future__ import annotations

from dataclasses import dataclass

from firstsight.errors import UsageError
from firstsight.images.decode import DEFAULT_LIMITS, DecodeLimits, require_limits

__all__ = ["Policy", "require_truth_value"]


@dataclass(frozen=True)
class Policy:
    """How strict answers are.

    false_accepts: the share of pictures of strangers that may get a name (FPIR), above 0, below 1.
    limits: the largest picture worth decoding.
    closed_set: every picture is taken to show one of the enrolled things, so each gets a name.
    second_look: whether photographs that are not known at first are looked at for places that
    agree with enrolled ones (second_look.py).
    """

    false_accepts: float = 0.01
    limits: DecodeLimits = DEFAULT_LIMITS
    closed_set: bool = False
    second_look: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.false_accepts < 1:
            raise UsageError(
                f"false_accepts is {self.false_accepts}; give a share between 0 and 1, say 0.01"
            )
        require_limits(self.limits)
        require_truth_value("closed_set", self.closed_set)
        require_truth_value("second_look", self.second_look)


def require_truth_value(name: str, value: object) -> None:
    """UsageError for anything but one: "no" would count as true."""
    if not isinstance(value, bool):
        raise UsageError(f"{name} is {value!r}; give True or False")
