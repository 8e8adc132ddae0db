"""Half-precision storage: a file of half the size, whose numbers are computed with in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["rounded", "store_half"]

_WORTHWHILE = 1024  # numbers; biases stay as they are


def rounded(values: NDArray[Any]) -> NDArray[Any]:
    """Large weights in float16; anything else as it is."""
    large = values.dtype == np.float32 and values.size >= _WORTHWHILE
    return values.astype(np.float16) if large else values


def store_half(model: ModelProto) -> None:
    """Round the graph's large weights to float16, in place, each cast back where it is used.

    ONNX Runtime does the casts once, while it opens the file: running is as fast as before.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        half = rounded(values)
        if half is values:
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(half, f"{name}.half"))
        casts.append(helper.make_node("Cast", [weights.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
