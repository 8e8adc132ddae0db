"""From a trained tower to the bytes of an ONNX file, checked against PyTorch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from firstsight.errors import TrainingError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.training.half import rounded, store_half
from firstsight.model.runtime import onnx_runtime

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["KeptWeights", "constants_of", "export_onnx", "halved", "opened", "stored", "tensors_of"]

KeptWeights = Literal["full", "half", "none"]

_TOLERANCE = 1e-4
# Rounded weights move an embedding of EfficientNet-Lite0 by 3e-3 of its largest value, and its
# cosine to the unrounded one by 4e-6.
_HALF_TOLERANCE = 1e-2


def export_onnx(tower: nn.Module, preprocessing: Preprocessing, *, half: bool = False) -> bytes:
    """ONNX with input `pictures` (batch, C, S, S) and output `embeddings` (batch, D), float32.

    half: store large weights as float16; the file is half as large.
    Raises TrainingError where ONNX Runtime does not give PyTorch's embeddings within 1e-4 of the
    largest value (half: 1e-2), at batches of 1, 2 and 5.
    """
    tower = tower.to("cpu", torch.float32, memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    shape = (2, preprocessing.channels, preprocessing.size, preprocessing.size)
    example = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            tower,
            (example,),
            input_names=["pictures"],
            output_names=["embeddings"],
            dynamic_shapes=({0: torch.export.Dim("batch")},),
            dynamo=True,
            verbose=False,
        )
        assert program is not None
    model = program.model_proto
    _forget_origin(model)
    if half:
        store_half(model)
    onnx: bytes = model.SerializeToString()
    tolerance = _HALF_TOLERANCE if half else _TOLERANCE
    _require_equal(lambda pictures: np.asarray(tower(pictures)), onnx, shape, tolerance)
    return onnx


def halved(onnx: bytes, preprocessing: Preprocessing) -> bytes:
    """The same network with its large weights stored as float16, in half the space.

    Raises TrainingError where its embeddings differ by more than 1e-2 of the largest value.
    """
    from onnx import load_model_from_string

    model = load_model_from_string(onnx)
    store_half(model)
    rounded_off: bytes = model.SerializeToString()
    shape = (2, preprocessing.channels, preprocessing.size, preprocessing.size)
    whole = opened(onnx)
    _require_equal(lambda pictures: whole(pictures.numpy()), rounded_off, shape, _HALF_TOLERANCE)
    return rounded_off


def tensors_of(tower: nn.Module, kept: KeptWeights = "full") -> dict[str, np.ndarray] | None:
    """The tower's weights and buffers by name, for safetensors."""
    return stored(
        {
            name: np.ascontiguousarray(tensor.detach().cpu().numpy())
            for name, tensor in tower.state_dict().items()
        },
        kept,
    )


def stored(tensors: dict[str, np.ndarray], kept: KeptWeights) -> dict[str, np.ndarray] | None:
    """As a model folder keeps them: "half" rounds the large ones to float16, which is enough to
    train on; "none" gives None.
    """
    if kept == "none":
        return None
    return {name: rounded(each) if kept == "half" else each for name, each in tensors.items()}


def constants_of(onnx: bytes) -> dict[str, np.ndarray]:
    """The constants of an ONNX file that keep the names they had in the tower, as float32; batch
    norms are no longer apart from their convolutions there."""
    from onnx import load_model_from_string, numpy_helper

    return {
        each.name.removesuffix(".half"): numpy_helper.to_array(each).astype(np.float32)
        for each in load_model_from_string(onnx).graph.initializer
    }


def _forget_origin(model: ModelProto) -> None:
    """Drop the lines of source that the exporter notes at each node: they tell of this machine."""
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def opened(onnx: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """What an ONNX file computes: pictures (B, C, S, S) float32 to embeddings (B, D)."""
    session = onnx_runtime().InferenceSession(onnx, providers=["CPUExecutionProvider"])

    def embed(pictures: np.ndarray) -> np.ndarray:
        return np.asarray(session.run(["embeddings"], {"pictures": pictures})[0])

    return embed


@torch.no_grad()
def _require_equal(
    meant: Callable[[Tensor], np.ndarray], onnx: bytes, shape: tuple[int, ...], tolerance: float
) -> None:
    made = opened(onnx)
    for batch in (1, 2, 5):
        pictures: Tensor = torch.rand(
            (batch, *shape[1:]), generator=torch.Generator().manual_seed(batch)
        )
        ours, theirs = meant(pictures), made(pictures.numpy())
        gap = np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-12)
        if not gap <= tolerance:
            raise TrainingError(
                f"the exported network differs from the trained one by {gap:.1e} of the largest "
                f"value at a batch of {batch}; wanted at most {tolerance:.0e}"
            )
