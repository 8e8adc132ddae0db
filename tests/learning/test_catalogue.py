"""The table of pytorch-metric-learning's losses: complete, meaning our distances, and learning."""

from __future__ import annotations

import inspect
import typing
from typing import Any

import pytest
import torch
from pytorch_metric_learning import losses as outside

from firstsight.data.packed import PackedPictures
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.losses import catalogue
from firstsight.learning.losses.catalogue import CATALOGUE, build_catalogued
from firstsight.learning.losses.memory import CrossBatchMemory
from firstsight.learning.networks.heads import CosineHead, EuclideanHead
from firstsight.learning.recipes.schema import Recipe
from firstsight.learning.recipes.schema.catalogue import CatalogueLoss, TupleLoss
from firstsight.learning.recipes.schema.losses import ClassWeightLoss
from firstsight.learning.training.bank import PictureBank
from firstsight.learning.training.build import build_batches
from firstsight.learning.training.module import TwinTraining

from .conftest import tiny_recipe

TABLES: dict[str, Any] = {
    typing.get_args(table.model_fields["kind"].annotation)[0]: table
    for table in typing.get_args(CatalogueLoss)
}
REMEMBERING = [kind for kind, table in TABLES.items() if issubclass(table, TupleLoss)]


def recipe_of(kind: str, **loss: Any) -> Recipe:
    return tiny_recipe(
        loss={"kind": kind, **loss},
        head={"kind": CATALOGUE[kind].head},
        batches={"kind": "classes", "n_classes": 6, "n_pictures": 4},
        training={"steps": 40, "validate_every": 40},
    )


def some_embeddings(n: int = 24, size: int = 8, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Of lengths other than 1, four of each class."""
    drawn = torch.randn(n, size, generator=torch.Generator().manual_seed(seed))
    return drawn * (1 + torch.arange(n)[:, None] % 3), torch.arange(n) // 4


def test_recipes_and_table_know_the_same_losses() -> None:
    assert TABLES.keys() == CATALOGUE.keys()
    for kind, table in TABLES.items():
        assert table.heads == (CATALOGUE[kind].head,)
        assert issubclass(table, ClassWeightLoss) == CATALOGUE[kind].per_class


def test_every_loss_of_the_library_is_in_the_table_or_left_out_for_a_reason() -> None:
    ours = {entry.loss.__name__ for entry in CATALOGUE.values()}
    told = catalogue.__doc__ or ""
    infrastructure = {
        "BaseLossWrapper",
        "BaseMetricLossFunction",
        "GenericPairLoss",
        "MultipleLosses",
    }
    theirs = {
        name
        for name, item in vars(outside).items()
        if isinstance(item, type) and issubclass(item, torch.nn.Module)
    }
    missing = {name for name in theirs - ours - infrastructure if name not in told}
    assert not missing


@pytest.mark.parametrize("kind", CATALOGUE)
def test_settings_are_all_passed_on_and_known_to_the_library(kind: str) -> None:
    entry, table = CATALOGUE[kind], TABLES[kind]
    of_the_table = set(table.model_fields) - {"kind", "lr_factor", "memory"}
    assert of_the_table == set(entry.arguments)
    known: set[str] = set()
    for base in entry.loss.__mro__:
        if base is not object:
            known |= set(inspect.signature(base.__init__).parameters)  # type: ignore[misc]
    assert set(entry.arguments.values()) <= known
    built = build_catalogued(table(kind=kind), n_classes=6, embedding_size=8)
    assert isinstance(built, entry.loss)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_loss_and_head_mean_the_same_distance(kind: str) -> None:
    entry = CATALOGUE[kind]
    head = EuclideanHead() if entry.head == "euclidean" else CosineHead()
    embeddings, _ = some_embeddings()
    ours = head.between(embeddings, embeddings)
    distance = entry.distance()
    theirs = distance(embeddings, embeddings)
    if distance.is_inverted:
        theirs = 1 - theirs
    elif distance.power == 2:
        theirs = theirs / 2 if entry.head == "cosine" else theirs.clamp(min=0).sqrt()
    # The library goes by |a|^2 + |b|^2 - 2ab, which is coarse near zero.
    assert torch.allclose(ours, theirs, atol=2e-2 if entry.head == "euclidean" else 1e-5)
    apart = ~torch.eye(len(embeddings), dtype=torch.bool)
    assert torch.allclose(ours[apart], theirs[apart], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", CATALOGUE)
def test_the_default_loss_is_the_librarys_own_on_the_same_embeddings(kind: str) -> None:
    """At length 1, where its default distances mean ours."""
    entry, table = CATALOGUE[kind], TABLES[kind]
    embeddings, labels = some_embeddings()
    embeddings = torch.nn.functional.normalize(embeddings)
    settings = table(kind=kind)
    sizes = {"num_classes": 6, "embedding_size": 8} if entry.per_class else {}
    given = {theirs: getattr(settings, mine) for mine, theirs in entry.arguments.items()}
    torch.manual_seed(3)
    theirs = entry.loss(**sizes, **given)
    torch.manual_seed(3)
    ours = build_catalogued(settings, n_classes=6, embedding_size=8)
    if kind == "proxy_nca":  # by default it brings its proxies to length 1 too
        for loss in (ours, theirs):
            loss.proxies.data = torch.nn.functional.normalize(loss.proxies.data)  # type: ignore[arg-type]
    assert ours(embeddings, labels).item() == pytest.approx(
        theirs(embeddings, labels).item(), rel=1e-4
    )


@pytest.mark.parametrize("kind", CATALOGUE)
def test_the_loss_falls_on_real_drawings(kind: str, glyphs: PackedPictures) -> None:
    first, last = losses_of(recipe_of(kind), glyphs)
    assert last < 0.9 * first


def losses_of(recipe: Recipe, pictures: PackedPictures) -> tuple[float, float]:
    """Mean loss of the first five of 60 steps, and of the last five."""
    bank = PictureBank(pictures, Preprocessing(size=16, invert=True), 1)
    training = TwinTraining(recipe, bank, build_batches(recipe, bank.classes), None)
    optimiser = training.configure_optimizers()["optimizer"]
    seen = []
    for step in range(60):
        drawn, labels = bank.fetch(training.batches.at(step))
        loss = training.objective(training.tower(drawn), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seen.append(loss.item())
    return sum(seen[:5]) / 5, sum(seen[-5:]) / 5


@pytest.mark.parametrize("kind", REMEMBERING)
def test_cross_batch_memory_gives_the_librarys_losses_batch_after_batch(kind: str) -> None:
    settings = TABLES[kind](kind=kind)
    inner = build_catalogued(settings, n_classes=6, embedding_size=8)
    ours = CrossBatchMemory(inner, size=60, embedding_size=8)
    theirs = outside.CrossBatchMemory(
        build_catalogued(settings, n_classes=6, embedding_size=8), embedding_size=8, memory_size=60
    )
    for batch in range(5):  # the memory is full after the third
        embeddings, labels = some_embeddings(seed=batch)
        expected = theirs(embeddings, labels).item()
        assert ours(embeddings, labels).item() == pytest.approx(expected, rel=1e-5)
    assert int(ours.n_seen) == 120


def test_a_memory_smaller_than_a_batch_is_refused() -> None:
    from firstsight.errors import ShapeError

    inner = build_catalogued(TABLES["circle"](kind="circle"), n_classes=6, embedding_size=8)
    with pytest.raises(ShapeError, match="does not hold a batch of 24; raise it"):
        CrossBatchMemory(inner, size=20, embedding_size=8)(*some_embeddings())
