"""Recognise things from one picture.

The public names below are imported when first used: `import firstsight` loads neither PyTorch
nor ONNX Runtime.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from firstsight.app.calibrating import calibrate
    from firstsight.app.crowding import crowd
    from firstsight.app.evaluating import evaluate
    from firstsight.app.exporting import export
    from firstsight.app.training import resume, train
    from firstsight.app.tuning import tune
    from firstsight.errors import FirstsightError
    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.model.embedder import Embedder, load
    from firstsight.recognition.answers import Answer, Comparison, Enrollment, Match
    from firstsight.recognition.comparing import verify
    from firstsight.recognition.recognizer import Policy, Recognizer

__all__ = [
    "Answer",
    "Comparison",
    "Embedder",
    "Enrollment",
    "FirstsightError",
    "Match",
    "Policy",
    "Recognizer",
    "Scorecard",
    "calibrate",
    "crowd",
    "evaluate",
    "export",
    "load",
    "resume",
    "train",
    "tune",
    "verify",
]

_HOMES = {
    "Answer": "firstsight.recognition.answers",
    "Comparison": "firstsight.recognition.answers",
    "Embedder": "firstsight.model.embedder",
    "Enrollment": "firstsight.recognition.answers",
    "FirstsightError": "firstsight.errors",
    "Match": "firstsight.recognition.answers",
    "Policy": "firstsight.recognition.recognizer",
    "Recognizer": "firstsight.recognition.recognizer",
    "Scorecard": "firstsight.evaluation.scorecard",
    "calibrate": "firstsight.app.calibrating",
    "crowd": "firstsight.app.crowding",
    "evaluate": "firstsight.app.evaluating",
    "export": "firstsight.app.exporting",
    "load": "firstsight.model.embedder",
    "resume": "firstsight.app.training",
    "train": "firstsight.app.training",
    "tune": "firstsight.app.tuning",
    "verify": "firstsight.recognition.comparing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'firstsight' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
