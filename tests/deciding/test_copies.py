"""One thing under two names says nothing about the others."""

from __future__ import annotations

import numpy as np
import pytest

from firstsight.deciding.calibrated import Calibrated
from firstsight.deciding.copies import past_copies
from firstsight.deciding.estimate import estimate
from firstsight.deciding.trials import Trials
from firstsight.similarity import Euclidean

from .conftest import Photos, World


def trials(distance: list[float], margin: list[float], together: list[int]) -> Trials:
    n = len(distance)
    return Trials.of_things(distance, margin, [False] * n, range(n), np.array(together))


def test_the_nearest_pair_is_seen_past_if_it_is_less_than_a_third_as_far_apart() -> None:
    margin = [3.0, 4.0, 0.5, 0.5, 0.1]
    # Things 0 and 1 are copies; 2 and 3 are the next nearest, and 4 is alone.
    apart = past_copies(trials([0.6, 0.6, 2.0, 2.0, 3.0], margin, [0, 0, 2, 2, 4]))
    assert apart.distance.tolist() == pytest.approx([3.6, 4.6, 2.0, 2.0, 3.0])
    near = trials([1.0, 1.0, 2.0, 2.0, 3.0], margin, [0, 0, 2, 2, 4])
    assert past_copies(near) is near


def test_copies_are_few() -> None:
    """Of eight things two pairs may be copies; of seven one."""
    pairs = np.repeat([0, 2, 4, 6], 2).tolist()
    eight = trials(np.repeat([0.1, 0.4, 2.0, 2.5], 2).tolist(), [5.0] * 8, pairs)
    assert past_copies(eight).distance.tolist() == pytest.approx(
        [5.1] * 2 + [5.4] * 2 + [2] * 2 + [2.5] * 2
    )
    seven = eight.take(np.arange(8) < 7)
    assert past_copies(seven).distance.tolist() == pytest.approx(
        [5.1] * 2 + [0.4] * 2 + [2] * 2 + [2.5]
    )


def test_where_there_is_one_pair_alone_nothing_tells() -> None:
    pair = trials([0.1, 0.1], [np.nan, np.nan], [0, 0])
    assert past_copies(pair) is pair
    assert len(past_copies(trials([], [], []))) == 0


@pytest.mark.parametrize("scale", [1.0, 0.2])  # things as the model knows them, and foreign ones
@pytest.mark.parametrize("n_things", [4, 14])
def test_a_copy_under_a_second_name_leaves_the_threshold_where_it_was(
    calibrated: Calibrated, scale: float, n_things: int
) -> None:
    for seed in range(8):
        things = scale * World().photos(np.random.default_rng(seed), n_things, 1)
        copied = np.concatenate([things, things[:1] + np.float32(1e-4)])
        before, after = (
            estimate(
                Euclidean(),
                Photos.of(photos, [1] * len(photos)),
                calibrated=calibrated,
                target=0.01,
                verdicts=[],
            )
            for photos in (things, copied)
        )
        assert before.threshold is not None and after.threshold is not None
        assert ("lowered" in after.kept) == ("lowered" in before.kept)
        assert after.threshold == pytest.approx(before.threshold, rel=0.35)
        assert after.threshold > 0.05 * scale


@pytest.mark.parametrize("n_things", [300, 330])
def test_a_large_gallery_sees_past_a_copy_too(calibrated: Calibrated, n_things: int) -> None:
    for seed in range(3):
        things = World().photos(np.random.default_rng(seed), n_things, 1)
        copied = np.concatenate([things, things[:1] + np.float32(1e-4)])
        before, after = (
            estimate(Euclidean(), Photos.of(photos, [1] * len(photos)), calibrated=calibrated)
            for photos in (things, copied)
        )
        assert before.basis == after.basis == "gallery"
        assert before.threshold is not None and after.threshold is not None
        assert after.threshold == pytest.approx(before.threshold, rel=0.1)


def test_a_copy_of_one_of_two_look_alikes_does_not_make_a_gallery_foreign(
    calibrated: Calibrated,
) -> None:
    for seed in range(6):
        things = World().photos(np.random.default_rng(seed), 14, 1)
        alike = things[:1] + np.float32(0.2)
        usual = np.concatenate([things, alike])
        copied = np.concatenate([usual, things[:1] + np.float32(1e-4)])
        before, after = (
            estimate(Euclidean(), Photos.of(photos, [1] * len(photos)), calibrated=calibrated)
            for photos in (usual, copied)
        )
        assert "lowered" not in before.kept and "lowered" not in after.kept


def test_three_names_of_one_thing_do_not_make_a_gallery_foreign(calibrated: Calibrated) -> None:
    for seed in range(6):
        things = World().photos(np.random.default_rng(seed), 14, 1)
        names = [things, things[:1] + np.float32(1e-4), things[:1] - np.float32(1e-4)]
        found = estimate(
            Euclidean(), Photos.of(np.concatenate(names), [1] * 16), calibrated=calibrated
        )
        assert "lowered" not in found.kept
        assert found.threshold is not None and found.threshold > 0.5
