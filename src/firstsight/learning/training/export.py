"""From a trained tower to the bytes of an ONNX file, checked against PyTorch."""

from __future__ import annotations

import logging
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from firstsight.errors import TrainingError
from firstsight.images.preprocess import Preprocessing

__all__ = ["export_onnx", "tensors_of"]

_TOLERANCE = 1e-4


def export_onnx(tower: nn.Module, preprocessing: Preprocessing) -> bytes:
    """ONNX with input `pictures` (batch, C, S, S) and output `embeddings` (batch, D), float32.

    Raises TrainingError where ONNX Runtime does not give PyTorch's embeddings within 1e-4 of the
    largest value, at batches of 1, 2 and 33.
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
    onnx: bytes = program.model_proto.SerializeToString()
    _require_equal(tower, onnx, shape)
    return onnx


def tensors_of(tower: nn.Module) -> dict[str, np.ndarray]:
    """The tower's weights and buffers by name, for safetensors."""
    return {
        name: np.ascontiguousarray(tensor.detach().cpu().numpy())
        for name, tensor in tower.state_dict().items()
    }


@torch.no_grad()
def _require_equal(tower: nn.Module, onnx: bytes, shape: tuple[int, ...]) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    for batch in (1, 2, 33):
        pictures: Tensor = torch.rand(
            (batch, *shape[1:]), generator=torch.Generator().manual_seed(batch)
        )
        ours = tower(pictures).numpy()
        theirs = session.run(["embeddings"], {"pictures": pictures.numpy()})[0]
        gap = np.abs(ours - theirs).max() / max(np.abs(ours).max(), 1e-12)
        if not gap <= _TOLERANCE:
            raise TrainingError(
                f"the exported network differs from the trained one by {gap:.1e} of the largest "
                f"value at a batch of {batch}; wanted at most {_TOLERANCE:.0e}"
            )
