from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from firstsight.errors import EpisodeError, ShapeError, UsageError
from firstsight.evaluation.kshot import KShotCurve, Rule, kshot_curve
from firstsight.metrics.intervals import wilson
from firstsight.similarity import Cosine, Euclidean, Head, WeightedL1

Array = npt.NDArray[Any]


def things_of(sizes: list[int]) -> Array:
    return np.cumsum([0, *sizes[:-1]])


def curve(vectors: Array, sizes: list[int], **settings: Any) -> KShotCurve:
    return kshot_curve(Euclidean(), vectors, things_of(sizes), **settings)


def naive_accuracy(head: Head, vectors: Array, k: int, most: int, rule: Rule) -> float:
    """Mean over every way to order three photos of three things; the first k are enrolled, and
    those after the first `most` are asked about."""
    worths = []
    orders = list(itertools.permutations(range(3)))
    for order in itertools.product(orders, repeat=3):
        rows = [[3 * thing + photo for photo in order[thing]] for thing in range(3)]
        for thing in range(3):
            for asked in rows[thing][most:]:
                to_things = []
                for known in rows:
                    enrolled = vectors[known[:k]]
                    if rule == "prototype":
                        enrolled = enrolled.mean(axis=0, keepdims=True)
                    each = head.distance(vectors[[asked]], enrolled)[0]
                    to_things.append(each.mean() if rule == "mean" else each.min())
                nearest = [t for t in range(3) if to_things[t] == min(to_things)]
                worths.append(1 / len(nearest) if thing in nearest else 0.0)
    return float(np.mean(worths))


@pytest.mark.parametrize(
    ("rule", "head"),
    [
        ("best", Euclidean()),
        ("mean", Cosine()),
        ("prototype", WeightedL1(np.array([1.0, -0.2, 2.0]), 0.5)),
    ],
)
def test_many_draws_come_to_the_mean_of_all_possible_draws(rule: Rule, head: Head) -> None:
    rng = np.random.default_rng(5)
    centres = np.repeat(rng.normal(size=(3, 3)), 3, axis=0)
    vectors = (centres + 0.9 * rng.normal(size=(9, 3))).astype(np.float32)
    drawn = kshot_curve(head, vectors, things_of([3, 3, 3]), shots=(1, 2), rule=rule, repeats=500)
    for point in drawn.points:
        expected = naive_accuracy(head, vectors, point.shots, 2, rule)
        assert point.accuracy == pytest.approx(expected, abs=0.04)


def test_things_far_apart_are_always_recognised_and_one_photo_is_enough() -> None:
    vectors = np.repeat(np.arange(12.0) * 100, 6)[:, None] + np.tile(np.arange(6.0), 12)[:, None]
    found = curve(vectors, [6] * 12)
    assert [point.accuracy for point in found.points] == [1, 1, 1, 1]
    assert [point.gain for point in found.points] == [0, 0, 0, None]
    # Drawing twelve perfect things again gives perfect things; Wilson says what twelve can show.
    assert found.points[0].interval == wilson(12, 12)
    assert found.enough_at == 1
    assert (found.n_things, found.n_left_out, found.n_way) == (12, 0, 12)
    assert found.told.endswith("from 1 on, another gains no sure 1 point.")


def test_things_with_two_faces_want_more_photos_than_one() -> None:
    rng = np.random.default_rng(0)
    faces = np.repeat(rng.normal(size=(40, 8)) * 10, 3, axis=0)  # three photos of either face
    vectors = faces + 0.01 * rng.normal(size=faces.shape)
    found = curve(vectors, [6] * 20)
    # With one photo enrolled, the other five show the same face in two cases of five.
    assert found.points[0].accuracy == pytest.approx(2 / 5, abs=0.1)
    # With five photos both faces are always there.
    assert found.points[-1].accuracy == 1
    first = found.points[0]
    assert first.gain is not None and first.gain_interval is not None
    second = found.points[1]
    assert first.gain == pytest.approx(second.accuracy - first.accuracy)
    last_gain = found.points[2].gain
    assert last_gain == pytest.approx((1 - found.points[2].accuracy) / 2)  # of two more photos
    assert found.enough_at is None
    assert found.told.endswith("more photos keep helping.")


@pytest.mark.parametrize("rule", ["best", "mean", "prototype"])
@pytest.mark.parametrize(("n_way", "chance"), [(None, 1 / 10), (4, 1 / 4), (50, 1 / 10)])
def test_a_constant_model_scores_exactly_chance(
    rule: Rule, n_way: int | None, chance: float
) -> None:
    found = curve(np.ones((40, 3)), [4] * 10, n_way=n_way, rule=rule, repeats=3)
    assert [point.accuracy for point in found.points] == pytest.approx([chance] * 3)
    assert found.enough_at == 1


def test_a_model_of_broken_embeddings_recognises_nothing() -> None:
    found = curve(np.full((12, 3), np.nan), [4] * 3)
    assert [point.accuracy for point in found.points] == [0, 0, 0]
    assert found.points[0].interval == wilson(0, 3)


def test_all_points_are_of_the_same_things_and_the_last_of_enough_things() -> None:
    # With 1 shot 30 things could be measured, with 2 twelve, with 3 eleven, with 5 three.
    sizes = [2] * 18 + [3] + [4] * 8 + [6] * 3
    vectors = np.random.default_rng(0).normal(size=(sum(sizes), 4))
    found = curve(vectors, sizes)
    assert [point.shots for point in found.points] == [1, 2, 3]
    assert (found.n_things, found.n_left_out) == (11, 19)


def test_with_few_things_half_of_them_are_enough() -> None:
    # Five things could show one shot, three of them two shots, and one of them three.
    found = curve(np.random.default_rng(0).normal(size=(15, 4)), [1, 2, 2, 3, 4, 3])
    assert [point.shots for point in found.points] == [1, 2]
    assert found.n_things == 3


def test_of_many_things_some_are_drawn_by_the_seed() -> None:
    vectors = np.random.default_rng(0).normal(size=(800, 2)).astype(np.float32)
    found, again, other = (curve(vectors, [2] * 400, repeats=2, seed=s) for s in (0, 0, 1))
    assert (found.n_things, found.n_left_out, found.n_way) == (300, 100, 300)
    assert found == again != other
    assert "would show whether more help" in found.told  # a single point


def test_a_record_of_the_curve_is_plain_json() -> None:
    found = curve(np.random.default_rng(0).normal(size=(16, 2)), [4] * 4)
    record = json.loads(json.dumps(found.to_json()))
    assert record["points"][0]["shots"] == 1
    assert record["points"][-1]["gain"] is None
    assert record["rule"] == "best" and record["n_things"] == 4


def test_too_few_photos_and_senseless_requests_are_refused() -> None:
    vectors = np.ones((4, 2))
    with pytest.raises(EpisodeError, match="1 of 3 things have more than 1 photo; add photos"):
        curve(vectors, [2, 1, 1])
    for shots in ((), (0, 1), (2, 2)):
        with pytest.raises(UsageError, match="give rising numbers from 1"):
            curve(vectors, [2, 2], shots=shots)
    with pytest.raises(UsageError, match="n_way is 1"):
        curve(vectors, [2, 2], n_way=1)
    with pytest.raises(UsageError, match="rule is 'median'"):
        curve(vectors, [2, 2], rule="median")
    with pytest.raises(UsageError, match="repeats is 0"):
        curve(vectors, [2, 2], repeats=0)
    with pytest.raises(ShapeError, match="4 photos cannot be cut into things"):
        kshot_curve(Euclidean(), vectors, np.array([1, 2]))
