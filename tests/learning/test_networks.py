from __future__ import annotations

import numpy as np
import pytest
import torch

from firstsight.learning.networks.compact import CompactTower
from firstsight.learning.networks.heads import CosineHead, EuclideanHead, HeadModule, WeightedL1Head
from firstsight.learning.networks.koch import KochTower


def test_koch_has_exactly_the_published_number_of_parameters() -> None:
    network = torch.nn.ModuleList([KochTower(), WeightedL1Head(4096)])
    assert sum(p.numel() for p in network.parameters()) == 38_951_745


def test_koch_gives_4096_numbers_between_0_and_1() -> None:
    with torch.no_grad():
        embeddings = KochTower()(torch.rand(2, 1, 105, 105))
    assert embeddings.shape == (2, 4096)
    assert ((embeddings >= 0) & (embeddings <= 1)).all()


def test_koch_starts_as_the_paper_says() -> None:
    torch.manual_seed(0)
    tower = KochTower()
    convolution = tower.features[3]
    assert isinstance(convolution, torch.nn.Conv2d)
    assert convolution.bias is not None
    assert convolution.weight.std().item() == pytest.approx(0.01, rel=0.02)
    assert tower.dense.weight.std().item() == pytest.approx(0.2, rel=0.01)
    for bias in (convolution.bias, tower.dense.bias):
        assert bias.mean().item() == pytest.approx(0.5, abs=0.005)
        assert bias.std().item() == pytest.approx(0.01, rel=0.2)


def test_turned_views_join_the_embeddings_of_four_quarter_turns() -> None:
    torch.manual_seed(0)
    sizes = {"channels": 1, "picture_size": 16, "stem": 4, "widths": [4], "blocks": [1]}
    towers = [
        CompactTower(**sizes, embedding_size=5, unit_sphere=True, turned_views=views)  # type: ignore[arg-type]
        for views in (False, True)
    ]
    towers[1].load_state_dict(towers[0].state_dict())
    plain, turned = (tower.eval() for tower in towers)
    pictures = torch.rand(3, 1, 16, 16)
    with torch.no_grad():
        each = [plain(torch.rot90(pictures, turns, (2, 3))) for turns in range(4)]
        joined = turned(pictures)
    assert joined.shape == (3, 20)
    assert torch.allclose(joined.norm(dim=1), torch.ones(3))
    # The same four views, in an order of its own.
    for view in (joined * 2).split(5, dim=1):
        assert any(torch.allclose(view, other, atol=1e-6) for other in each)
    turned.train()
    assert turned(pictures).shape == (3, 5)  # one view while it learns


def test_smoothing_spreads_each_pixel_over_its_neighbours_once_trained() -> None:
    torch.manual_seed(0)
    sizes = {"channels": 2, "picture_size": 16, "stem": 4, "widths": [4], "blocks": [1]}
    towers = [
        CompactTower(**sizes, embedding_size=5, unit_sphere=True, smoothing=smoothing)  # type: ignore[arg-type]
        for smoothing in (0.0, 0.6)
    ]
    towers[1].load_state_dict(towers[0].state_dict())
    plain, smoothed = (tower.eval() for tower in towers)
    pictures = torch.zeros(1, 2, 16, 16)
    pictures[0, 1, 4, 9] = 1
    spread = torch.zeros(1, 2, 16, 16)
    # A variance of 0.36 along each axis: 0.18 one px before, 0.18 one px after, the rest stays.
    line = torch.tensor([0.18, 0.64, 0.18])
    spread[0, 1, 3:6, 8:11] = line[:, None] * line
    with torch.no_grad():
        assert torch.allclose(smoothed(pictures), plain(spread), atol=1e-6)
        smoothed.train(), plain.train()
        batch = torch.rand(4, 2, 16, 16)
        assert torch.allclose(smoothed(batch), plain(batch))  # as they are while it learns


@pytest.mark.parametrize("unit_sphere", [True, False])
def test_compact_embeds_at_any_batch_size(unit_sphere: bool) -> None:
    tower = CompactTower(
        channels=3,
        picture_size=20,
        stem=6,
        widths=(8, 12),
        blocks=(1, 2),
        embedding_size=6,
        unit_sphere=unit_sphere,
    ).eval()
    pictures = torch.rand(5, 3, 20, 20)
    with torch.no_grad():
        together = tower(pictures)
        alone = torch.cat([tower(picture[None]) for picture in pictures])
    assert together.shape == (5, 6)
    assert torch.allclose(together, alone, atol=1e-6)
    assert torch.allclose(together.norm(dim=1), torch.ones(5)) == unit_sphere


@pytest.mark.parametrize("head", [EuclideanHead(), CosineHead(), WeightedL1Head(7)])
def test_a_trained_head_and_its_frozen_form_give_the_same_distance(head: HeadModule) -> None:
    a, b = torch.randn(2, 4, 7, generator=torch.Generator().manual_seed(0)).unbind()
    with torch.no_grad():
        trained = head(a, b).numpy()
    assert np.allclose(head.frozen().paired(a.numpy(), b.numpy()), trained, atol=1e-5)


def test_weighted_l1_of_identical_pictures_is_minus_the_bias() -> None:
    head = WeightedL1Head(3)
    with torch.no_grad():
        assert head(torch.ones(1, 3), torch.ones(1, 3)).item() == pytest.approx(
            -head.logit.bias.item()
        )


def test_identical_twins_give_a_finite_gradient() -> None:
    a = torch.ones(2, 3, requires_grad=True)
    EuclideanHead()(a, a.detach()).sum().backward()
    assert a.grad is not None
    assert torch.isfinite(a.grad).all()
