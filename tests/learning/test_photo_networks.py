from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.efficientnet import EfficientNetLite, LiteVersion
from firstsight.learning.networks.pooled import Finer, PooledTower
from firstsight.learning.networks.squeezenet import SqueezeNet, Version
from firstsight.learning.networks.weights import load_published
from firstsight.learning.recipes.schema.network import EfficientNetLiteNetwork


def n_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("version", "whole", "headless"), [("1.0", 1_248_424, 735_424), ("1.1", 1_235_496, 722_496)]
)
def test_squeezenet_has_the_published_number_of_parameters(
    version: Version, whole: int, headless: int
) -> None:
    network = SqueezeNet(version)
    assert n_parameters(network) == whole
    assert n_parameters(network.features) == headless


def test_squeezenets_tensors_are_named_as_in_torchvision() -> None:
    fires = (3, 4, 6, 7, 9, 10, 11, 12)
    layers = ["features.0", "classifier.1"]
    layers += [
        f"features.{fire}.{part}"
        for fire in fires
        for part in ("squeeze", "expand1x1", "expand3x3")
    ]
    wanted = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert SqueezeNet("1.1").state_dict().keys() == wanted
    assert {"features.5.squeeze.bias", "features.8.expand3x3.weight"} <= SqueezeNet(
        "1.0"
    ).state_dict().keys()


@pytest.mark.parametrize(
    ("version", "side", "map_side"),
    # By hand: a convolution rounds (side - kernel) / 2 down and a pool (side - 3) / 2 up, plus 1.
    [("1.1", 224, 13), ("1.0", 227, 13), ("1.1", 60, 3), ("1.0", 60, 3)],
)
def test_squeezenets_pools_round_up(version: Version, side: int, map_side: int) -> None:
    with torch.no_grad():
        maps = SqueezeNet(version).features(torch.zeros(1, 3, side, side))
    assert maps.shape == (1, 512, map_side, map_side)


@pytest.mark.parametrize(
    ("version", "n_all", "n_convolutions"),
    # 4.7, 5.4 and 6.1 million are published; of convolutions, the stem, the head, two for the
    # first block and three for each of the other 15 or 20.
    [("0", 4_652_008, 49), ("1", 5_416_680, 64), ("2", 6_092_072, 64)],
)
def test_the_lites_have_the_published_sizes(
    version: LiteVersion, n_all: int, n_convolutions: int
) -> None:
    network = EfficientNetLite(version)
    assert n_parameters(network) == n_all
    assert n_parameters(network.features) == n_all - 1_281_000
    assert sum(isinstance(layer, nn.Conv2d) for layer in network.modules()) == n_convolutions


@pytest.mark.parametrize("side", [6, 7])
def test_lite0_pads_as_tensorflow_does_at_stride_2(side: int) -> None:
    torch.manual_seed(0)
    stem = EfficientNetLite("0").features[0].eval()
    weight = stem[0].weight.detach().numpy()  # type: ignore[index]
    picture = torch.rand(3, side, side)
    with torch.no_grad():
        seen = stem(picture[None])[0].numpy()
    out = -(-side // 2)
    # TensorFlow's "SAME" for a kernel of 3: nothing before and one after an even side, one on
    # either of an odd one.
    before = 0 if side % 2 == 0 else 1
    padded = np.zeros((3, side + 2, side + 2), np.float32)
    padded[:, before : before + side, before : before + side] = picture
    for row in range(out):
        for column in range(out):
            window = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            sums = (weight * window).sum((1, 2, 3)) / np.sqrt(1 + 1e-3)  # fresh batch norm
            assert np.allclose(seen[:, row, column], np.clip(sums, 0, 6), atol=1e-5)
    assert seen.shape == (32, out, out)


def test_a_pooled_tower_averages_over_the_picture_and_projects() -> None:
    tower = PooledTower(nn.Sequential(), 2, projection=3, unit_sphere=True)
    assert isinstance(tower.project, nn.Linear)
    maps = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 4.0]]]])  # means 3 and 1
    with torch.no_grad():
        tower.project.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        tower.project.bias.copy_(torch.tensor([0.0, 1.0, -3.0]))  # 3, 2, 1
        assert torch.allclose(tower(maps), torch.tensor([[3.0, 2.0, 1.0]]) / 14**0.5)
        plain: Tensor = PooledTower(nn.Sequential(), 2)(maps)
    assert torch.equal(plain, torch.tensor([[3.0, 1.0]]))


class Expanding(nn.Module):
    """What a layer of features looks like to Finer: maps twice as large inside."""

    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Conv2d(1, 2, 1, bias=False)
        nn.init.constant_(self.expand.weight, 1)

    def forward(self, maps: Tensor) -> Tensor:
        return maps.mean((2, 3), keepdim=True)


def test_finer_features_are_joined_with_a_length_of_their_own() -> None:
    features = nn.Sequential(nn.Identity(), Expanding())
    tower = PooledTower(features, 1, finer=Finer(layer=1, n_channels=2, length=0.5))
    with torch.no_grad():
        seen = tower(torch.tensor([[[[1.0, 5.0]]]]))
    # The last feature, 3, is 1 at length 1; the two expanded ones, 3 and 3, have length 0.5.
    assert tower.n_channels == 3
    assert torch.allclose(seen, torch.tensor([[1.0, 0.5 / 2**0.5, 0.5 / 2**0.5]]))


def test_finer_features_pass_by_the_projection_but_are_centred() -> None:
    features = nn.Sequential(nn.Identity(), Expanding())
    finer = Finer(layer=1, n_channels=2, length=1.0)
    tower = PooledTower(features, 1, projection=2, centred=True, finer=finer)
    assert isinstance(tower.project, nn.Linear)
    assert tower.centre is not None
    with torch.no_grad():
        tower.project.weight.copy_(torch.tensor([[2.0], [4.0]]))
        tower.project.bias.zero_()
        tower.centre.copy_(torch.tensor([0.0, 0.1, 0.2]))
        seen = tower(torch.tensor([[[[3.0]]]]))
    # 1 and (0.5, 0.5) times the root of 2, all over the root of 2 to bring it to length 1.
    half = 1 / 2**0.5
    assert torch.allclose(seen, torch.tensor([[2 * half, 4 * half, 0.4, 0.3]]))


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_the_lites_name_the_layer_that_sees_finer(version: LiteVersion) -> None:
    network = EfficientNetLite(version).eval()
    pictures = torch.zeros(1, 3, 64, 64)
    with torch.no_grad():
        before = network.features[: network.finer_at](pictures)
        expanded = network.features[network.finer_at].get_submodule("expand")(before)
        last = network.features(pictures)
    assert expanded.shape == (1, network.n_finer, 4, 4)
    assert last.shape == (1, 1280, 2, 2)
    table = EfficientNetLiteNetwork(kind="efficientnet_lite", version=version, finer=1.0)
    assert table.embedding_size == 1280 + network.n_finer


def test_published_weights_find_bananas_among_1000_things(data_root: Path) -> None:
    network = SqueezeNet("1.1").eval()
    load_published("squeezenet1_1", network)
    seen = Preprocessing(
        size=224,
        mode="rgb",
        fit="crop",
        mean=(0.485, 0.456, 0.406),
        deviation=(0.229, 0.224, 0.225),
    )
    photos = sorted((data_root / "snacks" / "train" / "banana").iterdir())[100:112]
    pixels = np.stack([seen.pixels(photo) for photo in photos])
    with torch.no_grad():
        answers = network(torch.from_numpy(seen.normalise(pixels))).argmax(1)
    names = json.loads((data_root / "weights" / "imagenet_classes.json").read_text())
    assert sum(names[answer] == "banana" for answer in answers) >= 5  # 7, where it was written
