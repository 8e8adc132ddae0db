"""How crowded the place is where a picture lies: one number more in each embedding.

A network knows nothing of the other things that it will meet, but it knows those it learned from.
Where their centres, the landmarks, are near a picture, look-alikes are to be expected there, and
two pictures must be nearer to each other to show the same thing. The head that adds this number to
distances is `CrowdedCosine`; the number itself is worked out inside the ONNX file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstsight.errors import ModelFolderError

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["LANDMARKS", "NEAREST", "centres", "crowded", "landmarks_in"]

LANDMARKS = "landmarks"  # the tensor of this name
NEAREST = 2  # landmarks; their mean cosine is the crowding
_EMBEDDINGS, _DIRECTIONS = "embeddings", "directions"
_STORED, _MEAN = "landmarks.half", "landmarks.mean"

Floats = NDArray[np.float32]


def centres(directions: NDArray[Any], labels: NDArray[np.int64]) -> Floats:
    """The mean direction of each class, of length 1: (N, D) and (N,) to (classes, D).

    Classes without any direction are left out.
    """
    vectors = directions.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    classes = np.unique(labels, return_inverse=True)[1]
    sums = np.zeros((classes.max() + 1, vectors.shape[1]))
    np.add.at(sums, classes, vectors)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    found: Floats = (sums / np.where(lengths > 0, lengths, 1))[lengths[:, 0] > 0].astype(np.float32)
    return found


def crowded(onnx: bytes, landmarks: Floats, share: float) -> bytes:
    """The network with one number more an embedding: (batch, D) becomes (batch, D + 1).

    That number is `share` times the mean cosine to the nearest two landmarks, or to the only one.
    landmarks: (M, D) of length 1, at least one; kept in half precision.
    What an earlier call added is replaced. ModelFolderError where the network gives something
    else than embeddings of D numbers.
    """
    from onnx import TensorProto, helper, load_model_from_string, numpy_helper

    model = load_model_from_string(onnx)
    _forget(model)
    (output,) = model.graph.output
    size = output.type.tensor_type.shape.dim[1].dim_value
    if output.name != _EMBEDDINGS or size != landmarks.shape[1]:
        raise ModelFolderError(
            f"the network gives {output.name} of {size} numbers, and the landmarks have "
            f"{landmarks.shape[1]}; take landmarks by this very model"
        )
    _rename(model, _EMBEDDINGS, _DIRECTIONS)
    n = min(NEAREST, len(landmarks))
    constants: dict[str, NDArray[Any]] = {
        _STORED: landmarks.T.astype(np.float16),
        f"{LANDMARKS}.n": np.array([n], np.int64),
        _MEAN: np.full((n, 1), share / n, np.float32),
    }
    model.graph.initializer.extend(
        numpy_helper.from_array(values, name) for name, values in constants.items()
    )
    named = f"{LANDMARKS}."
    model.graph.node.extend(
        [
            helper.make_node("Cast", [_STORED], [LANDMARKS], to=TensorProto.FLOAT),
            helper.make_node("LpNormalization", [_DIRECTIONS], [f"{named}units"], axis=1, p=2),
            helper.make_node("MatMul", [f"{named}units", LANDMARKS], [f"{named}cosines"]),
            helper.make_node(
                "TopK",
                [f"{named}cosines", f"{named}n"],
                [f"{named}nearest", f"{named}which"],
                axis=1,
            ),
            helper.make_node("MatMul", [f"{named}nearest", _MEAN], [f"{named}crowding"]),
            helper.make_node("Concat", [_DIRECTIONS, f"{named}crowding"], [_EMBEDDINGS], axis=1),
        ]
    )
    output.type.tensor_type.shape.dim[1].dim_value = size + 1
    grown: bytes = model.SerializeToString()
    return grown


def landmarks_in(onnx: bytes) -> tuple[Floats, float] | None:
    """The landmarks (M, D) and the share that `crowded` put into a network; None without any."""
    from onnx import load_model_from_string, numpy_helper

    constants = {each.name: each for each in load_model_from_string(onnx).graph.initializer}
    if _STORED not in constants:
        return None
    landmarks = numpy_helper.to_array(constants[_STORED]).T.astype(np.float32)
    return landmarks, float(numpy_helper.to_array(constants[_MEAN]).sum())


def _forget(model: ModelProto) -> None:
    """Take out what `crowded` put in."""
    graph = model.graph
    if not any(each.name == _STORED for each in graph.initializer):
        return
    for parts in (graph.node, graph.initializer):
        kept = [each for each in parts if not _is_ours(each)]
        del parts[:]
        parts.extend(kept)
    _rename(model, _DIRECTIONS, _EMBEDDINGS)
    graph.output[0].type.tensor_type.shape.dim[1].dim_value -= 1


def _rename(model: ModelProto, before: str, after: str) -> None:
    """Call a value of the graph otherwise, where it is made and wherever it is used."""
    for node in model.graph.node:
        for names in (node.input, node.output):
            for number, name in enumerate(names):
                if name == before:
                    names[number] = after


def _is_ours(part: Any) -> bool:
    names = [part.name, *getattr(part, "output", ())]
    return any(name.startswith(LANDMARKS) for name in names) or _EMBEDDINGS in names[1:]
