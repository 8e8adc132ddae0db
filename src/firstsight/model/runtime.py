"""ONNX Runtime, told to keep to itself."""

from __future__ import annotations

import os
from types import ModuleType

__all__ = ["onnx_runtime"]


def onnx_runtime() -> ModuleType:
    """The module `onnxruntime`; imported here, since that takes longer than any command's help.

    Its official builds send events to their makers (its Privacy.md), and note an identifier of
    the device in the user's cache. The variable is read when the library is loaded, and stops
    both; the call stops Windows's own tracing. Nobody who runs firstsight was asked.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    module: ModuleType = onnxruntime
    return module
