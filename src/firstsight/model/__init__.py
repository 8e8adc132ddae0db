"""The model folder, its card, and the embedder that runs it without PyTorch."""

from __future__ import annotations

from firstsight.model.card import render_card
from firstsight.model.embedder import Embedder, load
from firstsight.model.folder import (
    add_scores,
    read_model_info,
    read_onnx,
    read_tensors,
    resolve_model,
    write_model_folder,
)
from firstsight.model.info import ModelInfo

__all__ = [
    "Embedder",
    "ModelInfo",
    "add_scores",
    "load",
    "read_model_info",
    "read_onnx",
    "read_tensors",
    "render_card",
    "resolve_model",
    "write_model_folder",
]
