"""Features by place, seen in the mirror too, of a middle layer, with principal directions evened
out: what squeezenet-faces is made of."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from firstsight.errors import RecipeError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.networks.squeezenet import SqueezeNet, Version
from firstsight.learning.recipes.schema.network import SqueezeNetNetwork
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.export import export_onnx
from firstsight.learning.training.whitening import principal_whitening


def test_each_part_of_the_grid_has_its_own_mean() -> None:
    maps = torch.arange(16.0).reshape(1, 1, 4, 4)  # rows 0 1 2 3, 4 5 6 7, ...
    seen = PooledTower(nn.Sequential(), 1, grid=2)(maps)
    # (0 + 1 + 4 + 5) / 4 and so on
    assert torch.equal(seen, torch.tensor([[2.5, 4.5, 10.5, 12.5]]))


def test_a_picture_and_its_mirror_image_are_embedded_alike() -> None:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    tower = PooledTower(features, 4, grid=3, mirrored=True, unit_sphere=True).eval()
    pictures = torch.rand(2, 3, 12, 12)
    with torch.no_grad():
        assert torch.allclose(tower(pictures), tower(pictures.flip(3)), atol=1e-6)
        plain = PooledTower(features, 4, grid=3, unit_sphere=True)
        expected = nn.functional.normalize(plain(pictures) + plain(pictures.flip(3)))
        assert torch.allclose(tower(pictures), expected, atol=1e-6)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_schema_knows_how_many_channels_each_layer_gives(version: Version) -> None:
    maps = torch.zeros(1, 3, 40, 40)
    for number, layer in enumerate(SqueezeNet(version).features, 1):
        maps = layer(maps)
        if number >= 4:
            network = SqueezeNetNetwork(kind="squeezenet", version=version, n_layers=number)
            assert network.embedding_size == maps.shape[1]


def test_parts_of_uneven_size_survive_the_export() -> None:
    torch.manual_seed(0)
    features = nn.Sequential(nn.Conv2d(3, 4, 4, stride=4), nn.ReLU())  # maps of 9 x 9
    tower = PooledTower(features, 4, grid=5, mirrored=True, projection=8).eval()
    pictures = torch.rand(3, 3, 36, 36)
    onnx = export_onnx(tower, Preprocessing(size=36, mode="rgb"))
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    theirs = session.run(["embeddings"], {"pictures": pictures.numpy()})[0]
    with torch.no_grad():
        assert np.allclose(tower(pictures).numpy(), theirs, atol=1e-5)


def test_principal_whitening_evens_variances_out_as_far_as_their_mean_allows() -> None:
    # Variances 9, 1 and 0 along the axes: three tenths of the mean of the first two are 1.5.
    features = np.array([[3, 1, 5], [-3, 1, 5], [3, -1, 5], [-3, -1, 5]], np.float32)
    seen = (features - features.mean(0)) @ principal_whitening(features, 2).T
    lengths = np.linalg.norm(seen, axis=1)
    assert np.allclose(lengths.mean(), 1)
    shares = seen.var(0)
    assert np.allclose(shares[0] / shares[1], (9 / 10.5) / (1 / 2.5))


def test_directions_beyond_the_pictures_are_zero() -> None:
    rng = np.random.default_rng(0)
    whitening = principal_whitening(rng.normal(size=(4, 9)).astype(np.float32), 6)
    assert (np.linalg.norm(whitening, axis=1) > 0).tolist() == [True] * 3 + [False] * 3


def test_a_window_over_a_grid_is_refused() -> None:
    with pytest.raises(RecipeError, match="leave it out, or grid"):
        load_recipe("squeezenet-faces", ["network.window=0.3"])
