"""Which optional parts of the installation a use case needs."""

from __future__ import annotations

from importlib.util import find_spec

from firstsight.errors import MissingExtraError

__all__ = ["require_learning", "require_searching"]

_LEARNING = ("torch", "lightning", "onnx", "onnxscript", "tensorboard")


def require_learning(purpose: str) -> None:
    """MissingExtraError where the extra `train` is not installed."""
    if any(find_spec(name) is None for name in _LEARNING):
        raise MissingExtraError("train", purpose)


def require_searching(purpose: str) -> None:
    """MissingExtraError where the extra `search` is not installed."""
    if find_spec("optuna") is None:
        raise MissingExtraError("search", purpose)
