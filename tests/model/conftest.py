"""A real network small enough to work out by hand: fixtures/tiny.onnx, see make_tiny.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.images.preprocess import Preprocessing
from firstsight.model.folder import ModelInfo, write_model_folder
from firstsight.similarity import Euclidean

Floats = npt.NDArray[np.float32]
Tensors = dict[str, Floats]


@pytest.fixture
def tiny_onnx() -> bytes:
    return (Path(__file__).parent / "fixtures" / "tiny.onnx").read_bytes()


@pytest.fixture
def tiny_tensors() -> Tensors:
    """The weights that make_tiny.py put into the graph: weight (64, 3), bias (3,)."""
    i, d = np.mgrid[:64, :3]
    weight = (((3 * i + 5 * d) % 7) - 3).astype(np.float32)
    return {"weight": weight, "bias": np.array([0.5, -1, 2], np.float32)}


@pytest.fixture
def tiny_info() -> ModelInfo:
    return ModelInfo(
        name="tiny",
        preprocessing=Preprocessing(size=8, invert=True, mean=(0.1,), deviation=(0.3,)),
        head=Euclidean(),
        embedding_size=3,
        recipe={"name": "tiny", "same_means": "the same number", "training": {"rate": 0.1}},
        data_fingerprint="d" * 64,
        made_by={"firstsight": "0.1.0", "commit": "abc123", "seed": 7, "hardware": "2 cores"},
    )


@pytest.fixture
def tiny_folder(
    tmp_path: Path, tiny_onnx: bytes, tiny_tensors: Tensors, tiny_info: ModelInfo
) -> Path:
    path = tmp_path / "model"
    write_model_folder(path, onnx=tiny_onnx, tensors=tiny_tensors, info=tiny_info)
    return path
