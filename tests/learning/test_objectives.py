from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from firstsight.data.packed import PackedPictures
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.training.bank import PictureBank, normalise
from firstsight.learning.training.build import build_batches, build_head
from firstsight.learning.training.objectives import build_objective
from firstsight.sampling.batches import (
    BatchSource,
    ClassBatches,
    EpisodeBatches,
    HalfGroupBatches,
    UniformBatches,
)
from firstsight.sampling.pairs import BalancedPairs, FixedPairs

from .conftest import tiny_recipe

PAIRS: dict[str, Any] = {
    "loss": {"kind": "contrastive", "margin": 2.0},
    "batches": {"kind": "pairs", "n_pairs": 2},
    "head": {"kind": "euclidean"},
}


def test_rows_half_a_batch_apart_are_twins() -> None:
    recipe = tiny_recipe(**PAIRS)
    objective = build_objective(recipe, build_head(recipe), n_classes=3)
    embeddings = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.3, 0.4], [0.0, 1.5]])
    labels = torch.tensor([0, 0, 0, 1])
    # Twins (0, 2): same, distance 0.5. Twins (1, 3): different, distance 1.5, margin 2.
    assert objective(embeddings, labels).item() == pytest.approx((0.25 + 0.25) / 2)


def test_triplets_report_how_many_still_cost_something() -> None:
    recipe = tiny_recipe(
        loss={"kind": "triplet", "margin": 0.5, "mining": "all"},
        batches={"kind": "classes", "n_classes": 2, "n_pictures": 2},
        head={"kind": "euclidean"},
    )
    objective = build_objective(recipe, build_head(recipe), n_classes=2)
    embeddings = torch.tensor([[0.0, 0.0], [0.0, 1.0], [10.0, 0.0], [10.0, 0.1]])
    loss = objective(embeddings, torch.tensor([0, 0, 1, 1]))
    assert loss.item() == 0
    assert objective.report["active_triplets"].item() == 0


@pytest.mark.parametrize("head", ["euclidean", "cosine"])
def test_queries_are_compared_with_the_means_of_their_support(head: str) -> None:
    recipe = tiny_recipe(
        loss={"kind": "prototypical", "scale": 0.1},
        batches={"kind": "episodes", "n_way": 2, "k_shot": 2, "n_query": 1},
        head={"kind": head},
    )
    objective = build_objective(recipe, build_head(recipe), n_classes=9)
    support = [[0.0, 4.0], [0.0, 6.0], [3.0, 3.0], [5.0, 7.0]]
    labels = torch.tensor([8, 8, 3, 3, 8, 3])
    means = {8: torch.tensor([0.0, 5.0]), 3: torch.tensor([4.0, 5.0])}
    queries = torch.tensor([[3.0, 4.0], [0.0, 5.0]])
    costs = []
    for query, right in zip(queries, (8, 3), strict=True):
        away = {}
        for label, mean in means.items():
            cosine = float(query @ mean / query.norm() / mean.norm())
            away[label] = (
                float((query - mean).square().sum()) if head == "euclidean" else 1 - cosine
            )
        costs.append(0.1 * away[right] + math.log(sum(math.exp(-0.1 * d) for d in away.values())))
    embeddings = torch.cat([torch.tensor(support), queries])
    assert objective(embeddings, labels).item() == pytest.approx(sum(costs) / 2, rel=1e-4)


@pytest.mark.parametrize(
    ("batches", "kind"),
    [
        ({"kind": "uniform", "size": 8}, UniformBatches),
        ({"kind": "half_group", "size": 8}, HalfGroupBatches),
        ({"kind": "classes", "n_classes": 4, "n_pictures": 2}, ClassBatches),
        ({"kind": "episodes", "n_way": 4, "k_shot": 1, "n_query": 2}, EpisodeBatches),
        ({"kind": "pairs", "n_pairs": 4}, BalancedPairs),
        ({"kind": "pairs", "n_pairs": 4, "pool": 20}, FixedPairs),
    ],
)
def test_each_kind_of_batch_is_drawn_over_turned_pictures(
    batches: dict[str, Any], kind: type[BatchSource], glyphs: PackedPictures
) -> None:
    changes: dict[str, Any] = {"batches": batches}
    if batches["kind"] == "pairs":
        changes |= {key: PAIRS[key] for key in ("loss", "head")}
    if batches["kind"] == "episodes":
        changes["loss"] = {"kind": "prototypical"}
    recipe = tiny_recipe(**changes)
    bank = PictureBank(glyphs, Preprocessing(size=16, invert=True), n_turns=4)
    source = build_batches(recipe, bank.classes)
    assert isinstance(source, kind)
    drawn = [int(number) for step in range(60) for number in source.at(step)]
    assert max(drawn) >= len(glyphs)  # turned pictures come up
    assert max(drawn) < 4 * len(glyphs)


def test_a_batch_is_turned_and_labelled_by_its_number(glyphs: PackedPictures) -> None:
    preprocessing = Preprocessing(size=16, invert=True)
    bank = PictureBank(glyphs, preprocessing, n_turns=4)
    n = len(glyphs)
    pictures, labels = bank.fetch(torch.tensor([5, n + 5, 3 * n + 5]).numpy())
    plain = preprocessing.normalise(glyphs.pixels[5:6])[0]
    for row, quarter_turns in enumerate((0, 1, 3)):
        expected = torch.rot90(torch.from_numpy(plain), quarter_turns, dims=(1, 2))
        assert torch.allclose(pictures[row], expected, atol=1e-6)
        assert labels[row].item() == glyphs.labels[5] + quarter_turns * glyphs.n_classes


def test_torch_and_numpy_normalise_alike(glyphs: PackedPictures) -> None:
    for preprocessing in (
        Preprocessing(size=16, invert=True),
        Preprocessing(size=16, mean=(0.4,), deviation=(0.2,)),
    ):
        pixels = glyphs.pixels[:3]
        ours = normalise(torch.from_numpy(pixels.copy()), preprocessing).numpy()
        assert abs(ours - preprocessing.normalise(pixels)).max() < 1e-6
