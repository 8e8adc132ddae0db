"""What a model knows of itself: fitted as naive loops fit it, small, and read strictly."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest

from firstsight.deciding import fitting
from firstsight.deciding.calibrated import Calibrated, SizedTrials
from firstsight.deciding.fitting import HeldOut, dyadic_interval, fit_calibrated
from firstsight.deciding.shares import share_of_nearest
from firstsight.deciding.thresholds import threshold_for
from firstsight.errors import DataError, ModelFolderError, ShapeError
from firstsight.similarity import Euclidean

from .conftest import World


def test_it_fits_into_a_model_folder_and_comes_back_the_same(calibrated: Calibrated) -> None:
    text = json.dumps(calibrated.to_json(), allow_nan=False)
    assert len(text) < 200_000
    back = Calibrated.from_json(json.loads(text))
    assert json.dumps(back.to_json()) == text
    np.testing.assert_array_equal(back.strangers.distance, calibrated.strangers.distance)
    np.testing.assert_array_equal(back.enrolled.margin, calibrated.enrolled.margin)
    np.testing.assert_array_equal(back.enrolled.right, calibrated.enrolled.right)
    assert back.table == calibrated.table and back.verify == calibrated.verify


def test_it_says_what_it_was_fitted_on(calibrated: Calibrated) -> None:
    assert calibrated.fitted_on == {"data": "a world", "classes": 330, "pictures": 990, "seed": 3}
    assert calibrated.sizes == (1, 2, 5, 10, 20, 50, 100, 200, 329)


def test_larger_galleries_bring_something_nearer(calibrated: Calibrated) -> None:
    for pool in (calibrated.strangers, calibrated.enrolled):
        assert (np.diff(pool.distance, axis=1) <= 0).all()
        assert (pool.margin[:, 1:] >= 0).all() and np.isnan(pool.margin[:, 0]).all()
    assert calibrated.enrolled.right[:, 0].all() and not calibrated.strangers.right.any()


def test_simulated_rates_are_those_of_naive_galleries(calibrated: Calibrated, world: World) -> None:
    rng = np.random.default_rng(8)
    for column, size in ((0, 1), (3, 10), (5, 50)):
        drawn = [world.photos(rng, size + 1, 1) for _ in range(600)]
        nearest = [float(Euclidean().distance(each[:1], each[1:]).min()) for each in drawn]
        for share in (0.05, 0.5):
            got = np.quantile(calibrated.strangers.distance[:, column], share)
            accepted = np.mean(np.array(nearest) <= got)
            assert accepted == pytest.approx(share, abs=3 * np.sqrt(share * (1 - share) / 300))


def test_the_verify_table_is_what_new_pairs_show(calibrated: Calibrated, world: World) -> None:
    rng = np.random.default_rng(9)
    same = world.photos(rng, 4000, 2)
    genuine = Euclidean().paired(same[0::2], same[1::2])
    impostor = Euclidean().paired(same[0::2], np.roll(same[1::2], 1, axis=0))
    for row in calibrated.table:
        if row.false_matches >= 0.01:
            low, high = row.interval
            assert low <= row.false_matches * 1.001 and row.false_matches * 0.9 <= high
            new = float((impostor <= row.threshold).mean())
            assert low - 0.25 * row.false_matches <= new <= high + 0.25 * row.false_matches
            assert row.misses == pytest.approx(float((genuine > row.threshold).mean()), abs=0.02)
    assert calibrated.table[0].false_matches == 2e-4
    probabilities = calibrated.verify.probability(np.concatenate([genuine, impostor]))
    assert (
        probabilities[: len(genuine)].mean() > 0.95 and probabilities[len(genuine) :].mean() < 0.05
    )


@pytest.mark.parametrize("size", [2, 12, 60])
def test_shares_by_the_models_sharpness_come_true_at_any_size(size: int) -> None:
    blurred = World(blur=0.7)
    part = HeldOut(blurred.photos(np.random.default_rng(5), 200, 3), np.repeat(np.arange(200), 3))
    model = fit_calibrated(Euclidean(), [part], fitted_on={}, seed=0)
    rng = np.random.default_rng(6)
    right, said = [], []
    for _ in range(400 // size + 20):
        photos = blurred.photos(rng, size, 2)
        distance = Euclidean().distance(photos[1::2], photos[0::2])
        right += (distance.argmin(axis=1) == np.arange(size)).tolist()
        said += [share_of_nearest(np.sort(row).tolist(), size, model.sharpness) for row in distance]
    assert 0.3 < np.mean(right) < 0.98
    assert np.mean(said) == pytest.approx(np.mean(right), abs=0.05)


def test_between_two_sizes_both_count_by_log_size(calibrated: Calibrated) -> None:
    low, high = calibrated.at_size(20), calibrated.at_size(50)
    middle = calibrated.at_size(32)
    share = np.log(32 / 20) / np.log(50 / 20)
    for distance in (0.5, 1.0, 1.5):
        rates = [
            float(each.trials.strangers.weight @ (each.trials.strangers.distance <= distance))
            for each in (low, middle, high)
        ]
        assert rates[1] == pytest.approx((1 - share) * rates[0] + share * rates[2])
    assert middle.trials.strangers.n_things == pytest.approx(low.trials.strangers.n_things)
    thresholds = [threshold_for(each.trials.strangers, 0.02) for each in (low, middle, high)]
    assert thresholds == sorted(thresholds, reverse=True)


def test_beyond_the_largest_size_rates_grow_by_the_rule(calibrated: Calibrated) -> None:
    sized = calibrated.at_size(658)
    assert sized.ratio == 2
    assert sized.scaled(0.1) == pytest.approx(1 - 0.9**2)
    assert sized.unscaled(0.19) == pytest.approx(0.1)
    assert calibrated.at_size(329).ratio == 1


def test_trials_can_be_moved_as_a_whole(calibrated: Calibrated) -> None:
    sized = calibrated.at_size(50)
    moved = sized.shifted(-0.25)
    assert isinstance(moved, SizedTrials)
    np.testing.assert_allclose(
        moved.trials.enrolled.distance, sized.trials.enrolled.distance - 0.25
    )
    assert threshold_for(moved.trials.strangers, 0.05) == pytest.approx(
        threshold_for(sized.trials.strangers, 0.05) - 0.25
    )


def test_pairs_of_one_class_depend_on_each_other() -> None:
    # Ten classes, all 45 pairs; the hits are exactly the nine pairs of class 0.
    first, second = np.triu_indices(10, 1)
    between = np.stack([first, second])
    hits = first == 0
    low, high = dyadic_interval(hits, between)
    scattered = dyadic_interval(np.random.default_rng(1).permutation(hits), between)
    assert low < 0.2 < high
    assert high - low > 1.5 * (scattered[1] - scattered[0])
    assert dyadic_interval(hits & False, between)[0] == pytest.approx(0, abs=1e-12)


def test_pairs_of_one_group_make_verifying_harder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "N_PAIRS", 4000)
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(10), 10)  # ten families of five look-alikes, two photos each
    centres = 3 * rng.normal(size=(10, 4))[groups]
    labels = np.repeat(np.arange(50), 2)
    embeddings = centres + rng.normal(size=(50, 4))[labels] + 0.1 * rng.normal(size=(100, 4))
    anywhere, within = (
        fit_calibrated(Euclidean(), [HeldOut(embeddings, labels, given)], fitted_on={})
        for given in (None, groups)
    )
    assert within.table[-1].threshold < anywhere.table[-1].threshold


def test_parts_are_strangers_to_each_other_and_count_together(world: World) -> None:
    photos = world.photos(np.random.default_rng(5), 60, 4).astype(np.float64)
    part = HeldOut(photos, np.repeat(np.arange(60), 4))
    # The very same classes again: in one gallery with them no stranger would be far from all.
    alone, doubled = (
        fit_calibrated(Euclidean(), parts, fitted_on={}) for parts in ([part], [part, part])
    )
    assert (alone.sizes, alone.fitted_on["classes"]) == (doubled.sizes, 60)
    assert (doubled.fitted_on["classes"], doubled.fitted_on["pictures"]) == (120, 480)
    assert doubled.strangers.thing.max() >= 60
    assert len(doubled.strangers.thing) == len(alone.strangers.thing)
    for size in (5, 59):
        one, both = (
            threshold_for(each.at_size(size).trials.strangers, 0.1) for each in (alone, doubled)
        )
        assert both == pytest.approx(one, rel=0.1)
    narrow, wide = (each.table[-1].interval for each in (doubled, alone))
    assert narrow[1] - narrow[0] < wide[1] - wide[0]  # twice the classes vouch for more


def test_what_cannot_be_calibrated_on_is_refused() -> None:
    rng = np.random.default_rng(0)
    embeddings, labels = rng.normal(size=(40, 3)), np.repeat(np.arange(20), 2)
    with pytest.raises(ShapeError, match="give \\(N, D\\) and \\(N,\\)"):
        HeldOut(embeddings, labels[:-1])
    with pytest.raises(DataError, match="9 classes, 9 of them with two pictures, are too few"):
        HeldOut(embeddings[:18], labels[:18])
    with pytest.raises(DataError, match="40 classes, 0 of them with two"):
        HeldOut(embeddings, np.arange(40))
    embeddings[3, 1] = np.nan
    with pytest.raises(DataError, match="1 of 40 embeddings are not finite"):
        HeldOut(embeddings, labels)


def put(path: list[Any], value: object) -> Any:
    def change(record: Any) -> None:
        for step in path[:-1]:
            record = record[step]
        record[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        put(["version"], 2),
        put(["extra"], 1),
        put(["verify", "slope"], "steep"),
        put(["sharpness"], -1.0),
        put(["sharpness"], "sharp"),
        put(["table"], []),
        put(["table", 0, "false_matches"], 0.5),
        put(["table", 0, "interval"], [0.2, 0.1]),
        put(["table", 0, "threshold"], None),
        put(["sizes"], [2, 5]),
        put(["sizes", 1], 1),
        put(["strangers", "thing", 0], -1),
        put(["strangers", "distance", 0, 0], None),
        put(["strangers", "distance", 0], [1.0]),
        put(["strangers", "margin", 0, 0], 1.0),
        put(["strangers", "margin", 1, 0], -1.0),
        put(["enrolled", "right", 0], "2" * 300),
        put(["enrolled", "right", 0], "1"),
        put(["enrolled", "cluster"], "many"),
        put(["fitted_on"], "data"),
    ],
)
def test_every_flaw_of_a_record_is_one_sentence(calibrated: Calibrated, change: Any) -> None:
    record = copy.deepcopy(calibrated.to_json())
    change(record)
    with pytest.raises(ModelFolderError, match=r"calibration is damaged .*; calibrate the model"):
        Calibrated.from_json(record)


def test_a_record_without_sharpness_takes_the_slope(calibrated: Calibrated) -> None:
    """As records were until November 2026."""
    record = calibrated.to_json()
    del record["sharpness"]
    assert Calibrated.from_json(record).sharpness == -calibrated.verify.slope


@pytest.mark.parametrize("record", [None, [], "text", {}, 3])
def test_what_is_no_record_is_refused(record: object) -> None:
    with pytest.raises(ModelFolderError, match="calibration is damaged"):
        Calibrated.from_json(record)
