"""Half-precision storage: an ONNX file of half the size that computes as before, in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["store_half"]

_WORTHWHILE = 1024  # numbers; biases stay as they are


def store_half(model: ModelProto) -> None:
    """Round the graph's large weights to float16, in place, each cast back where it is used.

    ONNX Runtime does the casts once, while it opens the file: running is as fast as before.
    """
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < _WORTHWHILE:
            continue
        name = weights.name
        weights.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
        casts.append(helper.make_node("Cast", [weights.name], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
