from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from firstsight.learning.augment.affine import AffineDistortion, AffineRanges
from firstsight.learning.augment.ink import StrokeThickness, thickened
from firstsight.learning.augment.mirror import mirror_half
from firstsight.learning.augment.photo import PhotoRanges, PhotoVariation
from firstsight.learning.augment.turns import TurnedClasses, turn
from firstsight.learning.recipes.shelf import load_recipe
from firstsight.learning.training.module import seed_step


def shipped_affine() -> AffineRanges:
    affine = load_recipe("koch").augment.affine
    assert affine is not None
    return AffineRanges(**affine.model_dump())


# What the recipe trains with, to be held against Koch et al. 2015, section 4.2.
KOCH = shipped_affine()


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def forward_maps(ranges: AffineRanges, n: int = 20_000) -> torch.Tensor:
    """(n, 2, 3) forward maps, from the inverse ones the distortion uses."""
    inverse = AffineDistortion(ranges).matrices(n, torch.device("cpu"), seeded(0))
    linear = torch.linalg.inv(inverse[:, :, :2])
    return torch.cat([linear, -linear @ inverse[:, :, 2:]], dim=2)


def test_no_range_leaves_the_pictures_as_they_are() -> None:
    pictures = torch.rand(3, 1, 9, 9, generator=seeded(1))
    assert torch.allclose(AffineDistortion(AffineRanges())(pictures), pictures, atol=1e-6)


def test_koch_includes_each_component_with_probability_one_half() -> None:
    only_scale = AffineRanges(scale=KOCH.scale, probability=KOCH.probability)
    scale_x = forward_maps(only_scale)[:, 0, 0]
    untouched = (scale_x - 1).abs() < 1e-6
    assert untouched.float().mean().item() == pytest.approx(0.5, abs=0.02)
    drawn = scale_x[~untouched]
    assert 0.8 <= drawn.min().item() < 0.81
    assert 1.19 < drawn.max().item() <= 1.2001


def test_koch_rotates_by_ten_degrees_and_shears_by_three_tenths() -> None:
    assert (KOCH.rotation_deg, KOCH.shear, KOCH.keep_aspect) == (10, 0.3, False)


def test_koch_shifts_by_up_to_two_pixels_of_105() -> None:
    shift = forward_maps(AffineRanges(shift=KOCH.shift))[:, :, 2]
    pixels = shift * 105 / 2  # affine_grid's 2 units are the whole side
    assert 1.99 < pixels.abs().max().item() <= 2.0001


def test_rotation_stays_within_its_degrees() -> None:
    maps = forward_maps(AffineRanges(rotation_deg=10))
    angle = torch.atan2(maps[:, 1, 0], maps[:, 0, 0])
    assert math.radians(9.9) < angle.abs().max().item() <= math.radians(10.001)


def test_both_shears_and_both_scales_are_drawn_on_their_own() -> None:
    maps = forward_maps(AffineRanges(scale=(0.8, 1.2)))
    correlation = np.corrcoef(maps[:, 0, 0].numpy(), maps[:, 1, 1].numpy())[0, 1]
    assert abs(correlation) < 0.05
    kept = forward_maps(AffineRanges(scale=(0.8, 1.2), keep_aspect=True))
    assert torch.allclose(kept[:, 0, 0], kept[:, 1, 1], atol=1e-5)


def test_a_shift_moves_ink_the_way_it_says() -> None:
    picture = torch.zeros(1, 1, 21, 21)
    picture[0, 0, 10, 10] = 1
    distortion = AffineDistortion(AffineRanges(shift=0.2))
    inverse = distortion.matrices(1, torch.device("cpu"), seeded(3))
    moved = distortion(picture, seeded(3))[0, 0]
    expected = 10 - inverse[0, :, 2] * 21 / 2  # x, y in pixels
    rows, columns = torch.meshgrid(torch.arange(21.0), torch.arange(21.0), indexing="ij")
    assert (moved * columns).sum() / moved.sum() == pytest.approx(expected[0].item(), abs=0.05)
    assert (moved * rows).sum() / moved.sum() == pytest.approx(expected[1].item(), abs=0.05)


def test_elastic_bending_is_smooth_and_as_strong_as_it_says() -> None:
    distortion = AffineDistortion(AffineRanges(elastic=0.02))
    page = torch.zeros(500, 1, 33, 33)
    moved = distortion.displacements(page, torch.Generator().manual_seed(0))
    assert moved.shape == (500, 33, 33, 2)
    # Where the grid's points lie the displacement is the drawn number: 0.02 of a side of 2.
    assert moved[:, ::8, ::8].std().item() == pytest.approx(0.04, rel=0.03)
    steps = (moved[:, 1:] - moved[:, :-1]).abs().max()
    assert steps < 0.04  # no tearing: a neighbour goes nearly the same way
    bent = distortion(torch.rand(4, 1, 33, 33), torch.Generator().manual_seed(0))
    assert bent.shape == (4, 1, 33, 33)


def test_twins_are_distorted_each_on_its_own() -> None:
    ranges = AffineRanges(rotation_deg=10, shear=0.3, scale=(0.8, 1.2), shift=0.02)
    twins = torch.rand(1, 1, 15, 15, generator=seeded(0)).repeat(2, 1, 1, 1)
    first, second = AffineDistortion(ranges)(twins, seeded(5))
    assert not torch.allclose(first, second)


def test_turned_pictures_are_classes_and_groups_of_their_own() -> None:
    classes = TurnedClasses(np.array([0, 0, 1]), np.array([0, 0, 0]), n_turns=4)
    assert classes.n_pictures == 12
    assert classes.n_classes == 8
    assert classes.turned_labels.tolist() == [0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7]
    assert classes.turned_groups.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    rows, ways = classes.split(np.array([0, 4, 11]))
    assert rows.tolist() == [0, 1, 2]
    assert ways.tolist() == [0, 1, 3]


def test_turning_follows_numpy() -> None:
    pictures = torch.arange(8 * 9.0).reshape(8, 1, 3, 3)
    turned = turn(pictures, torch.arange(8))
    for way in range(8):
        picture = pictures[way, 0].numpy()
        if way >= 4:
            picture = np.fliplr(picture)
        assert np.array_equal(turned[way, 0].numpy(), np.rot90(picture, way % 4))


def test_about_half_of_the_pictures_are_mirrored_and_the_rest_left_alone() -> None:
    pictures = torch.arange(12.0).view(1, 1, 3, 4).repeat(1000, 1, 1, 1)
    seen = mirror_half(pictures, torch.Generator().manual_seed(0))
    mirrored = torch.tensor([[3.0, 2, 1, 0], [7, 6, 5, 4], [11, 10, 9, 8]])
    as_is = (seen == pictures).all((1, 2, 3))
    assert torch.equal(seen[~as_is], mirrored.expand(int((~as_is).sum()), 1, 3, 4))
    assert 430 < int(as_is.sum()) < 570


def test_strokes_grow_and_shrink_by_whole_and_part_pixels() -> None:
    line = torch.zeros(4, 1, 9, 9)
    line[:, :, :, 3:6] = 1  # three pixels wide
    seen = thickened(line, torch.tensor([1.0, 0.5, -1.0, 0.0]))
    assert seen[0, 0, 4].tolist() == [0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert seen[1, 0, 4].tolist() == [0, 0, 0.5, 1, 1, 1, 0.5, 0, 0]
    assert seen[2, 0, 4].tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert torch.equal(seen[3], line[3])


def test_thickness_follows_a_naive_loop_over_neighbours() -> None:
    picture = torch.rand(1, 1, 6, 5, generator=seeded(0))
    seen = thickened(picture, torch.tensor([2.0]))[0, 0]
    for row in range(6):
        for column in range(5):
            around = picture[0, 0, max(0, row - 2) : row + 3, max(0, column - 2) : column + 3]
            assert seen[row, column] == around.max()


def test_each_picture_draws_a_thickness_of_its_own_either_way() -> None:
    line = torch.zeros(400, 1, 9, 9)
    line[:, :, :, 3:6] = 1
    ink = StrokeThickness(1.0)(line, seeded(2)).sum((1, 2, 3)) / 9  # width in pixels
    assert ink.min() < 1.1
    assert ink.max() > 4.9
    assert ink.mean().item() == pytest.approx(3, abs=0.15)


MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalised(colours: torch.Tensor) -> torch.Tensor:
    return (colours - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)


def test_photographs_without_any_range_stay_as_they_are() -> None:
    pictures = normalised(torch.rand(2, 3, 16, 16, generator=seeded(0)))
    vary = PhotoVariation(PhotoRanges(), 16, MEAN, DEVIATION)
    assert torch.allclose(vary(pictures), pictures, atol=1e-5)


def test_brightness_changes_each_photograph_within_its_range() -> None:
    vary = PhotoVariation(PhotoRanges(brightness=0.2), 16, MEAN, DEVIATION)
    torch.manual_seed(0)
    seen = vary(normalised(torch.full((300, 3, 16, 16), 0.5)))
    grey = seen * torch.tensor(DEVIATION).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    levels = grey.mean((1, 2, 3))
    assert torch.allclose(grey, levels[:, None, None, None].expand_as(grey), atol=1e-4)
    assert levels.min() >= 0.4 - 1e-3
    assert levels.max() <= 0.6 + 1e-3
    assert levels.std() > 0.04


def test_a_crop_keeps_a_share_of_the_area_at_the_same_size() -> None:
    ramp = torch.linspace(0, 1, 64).expand(200, 3, 64, 64)
    vary = PhotoVariation(PhotoRanges(crop=(0.25, 0.5), aspect=(1, 1)), 64, (0.0,), (1.0,))
    torch.manual_seed(0)
    seen = vary(ramp)
    assert seen.shape == ramp.shape
    span = (seen.amax((1, 2, 3)) - seen.amin((1, 2, 3))) ** 2  # share of the area, for squares
    assert span.min() > 0.2
    assert span.max() < 0.55


def test_photographs_vary_by_the_seed_of_their_step_alone() -> None:
    pictures = normalised(torch.rand(4, 3, 16, 16, generator=seeded(0)))
    ranges = PhotoRanges(0.3, 0.3, 0.3, 0.1, crop=(0.5, 1.0))
    vary = PhotoVariation(ranges, 16, MEAN, DEVIATION)
    seed_step(0, 7)
    first = vary(pictures)
    torch.rand(99)
    vary(pictures)
    seed_step(0, 7)
    assert torch.equal(vary(pictures), first)
    seed_step(0, 8)
    assert not torch.equal(vary(pictures), first)
