"""What a gallery may expect, and how it learns from verdicts."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstsight.data.catalogue import open_pictures
from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.combining import RULES, thing_distances
from firstsight.deciding.decide import decide
from firstsight.deciding.estimate import Estimate, estimate, things_needed
from firstsight.deciding.shares import share_of_nearest
from firstsight.errors import GalleryError, UsageError
from firstsight.images.preprocess import Preprocessing
from firstsight.similarity import Euclidean

from .conftest import Photos, World


@dataclass(frozen=True)
class Word:
    """A verdict, as far as this room looks at one."""

    kind: str
    distance: float
    margin: float | None = None


def judged(photos: Photos, calibrated: Calibrated | None = None, **options: Any) -> Estimate:
    return estimate(Euclidean(), photos, calibrated=calibrated, **options)


@pytest.fixture(scope="module")
def large(world: World) -> Photos:
    return world.gallery(np.random.default_rng(1), 320, 2)


@pytest.fixture(scope="module")
def small(world: World) -> Photos:
    return world.gallery(np.random.default_rng(2), 40, 3)


def test_how_many_things_a_target_takes() -> None:
    assert [things_needed(target) for target in (0.01, 0.05, 0.3, 0.002)] == [300, 60, 10, 1500]


def test_enough_things_give_their_own_threshold(large: Photos, calibrated: Calibrated) -> None:
    found = judged(large, calibrated, rule="best")
    assert (found.basis, found.misses_basis, found.likely_right_basis) == ("gallery",) * 3
    assert (found.n_things, found.n_photos, found.seen_here) == (320, 640, None)
    assert found.kept == "estimated from this gallery's own 320 things"
    # By hand: no more than 1 % of 321 things' worth of photos is nearer to another thing.
    apart = Euclidean().distance(large.vectors, large.vectors)
    thing = np.repeat(np.arange(320), 2)
    apart[thing[:, None] == thing] = np.inf
    nearest = apart.min(axis=1)
    allowed = [each for each in nearest if (nearest <= each).sum() / 2 <= 3.21]
    assert found.threshold is not None
    assert found.threshold == pytest.approx(max(allowed))
    assert found.threshold_interval is not None and found.false_accepts is not None
    assert found.threshold_interval[0] <= found.threshold <= found.threshold_interval[1]
    assert found.false_accepts.rate <= 0.01
    assert found.false_accepts.interval[0] < 0.01 < found.false_accepts.interval[1] < 0.03


def test_too_few_things_keep_the_models_threshold_and_say_so(
    small: Photos, calibrated: Calibrated
) -> None:
    found = judged(small, calibrated, rule="best")
    assert (found.basis, found.misses_basis) == ("model", "gallery")
    assert found.kept == (
        "the model's own at gallery size 40: 300 things are needed to estimate a threshold for "
        "1 % false accepts from the gallery itself, and it has 40"
    )
    assert found.seen_here is not None and found.false_accepts is not None
    # 40 things cannot tell 1 % from 5 %, so the interval may not pretend to.
    assert found.false_accepts.interval[1] >= found.seen_here.interval[1] > 0.05
    assert judged(small, calibrated, target=0.075).basis == "gallery"  # 3 / 0.075 = 40


def test_with_one_photo_each_misses_come_from_the_model(
    world: World, calibrated: Calibrated
) -> None:
    photos = world.gallery(np.random.default_rng(3), 310, 1)
    found = judged(photos, calibrated)
    assert (found.basis, found.misses_basis, found.likely_right_basis) == (
        "gallery",
        "model",
        "model",
    )
    assert found.rule == "best" and found.accuracies is None and "kept" in found.rule_kept
    alone = judged(photos)
    assert (alone.basis, alone.misses, alone.likely_right) == ("gallery", None, None)


def test_how_sharply_distances_tell_is_the_gallerys_own_where_that_is_enough(
    world: World, small: Photos, calibrated: Calibrated
) -> None:
    own = judged(small, calibrated, rule="best")
    assert own.sharpness_basis == "gallery" and own.sharpness is not None
    alone = judged(small, rule="best").sharpness
    assert alone is not None  # between what it says alone and what the model says
    assert alone < own.sharpness < calibrated.sharpness
    singles = world.gallery(np.random.default_rng(3), 40, 1)
    found = judged(singles, calibrated)
    assert (found.sharpness, found.sharpness_basis) == (calibrated.sharpness, "model")
    none = judged(singles)
    assert (none.sharpness, none.sharpness_basis) == (None, "none")


def test_things_unlike_the_models_are_told_by_shares(calibrated: Calibrated) -> None:
    """All a fifth as far apart as what the model was calibrated on: it would name any stranger."""
    rng = np.random.default_rng(4)
    near = Photos.of(World().photos(rng, 5, 2) / 5, [2] * 5)
    found = judged(near, calibrated)
    assert found.basis == "model" and "lowered" in found.kept
    assert found.likely_right is None and found.offset is not None
    assert found.n_compared > 2
    strangers = World().photos(rng, 200, 1) / 5
    distance = np.sort(thing_distances(Euclidean(), strangers, near, found.rule), axis=1)
    decided = [decide(row.tolist(), 5, found) for row in distance]
    assert np.mean([each.decision == "known" for each in decided]) < 0.05
    assert np.mean([each.probability for each in decided]) < 0.4


def test_in_a_foreign_gallery_the_rate_is_that_of_the_nearest_pair(
    calibrated: Calibrated,
) -> None:
    """A stranger among n things is nearer than all of them are to each other: 2 / (n + 1)."""
    accepted, stated = list[float](), list[float]()
    for seed in range(60):
        drawn = World().photos(np.random.default_rng(seed), 26, 1) / 5
        found = judged(Photos.of(drawn[:6], [1] * 6), calibrated)
        assert found.false_accepts is not None and found.threshold is not None
        assert (found.misses, found.misses_basis, found.on_average) == (None, "none", None)
        nearest = Euclidean().distance(drawn[6:], drawn[:6]).min(axis=1)
        accepted.append(float((nearest <= found.threshold).mean()))
        stated.append(found.false_accepts.rate)
    assert stated == [pytest.approx(2 / 7)] * 60
    assert np.mean(accepted) == pytest.approx(2 / 7, abs=0.08)


def test_galleries_like_the_models_data_are_seldom_called_foreign(
    world: World, calibrated: Calibrated
) -> None:
    for n_things in (2, 3, 5, 9, 20):
        galleries = [world.gallery(np.random.default_rng(s), n_things, 1) for s in range(60)]
        lowered = ["lowered" in judged(each, calibrated).kept for each in galleries]
        assert np.mean(lowered) <= 0.05, n_things


@given(st.floats(0, 2), st.floats(0, 1), st.integers(2, 8))
@settings(deadline=None, max_examples=15)
def test_a_denial_moves_the_odds_by_what_its_distances_say(
    calibrated: Calibrated, distance: float, margin: float, n_things: int
) -> None:
    things = World().photos(np.random.default_rng(4), n_things, 1) / 20
    near = Photos.of(things, [1] * n_things)
    plain = judged(near, calibrated)
    denied = judged(near, calibrated, verdicts=[Word("wrong", distance, margin)])
    assert plain.offset is not None and denied.offset is not None
    # The odds that this stranger found, all but the nearest thing as near as the runner-up.
    assert plain.sharpness is not None
    found = np.exp(plain.offset - plain.sharpness * np.array([distance, distance + margin]))
    if (found[0] + (n_things - 1) * found[1]) / n_things >= 1:
        assert denied.offset <= plain.offset + 1e-9
    else:
        assert denied.offset >= plain.offset - 1e-9


def test_damaged_photos_and_flat_models_say_nothing_of_shares(calibrated: Calibrated) -> None:
    whole = World().photos(np.random.default_rng(4), 5, 1) / 5
    damaged = np.concatenate([whole, np.full((20, 8), np.nan, np.float32)])
    plain = judged(Photos.of(whole, [1] * 5), calibrated)
    torn = judged(Photos.of(damaged, [1] * 25), calibrated)
    assert plain.offset is not None and torn.offset is not None
    assert torn.offset == pytest.approx(plain.offset, abs=0.3)  # the model is asked at size 25
    for slope in (0.0, 1.0):
        flat = replace(calibrated, verify=replace(calibrated.verify, slope=slope))
        found = judged(Photos.of(whole, [1] * 5), flat)
        assert (found.sharpness, found.sharpness_basis, found.offset) == (None, "none", None)
        assert found.likely_right is not None


def test_a_denial_lowers_the_odds_of_shares_and_a_confirmation_sharpens_them(
    calibrated: Calibrated,
) -> None:
    near = Photos.of(World().photos(np.random.default_rng(4), 5, 1) / 5, [1] * 5)
    plain = judged(near, calibrated)
    assert plain.offset is not None and plain.sharpness is not None
    denied = judged(near, calibrated, verdicts=[Word("wrong", 0.05, 0.2)])
    assert denied.offset is not None and denied.offset < plain.offset
    for margin in (0.02, 0.1, 0.5, 2):  # however sure it was already
        once = judged(near, calibrated, verdicts=[Word("right", 0.1, margin)])
        assert once.sharpness is not None and once.sharpness >= plain.sharpness
    surer = judged(near, calibrated, verdicts=[Word("right", 0.1, 0.05)] * 5)
    assert surer.sharpness is not None and surer.sharpness > plain.sharpness
    doubtful = judged(near, calibrated, verdicts=[Word("other", 0.1, 0.3)] * 5)
    assert doubtful.sharpness is not None and doubtful.sharpness < plain.sharpness


def test_shares_by_the_gallerys_own_sharpness_come_true() -> None:
    blurred = World(blur=0.5).photos(np.random.default_rng(2), 40, 6).reshape(40, 6, -1)
    enrolled = Photos.of(blurred[:, :3].reshape(120, -1), [3] * 40)
    found = judged(enrolled, rule="best")
    assert found.sharpness is not None
    distance = thing_distances(Euclidean(), blurred[:, 3:].reshape(120, -1), enrolled, "best")
    right = distance.argmin(axis=1) == np.repeat(np.arange(40), 3)
    shares = [share_of_nearest(np.sort(row).tolist(), 40, found.sharpness) for row in distance]
    assert 0.3 < right.mean() < 0.9
    assert np.mean(shares) == pytest.approx(right.mean(), abs=0.07)


def test_without_calibration_a_small_gallery_claims_nothing(small: Photos) -> None:
    found = judged(small)
    assert (found.basis, found.threshold, found.false_accepts) == ("none", None, None)
    assert "run firstsight calibrate MODEL --data FOLDER" in found.kept
    assert found.likely_right is not None  # of that it has trials enough of its own
    assert decide([0.01, 5.0], 40, found).decision == "unsure"


def test_thresholds_follow_the_size_of_the_gallery(world: World, calibrated: Calibrated) -> None:
    rng = np.random.default_rng(5)
    thresholds = [
        judged(world.gallery(rng, n_things, 1), calibrated).threshold
        for n_things in (1, 2, 3, 10, 32, 100, 250)
    ]
    assert thresholds == sorted(thresholds, key=lambda each: -(each or 0))


def test_under_best_each_photo_counts_towards_the_size(
    world: World, calibrated: Calibrated
) -> None:
    photos = world.gallery(np.random.default_rng(6), 9, 5)
    kept = judged(photos, calibrated, rule="best").kept
    assert kept.startswith("the model's own at gallery size 45:")
    assert "size 9:" in judged(photos, calibrated, rule="mean").kept
    larger = judged(world.gallery(np.random.default_rng(6), 5, 80), calibrated, rule="best")
    assert "stretched beyond the largest size" in larger.kept
    assert larger.false_accepts is not None and larger.false_accepts.rate <= 0.0101


def test_the_model_keeps_its_promise_in_galleries_of_its_own_world(
    world: World, calibrated: Calibrated
) -> None:
    measured: dict[str, list[float]] = {rule: [] for rule in RULES}
    inside = []
    for seed in range(8):
        rng = np.random.default_rng(100 + seed)
        photos, new = world.gallery(rng, 40, 4), world.photos(rng, 1500, 1)
        for rule in RULES:
            found = judged(photos, calibrated, target=0.02, rule=rule, seed=seed)
            assert found.threshold is not None and found.false_accepts is not None
            nearest = thing_distances(Euclidean(), new, photos, rule).min(axis=1)
            measured[rule].append(float((nearest <= found.threshold).mean()))
            low, high = found.false_accepts.interval
            inside.append(low <= measured[rule][-1] <= high)
    assert np.mean(inside) >= 0.9
    for rates in measured.values():
        assert 0.004 < np.mean(rates) < 0.03
    assert np.mean(measured["best"]) < 0.02  # its photos are no independent chances: cautious


def test_a_gallery_of_look_alikes_lowers_the_models_threshold(calibrated: Calibrated) -> None:
    world = World(blur=0.25)
    usual = judged(Photos.of(world.photos(np.random.default_rng(7), 30, 2), [2] * 30), calibrated)
    assert "lowered" not in usual.kept
    crowded = world.photos(np.random.default_rng(7), 30, 2) * 0.2
    found = judged(Photos.of(crowded, [2] * 30), calibrated)
    assert found.basis == "model" and found.seen_here is not None
    assert "lowered" in found.kept
    assert found.threshold is not None and usual.threshold is not None
    assert found.threshold < usual.threshold
    # One of 30 things may pass: they can vouch for no smaller share than 1 in 31.
    assert found.seen_here.rate == pytest.approx(1 / 31)
    assert found.false_accepts is not None
    assert found.false_accepts.interval[1] < 0.5


def test_the_rule_that_names_most_of_the_gallerys_photos_is_chosen() -> None:
    rng = np.random.default_rng(0)
    blurred = World(n_dimensions=16, blur=1.5).gallery(rng, 12, 8)
    found = judged(blurred)
    assert found.accuracies is not None
    assert found.rule in ("mean", "prototype")
    assert found.accuracies[found.rule] == max(found.accuracies.values())
    assert found.accuracies[found.rule] > found.accuracies["best"]
    clear = judged(World(n_dimensions=16, blur=0.01).gallery(rng, 12, 8))
    assert clear.accuracies == dict.fromkeys(RULES, 1.0)
    assert clear.rule == "best"  # where all do equally well
    few = judged(World().gallery(rng, 9, 8))
    assert (few.rule, few.accuracies) == ("best", None)
    assert judged(blurred, rule="best").rule_kept == "as asked"


def test_a_rule_is_worth_what_it_names_rightly_and_nearer_than_strangers() -> None:
    photos = World(n_dimensions=4, blur=0.8).gallery(np.random.default_rng(1), 12, 3)
    found = judged(photos)
    assert found.accuracies is not None
    apart = Euclidean().distance(photos.vectors, photos.vectors).astype(np.float64)
    thing = np.repeat(np.arange(12), 3)
    np.fill_diagonal(apart, np.inf)
    others = np.where(thing[:, None] == thing, np.inf, apart).min(axis=1)
    own = np.where(thing[:, None] == thing, apart, np.inf).min(axis=1)
    won = sum(own[i] < others[i] and own[i] < others[j] for i in range(36) for j in range(36))
    assert found.accuracies["best"] == pytest.approx(won / 36**2)


def test_a_wrong_name_lowers_the_threshold_at_once(large: Photos, calibrated: Calibrated) -> None:
    plain = judged(large, calibrated)
    assert plain.threshold is not None and plain.threshold_interval is not None
    near = plain.threshold * 0.5
    after_one = judged(large, calibrated, verdicts=[Word("wrong", near, 0.1)])
    assert after_one.threshold is not None and after_one.threshold < plain.threshold
    assert after_one.threshold_interval == plain.threshold_interval
    assert after_one.n_verdicts == 1
    assert judged(large, calibrated) == plain  # taken back, nothing remains of it


def test_verdicts_move_the_probability(large: Photos, calibrated: Calibrated) -> None:
    def sure(*verdicts: Word) -> float:
        likely = judged(large, calibrated, verdicts=verdicts).likely_right
        assert likely is not None
        return likely.probability(1.0, 0.4)

    assert sure(*[Word("wrong", 0.9, 0.4)] * 5) < sure()
    assert sure(*[Word("other", 0.9, 0.4)] * 5) < sure()
    assert sure(*[Word("right", 1.1, 0.4)] * 5) > sure()
    # Only strangers' trials, so only "wrong", say where strangers are.
    threshold = judged(large, calibrated).threshold
    assert judged(large, calibrated, verdicts=[Word("other", 0.9)]).threshold == threshold


@pytest.mark.parametrize(("target", "basis"), [(0.01, "model"), (0.075, "gallery")])
@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["right", "wrong", "other"]),
            st.floats(0, 9),
            st.none() | st.floats(0, 9),
        ),
        max_size=60,
    )
)
def test_no_verdicts_take_the_threshold_out_of_its_interval(
    small: Photos,
    calibrated: Calibrated,
    target: float,
    basis: str,
    drawn: list[tuple[str, float, float | None]],
) -> None:
    verdicts = [Word(*each) for each in drawn]
    found = judged(small, calibrated, target=target, verdicts=verdicts)
    assert found.basis == basis
    assert found.threshold is not None and found.threshold_interval is not None
    assert found.threshold_interval[0] <= found.threshold <= found.threshold_interval[1]


def test_the_same_seed_gives_the_same_estimate(small: Photos, calibrated: Calibrated) -> None:
    assert judged(small, calibrated) == judged(small, calibrated)


def test_an_estimate_comes_back_from_the_store_as_it_was(
    large: Photos, small: Photos, calibrated: Calibrated, world: World
) -> None:
    one = world.gallery(np.random.default_rng(0), 1, 1)
    for found in (
        judged(large, calibrated),
        judged(small, calibrated),
        judged(small),
        judged(one, calibrated),
    ):
        text = json.dumps(found.to_json(), allow_nan=False)
        assert Estimate.from_json(json.loads(text)) == found


@pytest.mark.parametrize(
    "flaw",
    [
        {"rule": "worst"},
        {"basis": "guess"},
        {"n_things": -1},
        {"n_photos": 2.5},
        {"target": 2},
        {"threshold": "low"},
        {"threshold_interval": [1.0]},
        {"misses": [0.1, 0.2]},
        {"likely_right": {}},
        {"unheard": 1},
    ],
)
def test_a_damaged_kept_estimate_is_refused(small: Photos, flaw: dict[str, Any]) -> None:
    with pytest.raises(GalleryError, match="kept estimate is damaged"):
        Estimate.from_json({**judged(small).to_json(), **flaw})


def test_a_share_that_rounding_led_beyond_1_is_1(small: Photos) -> None:
    kept = judged(small).to_json() | {"accuracies": {"best": 1.0000000000000004}}
    assert Estimate.from_json(kept).accuracies == {"best": 1.0}


def test_what_makes_no_sense_is_refused(small: Photos) -> None:
    with pytest.raises(GalleryError, match="the gallery is empty"):
        judged(Photos(np.zeros((0, 3), np.float32), np.zeros(0, np.int64)))
    for target in (0.0, 1.0, float("nan")):
        with pytest.raises(UsageError, match="give a share between 0 and 1"):
            judged(small, target=target)
    with pytest.raises(UsageError, match="give one of best, mean, prototype"):
        judged(small, rule="worst")


def test_a_gallery_with_damaged_vectors_is_still_estimated(
    small: Photos, calibrated: Calibrated
) -> None:
    vectors = small.vectors.copy()
    vectors[4] = np.nan
    found = judged(replace(small, vectors=vectors), calibrated)
    assert found.threshold is not None and np.isfinite(found.threshold)


def test_real_drawings_as_raw_pixels_run_through(data_root: Path) -> None:
    drawn = open_pictures("omniglot:minimal1", Preprocessing(size=28))
    order = np.argsort(drawn.labels, kind="stable")[:1600].reshape(80, 20)[:, :8]
    embeddings = drawn.pixels[order.ravel()].reshape(640, -1).astype(np.float32) / 255
    found = judged(Photos.of(embeddings, [8] * 80), target=0.05)
    assert found.basis == "gallery" and found.accuracies is not None
    assert 2 / 80 < found.accuracies[found.rule] < 0.9
    # Pixels tell drawings apart poorly, and the estimate must not hide it.
    assert found.threshold is not None and found.misses is not None
    assert found.misses.rate > 0.5
