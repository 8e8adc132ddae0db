"""What short names of data sets mean for each purpose."""

from __future__ import annotations

__all__ = ["for_judging", "for_training"]

_TRAINING = {"omniglot": "omniglot:background", "snacks": "snacks:train"}
_JUDGING = {"omniglot": "omniglot:evaluation", "snacks": "snacks:test"}


def for_training(data: str) -> str:
    """`omniglot` alone means the alphabets that may be trained on, `snacks` its training part."""
    return _TRAINING.get(data, data)


def for_judging(data: str) -> str:
    """`omniglot` alone means the alphabets that no training may see, `snacks` its test part."""
    return _JUDGING.get(data, data)
