from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pytorch_metric_learning import losses as outside

from firstsight.errors import ShapeError
from firstsight.learning.losses.classes import CosFace
from firstsight.learning.losses.own_picture import OwnPicture
from firstsight.learning.losses.pairs import contrastive_loss, cross_entropy_on_pairs
from firstsight.learning.losses.prototypes import prototypes, prototypical_loss
from firstsight.learning.losses.triplet import triplet_loss

SAME, DIFFERENT = torch.tensor([True]), torch.tensor([False])


def test_contrastive_loss_by_hand() -> None:
    distance = torch.tensor([0.5, 0.2, 3.0])
    same = torch.tensor([True, False, False])
    # 0.5^2, (1 - 0.2)^2, nothing beyond the margin; mean of three
    assert contrastive_loss(distance, same).item() == pytest.approx((0.25 + 0.64 + 0.0) / 3)


def test_same_pairs_are_pulled_together_and_different_ones_pushed_apart() -> None:
    for same, sign in ((SAME, 1), (DIFFERENT, -1)):
        distance = torch.tensor([0.5], requires_grad=True)
        contrastive_loss(distance, same).backward()  # type: ignore[no-untyped-call]
        assert distance.grad is not None
        assert math.copysign(1, distance.grad.item()) == sign


def test_negatives_beyond_the_margin_cost_nothing() -> None:
    assert contrastive_loss(torch.tensor([1.5]), DIFFERENT, margin=1.5).item() == 0


def test_cross_entropy_by_hand_and_its_polarity() -> None:
    # A distance of -2 is a logit of 2 for "same".
    assert cross_entropy_on_pairs(torch.tensor([-2.0]), SAME).item() == pytest.approx(
        math.log(1 + math.exp(-2))
    )
    assert cross_entropy_on_pairs(torch.tensor([-2.0]), DIFFERENT).item() == pytest.approx(
        math.log(1 + math.exp(2))
    )


def test_own_picture_by_hand() -> None:
    loss = OwnPicture(temperature=0.5, closeness=2)
    loss.settle(torch.tensor([[3.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]))
    # Cosines to the three places: 0.6, 0.8, -0.6 and 0, 1, 0; pictures 0 and 1.
    first = -0.6 / 0.5 + math.log(sum(math.exp(each / 0.5) for each in (0.6, 0.8, -0.6)))
    second = -1 / 0.5 + math.log(sum(math.exp(each / 0.5) for each in (0.0, 1.0, 0.0)))
    found = loss(torch.tensor([[0.3, 0.4], [0.0, 7.0]]), torch.tensor([0, 1]))
    assert found.item() == pytest.approx((first + second) / 2 + 2 * (0.4 + 0.0) / 2)
    assert not loss.state_dict()  # places are in no checkpoint


@pytest.mark.parametrize("loss", [contrastive_loss, cross_entropy_on_pairs])
def test_labels_of_another_length_are_refused(loss: object) -> None:
    with pytest.raises(ShapeError, match="one label for each distance"):
        loss(torch.zeros(3), torch.zeros(2, dtype=torch.bool))  # type: ignore[operator]


def naive_triplets(
    distance: torch.Tensor, labels: list[int], margin: float, mining: str
) -> list[float]:
    costs = []
    everyone = range(len(labels))
    for anchor in everyone:
        positives = [i for i in everyone if i != anchor and labels[i] == labels[anchor]]
        negatives = [i for i in everyone if labels[i] != labels[anchor]]
        if not positives or not negatives:
            continue
        row = distance[anchor].tolist()
        if mining == "hard":
            gap = max(row[p] for p in positives) - min(row[n] for n in negatives)
            costs.append(max(0.0, gap + margin))
            continue
        for positive in positives:
            if mining == "all":
                costs += [max(0.0, row[positive] - row[n] + margin) for n in negatives]
                continue
            beyond = [row[n] for n in negatives if row[n] > row[positive]]
            chosen = min(beyond) if beyond else max(row[n] for n in negatives)
            costs.append(max(0.0, row[positive] - chosen + margin))
    return costs


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=2, max_size=9),
    st.sampled_from(["all", "hard", "semi_hard"]),
    st.integers(0, 999),
)
def test_mining_agrees_with_naive_loops(labels: list[int], mining: str, seed: int) -> None:
    points = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(seed))
    distance = torch.cdist(points, points)
    loss, active = triplet_loss(
        distance,
        torch.tensor(labels),
        margin=0.7,
        mining=mining,  # type: ignore[arg-type]
    )
    costs = naive_triplets(distance, labels, 0.7, mining)
    if not costs:
        assert loss.item() == 0
        return
    n_active = sum(cost > 0 for cost in costs)
    divisor = max(1, n_active) if mining == "all" else len(costs)
    assert loss.item() == pytest.approx(sum(costs) / divisor, rel=1e-4, abs=1e-6)
    assert active.item() == pytest.approx(n_active / len(costs), abs=1e-6)


def test_triplets_all_agrees_with_pytorch_metric_learning() -> None:
    embeddings = torch.nn.functional.normalize(
        torch.randn(24, 8, generator=torch.Generator().manual_seed(0))
    )
    labels = torch.arange(24) % 6
    ours, _ = triplet_loss(torch.cdist(embeddings, embeddings), labels, margin=0.3, mining="all")
    theirs = outside.TripletMarginLoss(margin=0.3)(embeddings, labels)
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-4)


def test_distances_of_another_shape_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"wanted \(B, B\)"):
        triplet_loss(torch.zeros(3, 2), torch.zeros(3, dtype=torch.long))


def test_cosface_by_hand() -> None:
    softmax = CosFace(2, 2, scale=2.0, margin=0.25)
    with torch.no_grad():
        softmax.weight.copy_(torch.tensor([[3.0, 0.0], [0.0, 5.0]]))
    # The picture points along class 0: cosines 1 and 0, whatever the lengths.
    logits = (2 * (1 - 0.25), 0.0)
    expected = math.log(sum(map(math.exp, logits))) - logits[0]
    cost = softmax(torch.tensor([[7.0, 0.0]]), torch.tensor([0]))
    assert cost.item() == pytest.approx(expected)


def test_cosface_agrees_with_pytorch_metric_learning() -> None:
    embeddings = torch.randn(10, 6, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(10) % 4
    theirs = outside.CosFaceLoss(4, 6, margin=0.3, scale=20)
    ours = CosFace(4, 6, scale=20, margin=0.3)
    with torch.no_grad():
        ours.weight.copy_(theirs.W.T)
    assert ours(embeddings, labels).item() == pytest.approx(
        theirs(embeddings, labels).item(), rel=1e-4
    )


@pytest.mark.parametrize("mining", ["all", "hard", "semi_hard"])
@pytest.mark.parametrize("n_pictures", [4, 128])
def test_no_mining_needs_more_than_the_square_of_a_batch(mining: str, n_pictures: int) -> None:
    # 256 pictures make up to 16 million triplets, or 32,000 pairs by 256 negatives.
    labels = torch.arange(256) // n_pictures
    points = torch.randn(256, 4, generator=torch.Generator().manual_seed(0))
    sizes: list[int] = []
    distance = torch.cdist(points, points).requires_grad_()
    with _SizeRecorder(sizes):
        loss, _ = triplet_loss(distance, labels, mining=mining)  # type: ignore[arg-type]
        loss.backward()  # type: ignore[no-untyped-call]
    assert max(sizes) <= 256 * 257


@pytest.mark.parametrize("mining", ["all", "hard", "semi_hard"])
def test_gradients_of_mining_are_those_of_the_naive_loop(mining: str) -> None:
    points = torch.randn(9, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    labels = [0, 0, 0, 1, 1, 1, 2, 2, 3]

    def loss_at(moved: torch.Tensor) -> float:
        costs = naive_triplets(torch.cdist(moved, moved), labels, 0.7, mining)
        return sum(costs) / (sum(cost > 0 for cost in costs) if mining == "all" else len(costs))

    tracked = points.clone().requires_grad_()
    loss, _ = triplet_loss(
        torch.cdist(tracked, tracked),
        torch.tensor(labels),
        margin=0.7,
        mining=mining,  # type: ignore[arg-type]
    )
    (gradient,) = torch.autograd.grad(loss, tracked)
    for row, column in ((0, 0), (3, 1), (8, 2)):
        step = torch.zeros_like(points)
        step[row, column] = 1e-5
        slope = (loss_at(points + step) - loss_at(points - step)) / 2e-5
        assert gradient[row, column].item() == pytest.approx(slope, rel=1e-4, abs=1e-7)


def test_prototypes_are_the_means_of_their_classes() -> None:
    embeddings = torch.tensor([[1.0, 0.0], [5.0, 5.0], [3.0, 2.0]])
    means, classes = prototypes(embeddings, torch.tensor([7, 2, 7]))
    assert classes.tolist() == [2, 7]
    assert means.tolist() == [[5.0, 5.0], [2.0, 1.0]]


def test_prototypical_loss_agrees_with_a_naive_loop() -> None:
    drawn = torch.rand(5, 3, generator=torch.Generator().manual_seed(0))
    truth = [0, 2, 1, 1, 0]
    costs = []
    for query, right in enumerate(truth):
        weights = [math.exp(-value) for value in drawn[query].tolist()]
        costs.append(-math.log(weights[right] / sum(weights)))
    loss = prototypical_loss(drawn, torch.tensor(truth))
    assert loss.item() == pytest.approx(sum(costs) / len(costs), rel=1e-5)
    with pytest.raises(ShapeError, match=r"wanted \(Q, C\) and \(Q,\)"):
        prototypical_loss(drawn, torch.zeros(4, dtype=torch.long))


class _SizeRecorder(torch.utils._python_dispatch.TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self, sizes: list[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sizes = sizes

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        result = func(*args, **(kwargs or {}))
        flat = result if isinstance(result, tuple | list) else [result]
        self._sizes += [part.numel() for part in flat if isinstance(part, torch.Tensor)]
        return result


def test_gradients_reach_every_embedding_of_a_triplet() -> None:
    points = torch.randn(6, 3, requires_grad=True, generator=torch.Generator().manual_seed(2))
    loss, _ = triplet_loss(
        torch.cdist(points, points), torch.tensor([0, 0, 1, 1, 2, 2]), margin=5.0, mining="all"
    )
    loss.backward()  # type: ignore[no-untyped-call]
    assert points.grad is not None
    assert (points.grad.abs().sum(1) > 0).all()
