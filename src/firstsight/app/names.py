"""What short names of data sets mean for each purpose."""

from __future__ import annotations

__all__ = ["for_judging", "for_training"]

_TRAINING = {"omniglot": "omniglot:background"}
_JUDGING = {"omniglot": "omniglot:evaluation"}


def for_training(data: str) -> str:
    """`omniglot` alone means the alphabets that may be trained on."""
    return _TRAINING.get(data, data)


def for_judging(data: str) -> str:
    """`omniglot` alone means the alphabets that no training may have seen."""
    return _JUDGING.get(data, data)
