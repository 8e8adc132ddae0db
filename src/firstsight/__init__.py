"""Recognise things from one picture.

The public names below are imported when first used: `import firstsight` loads neither PyTorch
nor ONNX Runtime.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firstsight.app.evaluating import evaluate
    from firstsight.app.training import export, resume, train
    from firstsight.errors import FirstsightError
    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.model.embedder import Embedder, load

__all__ = [
    "Embedder",
    "FirstsightError",
    "Scorecard",
    "evaluate",
    "export",
    "load",
    "resume",
    "train",
]

_HOMES = {
    "Embedder": "firstsight.model.embedder",
    "FirstsightError": "firstsight.errors",
    "Scorecard": "firstsight.evaluation.scorecard",
    "evaluate": "firstsight.app.evaluating",
    "export": "firstsight.app.training",
    "load": "firstsight.model.embedder",
    "resume": "firstsight.app.training",
    "train": "firstsight.app.training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'firstsight' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
