"""Each protocol from pictures to scorecard, with models whose scores are known beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from firstsight.data.manifest import Source
from firstsight.data.omniglot import Run
from firstsight.data.packed import PackedPictures
from firstsight.errors import DataError, EpisodeError, ShapeError, UsageError
from firstsight.evaluation.baselines import embed_constant, embed_raw_pixels, hausdorff_lake2015
from firstsight.evaluation.embedding import embed_all
from firstsight.evaluation.protocols import (
    PROTOCOLS,
    NwayPlan,
    VerificationPlan,
    dense,
    lake2015,
    nway,
    verification,
)
from firstsight.evaluation.scorecard import Scorecard
from firstsight.images.preprocess import Preprocessing
from firstsight.metrics.intervals import wilson
from firstsight.sampling.episodes import EpisodePlan
from firstsight.similarity import Cosine, Euclidean

Pixels = npt.NDArray[np.uint8]
N_DRAWERS = 4


def alphabets(sizes: Sequence[int]) -> PackedPictures:
    """Pictures (2, 2, 1) that say who they are: class number, low byte, high byte, drawer."""
    n_classes = sum(sizes)
    labels = np.repeat(np.arange(n_classes), N_DRAWERS)
    drawers = np.tile(np.arange(N_DRAWERS), n_classes)
    pixels = np.stack([labels % 256, labels // 256, drawers, 0 * labels], axis=1).astype(np.uint8)
    return PackedPictures.of(
        name="told",
        pixels=pixels.reshape(-1, 2, 2, 1),
        labels=labels,
        drawers=drawers,
        class_names=tuple(f"class{k}" for k in range(n_classes)),
        class_groups=np.repeat(np.arange(len(sizes)), sizes),
        group_names=tuple(f"alphabet{k}" for k in range(len(sizes))),
    )


def one_hot(numbers: npt.NDArray[Any], size: int) -> npt.NDArray[np.float32]:
    is_it: npt.NDArray[np.bool_] = numbers[:, None] == np.arange(size)
    return is_it.astype(np.float32)


def told_class(pixels: Pixels) -> npt.NDArray[np.float32]:
    """An oracle: one-hot of the class that the picture names."""
    flat = pixels.reshape(len(pixels), -1).astype(np.int64)
    return one_hot(flat[:, 0] + 256 * flat[:, 1], 300)


def told_drawer(pixels: Pixels) -> npt.NDArray[np.float32]:
    """Knows whose hand it was and nothing else, as a model may that learned the wrong thing."""
    return one_hot(pixels.reshape(len(pixels), -1)[:, 2], N_DRAWERS)


def seeded_noise(pixels: Pixels) -> npt.NDArray[np.float32]:
    rng = np.random.default_rng(int(pixels.astype(np.int64).sum()))
    return rng.normal(size=(len(pixels), 8)).astype(np.float32)


PICTURES = alphabets([22, 25, 30, 12])
SMALL = NwayPlan(EpisodePlan(n_way=5, k_shot=2, n_query=5, n_tasks=200))


def test_an_oracle_is_right_and_a_constant_at_chance_in_dense() -> None:
    right = dense(told_class, Cosine(), PICTURES, 0, trials=1000)
    chance = dense(embed_constant, Euclidean(), PICTURES, 0, trials=1000)
    assert (right.value, right.interval) == (1.0, wilson(3, 3))  # three alphabets
    assert chance.value == pytest.approx(1 / 20, rel=1e-12)
    assert (right.protocol, right.measure, right.n, right.seed) == ("dense", "accuracy", 1000, 0)
    assert (right.data_name, right.data_fingerprint) == ("told", PICTURES.fingerprint)


def test_knowing_the_hand_is_of_no_use_where_drawers_differ() -> None:
    # Every support is by one drawer and the query by another: all distances are equal.
    card = dense(told_drawer, Euclidean(), PICTURES, 0, trials=1000)
    assert card.value == pytest.approx(1 / 20, rel=1e-12)


def test_dense_names_the_accuracy_of_each_alphabet_that_took_part() -> None:
    card = dense(seeded_noise, Euclidean(), PICTURES, 1, trials=2000)
    by_group = card.details["accuracy_by_group"]
    assert set(by_group) == {"alphabet0", "alphabet1", "alphabet2"}  # the fourth has 12 classes
    assert min(by_group.values()) <= card.value <= max(by_group.values())
    assert card.interval[0] <= card.value <= card.interval[1]


def test_protocols_are_exactly_repeatable() -> None:
    measure: dict[str, Callable[[int], Scorecard]] = {
        "dense": lambda seed: dense(seeded_noise, Euclidean(), PICTURES, seed, trials=1000),
        "nway": lambda seed: nway(seeded_noise, Cosine(), PICTURES, seed, SMALL),
        "verification": lambda seed: verification(
            seeded_noise, Cosine(), PICTURES, seed, VerificationPlan(400)
        ),
    }
    for name, protocol in measure.items():
        first, again, other = protocol(3), protocol(3), protocol(4)
        assert first == again, name
        assert first.value != other.value or first.interval != other.interval, name
        assert Scorecard.from_json(json.loads(json.dumps(first.to_json()))) == first
        assert first.protocol == name
        assert name in PROTOCOLS


def test_fewer_than_a_thousand_dense_trials_are_refused() -> None:
    with pytest.raises(UsageError, match="dense with 999 trials; give at least 1000"):
        dense(told_class, Cosine(), PICTURES, 0, trials=999)


@pytest.mark.parametrize("shots", ["prototype", "best"])
@pytest.mark.parametrize("within_group", [True, False])
def test_nway_answers_every_query(shots: Any, within_group: bool) -> None:
    plan = NwayPlan(replace(SMALL.episodes, within_group=within_group), shots)
    card = nway(told_class, Cosine(), PICTURES, 0, plan)
    assert (card.value, card.n) == (1.0, 1000)
    assert card.details["shots"] == shots
    assert card.details["interval_by"] == ("group" if within_group else "class")
    assert ("accuracy_by_group" in card.details) == within_group


def test_a_single_trial_still_has_an_interval() -> None:
    plan = NwayPlan(EpisodePlan(n_way=2, n_tasks=1))
    card = nway(told_class, Cosine(), PICTURES, 0, plan)
    assert card.interval == pytest.approx((0.2065, 1), abs=1e-4)  # Wilson, 1 of 1


def test_nway_refuses_more_classes_than_a_group_has() -> None:
    with pytest.raises(EpisodeError, match="the largest group has 30 classes"):
        nway(told_class, Cosine(), PICTURES, 0, NwayPlan(EpisodePlan(n_way=31)))


@pytest.mark.parametrize("within_group", [True, False])
def test_verification_of_an_oracle_and_of_a_constant(within_group: bool) -> None:
    plan = VerificationPlan(400, within_group)
    right = verification(told_class, Cosine(), PICTURES, 0, plan)
    assert right.value == right.details["auc"] == right.details["true_accept_1"] == 1
    assert right.details["equal_error_rate"] == 0
    assert right.details["thresholds"] == [0.5, 0.5]
    chance = verification(embed_constant, Cosine(), PICTURES, 0, plan)
    assert chance.value == chance.details["auc"] == 0.5
    assert chance.details["thresholds"] == [None, None]


def test_verification_of_a_single_group_halves_its_classes() -> None:
    card = verification(told_class, Cosine(), alphabets([8]), 0, VerificationPlan(40))
    assert (card.value, card.n) == (1, 40)
    with pytest.raises(DataError, match="four such classes are enough; here 3 of 3"):
        verification(told_class, Cosine(), alphabets([3]), 0, VerificationPlan(40))


def test_an_odd_number_of_pairs_is_refused() -> None:
    with pytest.raises(UsageError, match="n_pairs is 42; give a multiple of 4"):
        VerificationPlan(42)


def test_embed_all_keeps_the_order_over_batches() -> None:
    embedded = embed_all(told_class, PICTURES.pixels, batch_size=7)
    np.testing.assert_array_equal(embedded, told_class(np.asarray(PICTURES.pixels)))


def test_an_embed_that_loses_pictures_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"embed gave shape \(2, 1\) for 3 pictures"):
        embed_all(lambda pixels: embed_constant(pixels)[1:], PICTURES.pixels[:3])
    with pytest.raises(DataError, match="no pictures to embed"):
        embed_all(embed_constant, PICTURES.pixels[:0])


@pytest.fixture
def runs(tmp_path: Path) -> list[Run]:
    """Two runs of 20 distinct shapes (four-bar codes), queries in another order and moved."""
    rng = np.random.default_rng(0)
    made = []
    for number in (1, 2):
        codes = rng.permutation(np.arange(1, 32))[:20]
        truth = rng.permutation(20)
        support = [written(tmp_path / f"{number}s{k}.png", code, 2) for k, code in enumerate(codes)]
        query = [
            written(tmp_path / f"{number}q{k}.png", codes[place], 2)
            for k, place in enumerate(truth)
        ]
        made.append(Run(tuple(support), tuple(query), truth.astype(np.int64), f"run{number:02d}"))
    return made


def written(path: Path, code: int, left: int) -> Source:
    """Five bars of 3 px, long where the code's bit is 1, on 24 x 24 paper."""
    pixels = np.full((24, 24), 255, np.uint8)
    for bit in range(5):
        length = 18 if code >> bit & 1 else 3
        pixels[2 + 4 * bit : 5 + 4 * bit, left : left + length] = 0
    Image.fromarray(pixels).save(path)
    return Source(path)


def test_copies_are_found_on_the_runs_by_pixels_and_by_hausdorff_distance(runs: list[Run]) -> None:
    preprocessing = Preprocessing(size=24)
    for card in (
        lake2015(embed_raw_pixels, Cosine(), runs, preprocessing),
        hausdorff_lake2015(runs, preprocessing),
    ):
        assert (card.protocol, card.measure, card.value, card.n) == (
            "lake2015",
            "error_rate",
            0,
            40,
        )
        assert card.details["errors_by_run"] == {"run01": 0, "run02": 0}
        assert card.interval == pytest.approx((0, 0.0876), abs=1e-4)  # Wilson, 0 of 40


def test_a_constant_makes_nineteen_errors_a_run(runs: list[Run]) -> None:
    card = lake2015(embed_constant, Cosine(), runs, Preprocessing(size=24))
    assert card.value == 0.95
    assert card.details["errors_by_run"] == {"run01": 19, "run02": 19}


def test_one_wrong_truth_is_one_error(runs: list[Run]) -> None:
    truth = runs[1].truth.copy()
    truth[0] = (truth[0] + 1) % 20
    wrong = [runs[0], replace(runs[1], truth=truth)]
    card = lake2015(embed_raw_pixels, Cosine(), wrong, Preprocessing(size=24))
    assert card.value == 1 / 40
    assert card.details == {"errors": 1, "errors_by_run": {"run01": 0, "run02": 1}}
    right = lake2015(embed_raw_pixels, Cosine(), runs, Preprocessing(size=24))
    assert card.data_fingerprint != right.data_fingerprint


def test_no_runs_are_refused() -> None:
    with pytest.raises(DataError, match="no runs to judge by"):
        lake2015(embed_constant, Cosine(), [], Preprocessing(size=24))
