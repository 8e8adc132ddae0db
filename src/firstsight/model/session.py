"""A model's network, ready to run: ONNX Runtime, opened and checked to fit what the folder says."""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from firstsight.errors import FirstsightError, ModelFolderError
from firstsight.model.info import ModelInfo
from firstsight.model.runtime import onnx_runtime

__all__ = ["Session", "cannot_serve", "open_session"]

_INPUT = "pictures"
_OUTPUT = "embeddings"

Floats = npt.NDArray[np.float32]


class Session:
    """A network that fits its preprocessing and head. Several threads may run it at once."""

    def __init__(self, running: _Running, info: ModelInfo, where: str) -> None:
        self._running, self._info, self._where = running, info, where

    def embed(self, pictures: Floats) -> Floats:
        """(N, C, H, W), normalised, to (N, D); ModelFolderError where the network cannot."""
        try:
            (embeddings,) = self._running.run([_OUTPUT], {_INPUT: pictures})
        # ONNX Runtime's errors share no base class of their own.
        except Exception as flaw:
            told = f"it fails while running ({_first_line(flaw)})"
            raise cannot_serve(self._where, told) from flaw
        wanted = (len(pictures), self._info.embedding_size)
        if embeddings.shape != wanted:
            raise cannot_serve(
                self._where, f"it gave embeddings of shape {embeddings.shape}, wanted {wanted}"
            )
        if not np.isfinite(embeddings).all():
            raise cannot_serve(self._where, "it gave embeddings that are not finite")
        return cast(Floats, embeddings)


class _Running(Protocol):
    """What is used of onnxruntime.InferenceSession."""

    def run(self, outputs: list[str], feed: dict[str, Floats]) -> list[Any]: ...
    def get_inputs(self) -> list[Any]: ...
    def get_outputs(self) -> list[Any]: ...


def open_session(onnx: bytes, info: ModelInfo, where: str, threads: int) -> Session:
    """ModelFolderError, naming `where`, if ONNX Runtime refuses the network or it does not fit."""
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: what fails is raised, and told once
    # Spinning threads would take the cores from decoding, and from whoever else works here.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # A memory plan fits one batch size, and ours vary; the arena itself stays.
    options.enable_mem_pattern = False
    try:
        running = runtime.InferenceSession(
            onnx, sess_options=options, providers=["CPUExecutionProvider"]
        )
    # ONNX Runtime's errors share no base class of their own.
    except Exception as flaw:
        raise cannot_serve(where, f"ONNX Runtime refuses it ({_first_line(flaw)})") from flaw
    _require_fitting(running, info, where)
    return Session(running, info, where)


def _require_fitting(running: _Running, info: ModelInfo, where: str) -> None:
    seen = info.preprocessing
    _require_port(running.get_inputs(), _INPUT, (seen.channels, seen.size, seen.size), where)
    _require_port(running.get_outputs(), _OUTPUT, (info.embedding_size,), where)
    one = np.zeros((1, info.embedding_size), np.float32)
    try:
        info.head.distance(one, one)
    except FirstsightError as flaw:
        raise cannot_serve(where, f"its head does not fit its embeddings ({flaw})") from flaw


def _require_port(ports: list[Any], name: str, inner: tuple[int, ...], where: str) -> None:
    """The graph's only input or output must be float32 (batch, *inner), with a free batch."""
    if len(ports) == 1 and (ports[0].name, ports[0].type) == (name, "tensor(float)"):
        shape = list(ports[0].shape)
        # A free size is a name or None. Exporters may leave inner ones free; running will tell.
        free = [not isinstance(size, int) for size in shape]
        fits = [
            is_free or size == want
            for is_free, size, want in zip(free, shape, (0, *inner), strict=False)
        ]
        if len(shape) == 1 + len(inner) and free[0] and all(fits):
            return
    told = "; ".join(f"{port.type} {port.name} {port.shape}" for port in ports) or "nothing"
    wanted = f"tensor(float) {name} {['batch', *inner]}"
    raise cannot_serve(where, f"the graph has {told} where {wanted} was wanted")


def cannot_serve(where: str, flaw: str) -> ModelFolderError:
    return ModelFolderError(
        f"the network of {where} cannot serve: {flaw}; copy or export the model folder again"
    )


def _first_line(flaw: Exception) -> str:
    return (str(flaw).splitlines() or [type(flaw).__name__])[0]
