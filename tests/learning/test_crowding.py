"""A network that also tells how crowded the place is where a picture lies."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from torch import Tensor, nn

from firstsight.errors import ModelFolderError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.training.crowding import centres, crowded, landmarks_in
from firstsight.learning.training.export import export_onnx
from firstsight.model.runtime import onnx_runtime

SEEN = Preprocessing(size=4, mode="grey", invert=False)


class FirstPixels(nn.Module):
    """The first three pixels are the embedding: what goes in is known."""

    def forward(self, pictures: Tensor) -> Tensor:
        return pictures.flatten(1)[:, :3] * 2


@pytest.fixture(scope="module")
def network() -> bytes:
    return export_onnx(FirstPixels(), SEEN)


def embed(network: bytes, directions: list[list[float]]) -> NDArray[np.float32]:
    pictures = np.zeros((len(directions), 1, 4, 4), np.float32)
    pictures[:, 0, 0, :3] = directions
    session = onnx_runtime().InferenceSession(network, providers=["CPUExecutionProvider"])
    found: NDArray[np.float32] = session.run(["embeddings"], {"pictures": pictures})[0]
    return found


def test_the_centre_of_a_class_is_its_mean_direction() -> None:
    directions = np.array([[2.0, 0.0], [0.0, 5.0], [0.0, -3.0], [0.0, 0.0]])
    found = centres(directions, np.array([7, 7, 9, 4]))
    # Class 4 has no direction; 7 lies between its two, however long they are.
    np.testing.assert_allclose(found, [[0.5**0.5, 0.5**0.5], [0, -1]], atol=1e-6)


def test_crowding_by_hand(network: bytes) -> None:
    landmarks = np.eye(3, dtype=np.float32)
    found = embed(crowded(network, landmarks, 0.5), [[1, 0, 0], [0, 0, 0], [3, 4, 0]])
    # The two nearest of three: (1 + 0) / 2, nothing without a direction, (0.8 + 0.6) / 2.
    np.testing.assert_allclose(found[:, :3], [[2, 0, 0], [0, 0, 0], [6, 8, 0]], atol=1e-6)
    np.testing.assert_allclose(found[:, 3], [0.25, 0, 0.35], atol=1e-3)
    alone = embed(crowded(network, landmarks[:1], 0.5), [[3, 4, 0]])
    assert alone[0, 3] == pytest.approx(0.3, abs=1e-3)


def test_crowding_against_a_naive_loop(network: bytes) -> None:
    rng = np.random.default_rng(0)
    landmarks = rng.normal(size=(40, 3))
    landmarks /= np.linalg.norm(landmarks, axis=1, keepdims=True)
    queries = rng.normal(size=(9, 3))
    found = embed(crowded(network, landmarks.astype(np.float32), 1.5), queries.tolist())
    for query, crowding in zip(queries, found[:, 3], strict=True):
        cosines = sorted(float(each @ query) / np.linalg.norm(query) for each in landmarks)
        assert crowding == pytest.approx(1.5 * (cosines[-1] + cosines[-2]) / 2, abs=3e-3)


def test_landmarks_are_read_back_and_replaced(network: bytes) -> None:
    first = crowded(network, np.eye(3, dtype=np.float32), 0.5)
    second = crowded(first, np.eye(3, dtype=np.float32)[:1], 0.25)
    onnx.checker.check_model(onnx.load_model_from_string(second))
    assert landmarks_in(network) is None
    for grown, n, share in ((first, 3, 0.5), (second, 1, 0.25)):
        landmarks, found = landmarks_in(grown) or (np.zeros(0), 0.0)
        assert landmarks.tolist() == np.eye(3)[:n].tolist()
        assert found == pytest.approx(share)
    assert embed(second, [[1, 0, 0]])[0].tolist() == [2, 0, 0, 0.25]


def test_landmarks_of_another_model_are_refused(network: bytes) -> None:
    with pytest.raises(ModelFolderError, match="embeddings of 3 numbers, and the landmarks have 2"):
        crowded(network, np.eye(2, dtype=np.float32), 0.5)
