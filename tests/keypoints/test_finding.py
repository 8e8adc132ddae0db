from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from firstsight.keypoints import Keypoints, agreeing, find_keypoints
from firstsight.keypoints.scales import _blurred, _extrema, find_blobs, octaves_of, sigma_at
from tests.keypoints.prints import printed


def blob(sigma: float, x: float = 60, y: float = 50) -> np.ndarray:
    rows, columns = np.mgrid[:101, :121]
    bump = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))
    return np.asarray((40 + 180 * bump).round(), np.uint8)


@pytest.mark.parametrize("sigma", [3.0, 6.0, 12.0])
def test_a_blob_is_found_where_it_is_and_as_large_as_it_is(sigma: float) -> None:
    octaves = octaves_of(blob(sigma, x=63.4, y=48.7))
    blobs = find_blobs(octaves, 1)
    pixel = octaves[int(blobs.octave[0])].pixel
    assert blobs.x[0] * pixel == pytest.approx(63.4, abs=0.5)
    assert blobs.y[0] * pixel == pytest.approx(48.7, abs=0.5)
    # A difference of Gaussians is largest where the lesser, of the two, is sigma / 2^(1/6) or so.
    assert sigma_at(blobs.scale)[0] * pixel == pytest.approx(sigma / 2 ** (1 / 6), rel=0.1)


def test_places_are_told_from_the_middle_by_the_longest_side() -> None:
    found = find_keypoints(Image.fromarray(blob(6.0, x=90, y=50)), 1)
    # The middle is (60, 50), the longest side 121.
    assert found.at[0] == pytest.approx([30 / 121, 0], abs=0.005)
    assert found.size[0] == pytest.approx(6 / 2 ** (1 / 6) / 121, rel=0.1)


@pytest.mark.parametrize("size", [(200, 200), (15, 300), (1, 1)])
def test_where_nothing_is_to_be_seen_nothing_is_found(size: tuple[int, int]) -> None:
    assert len(find_keypoints(Image.new("L", size, 90))) == 0


def test_extrema_are_those_of_a_loop() -> None:
    stack = np.random.default_rng(0).normal(size=(5, 9, 8)).astype(np.float32)
    expected = []
    for s, y, x in itertools.product(range(1, 4), range(1, 8), range(1, 7)):
        around = stack[s - 1 : s + 2, y - 1 : y + 2, x - 1 : x + 2]
        value = stack[s, y, x]
        if value == around.max() > 0.5 or value == around.min() < -0.5:
            expected.append((s, y, x))
    found = _extrema(stack, 0.5)
    assert sorted(zip(*(each.tolist() for each in found), strict=True)) == expected
    assert len(expected) > 5


def test_a_blur_is_that_of_a_loop() -> None:
    image = np.random.default_rng(1).random((7, 9)).astype(np.float32)
    sigma, radius = 0.9, 3
    weight = np.exp(-(np.arange(-radius, radius + 1) ** 2) / (2 * sigma**2))
    weight /= weight.sum()
    expected = np.zeros(image.shape)
    for y, x, i, j in itertools.product(range(7), range(9), range(-3, 4), range(-3, 4)):
        seen = image[min(max(y + i, 0), 6), min(max(x + j, 0), 8)]
        expected[y, x] += weight[i + 3] * weight[j + 3] * seen
    np.testing.assert_allclose(_blurred(image, sigma), expected, atol=1e-6)


def test_a_picture_turned_by_a_quarter_has_the_same_keypoints_turned() -> None:
    cover = printed(1)
    upright, turned = (
        find_keypoints(cover),
        find_keypoints(cover.transpose(Image.Transpose.ROTATE_90)),
    )
    agreement = agreeing(upright, turned)
    assert len(agreement) > 0.6 * len(np.unique(upright.at, axis=0))
    x, y = upright.at[agreement.first].T
    np.testing.assert_allclose(turned.at[agreement.second], np.column_stack([y, -x]), atol=0.02)
    by = turned.angle[agreement.second] - upright.angle[agreement.first]
    assert np.median(np.abs(np.angle(np.exp(1j * (by + np.pi / 2))))) < 0.02


def test_descriptions_do_not_change_with_the_light() -> None:
    grey = np.asarray(printed(2).convert("L"), np.float32)
    dim = Image.fromarray((0.6 * grey + 30).round().astype(np.uint8))
    one, other = find_keypoints(Image.fromarray(grey.astype(np.uint8))), find_keypoints(dim)
    likeness = (one.roots @ other.roots.T).max(axis=1)
    assert np.median(likeness) > 0.99
    np.testing.assert_allclose(np.linalg.norm(one.roots, axis=1), 1, atol=1e-5)


def test_the_strongest_come_first_and_no_more_than_asked_for() -> None:
    many, few = find_keypoints(printed(3)), find_keypoints(printed(3), 20)
    assert len(many) == 250
    assert len(few) == 20


def test_what_is_packed_is_the_same_unpacked() -> None:
    found = find_keypoints(printed(4))
    again = Keypoints.from_bytes(found.to_bytes())
    for name in ("at", "size", "angle", "descriptions", "colours"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))
    assert len(found.to_bytes()) == 2 + 32 * 32 * 3 + 144 * len(found)
    plain = find_keypoints(Image.new("RGB", (90, 10), "red"))
    assert len(Keypoints.from_bytes(plain.to_bytes())) == len(plain) == 0
    assert plain.colours.shape == (4, 32, 3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: b"",
        lambda packed: packed[:-1],
        lambda packed: packed[:-400] + b"\xff" * 400,
        lambda packed: b"\xff\xff" + packed[2:],
        lambda packed: packed + packed[-144:] * 260,
    ],
)
def test_what_is_damaged_is_refused(damage: object) -> None:
    packed = find_keypoints(printed(4), 3).to_bytes()
    with pytest.raises(ValueError, match="keypoint"):
        Keypoints.from_bytes(damage(packed))  # type: ignore[operator]
