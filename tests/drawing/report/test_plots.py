"""Where plots put things, by hand arithmetic."""

from __future__ import annotations

import re
from math import log10
from xml.etree import ElementTree

import numpy as np
import pytest

from firstsight.drawing.report.bars import share_bar
from firstsight.drawing.report.chart import map_plot
from firstsight.drawing.report.reliability import reliability_plot
from firstsight.drawing.report.shots import shots_plot
from firstsight.drawing.report.svg import BOTTOM, LEFT, RIGHT, TOP, Scale, element, polyline, ticks
from firstsight.drawing.report.telling_apart import (
    Sides,
    det_plot,
    distance_plot,
    histogram,
    roc_plot,
)
from firstsight.evaluation.atlas import Atlas
from firstsight.evaluation.kshot import KShotCurve, KShotPoint
from firstsight.metrics.calibration import ReliabilityBin

SIDES = Sides(np.array([0.0, 1.0, 2.0, 5.0]), np.array([3.0, 4.0, 6.0, 10.0]))


def places(drawing: str, class_: str) -> list[tuple[float, float]]:
    """The corners of the one polyline of that class."""
    (line,) = (
        each
        for each in ElementTree.fromstring(drawing).iter("polyline")
        if each.get("class") == class_
    )
    corners = (corner.split(",") for corner in (line.get("points") or "").split())
    return [(float(x), float(y)) for x, y in corners]


def test_a_scale_lays_data_out_evenly_and_keeps_to_its_ends() -> None:
    scale = Scale(10, 20, 100, 300)
    assert [scale(value) for value in (10, 12.5, 20, 5, 25)] == [100, 150, 300, 100, 300]


def test_a_warped_scale_is_even_in_what_it_is_warped_by() -> None:
    scale = Scale(0.001, 1, 0, 300, log10)
    assert [scale(value) for value in (0.001, 0.01, 0.1, 1)] == pytest.approx([0, 100, 200, 300])


def test_ticks_are_round_and_within() -> None:
    assert ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    assert ticks(0.13, 0.61) == pytest.approx([0.2, 0.3, 0.4, 0.5, 0.6])
    assert ticks(3, 3) == [3]


def test_what_an_element_is_given_is_escaped() -> None:
    drawn = element("text", '<script>"', class_='a"b', x=1.50)
    assert drawn == '<text class="a&#34;b" x="1.5">&lt;script&gt;&#34;</text>'


def test_a_line_leaves_out_corners_that_are_none() -> None:
    line = polyline([(0, 0), (1, 1), (2, 2), (2, 2.01), (4, 0)], "model")
    assert 'points="0,0 2,2 4,0"' in line


def test_the_roc_curve_goes_through_its_corners() -> None:
    # Rising threshold: 0, 1, 2 accept same pairs, 3 and 4 different ones, 5 the last same pair.
    corners = places(roc_plot({"ours": SIDES}, {"ours": 0.875}), "model")
    width, height = RIGHT - LEFT, BOTTOM - TOP
    expected = [(0, 0), (0, 0.75), (0.5, 0.75), (0.5, 1), (1, 1)]
    assert corners == [
        pytest.approx((LEFT + x * width, BOTTOM - y * height), abs=0.06) for x, y in expected
    ]


def test_the_det_plot_marks_where_both_errors_are_equal() -> None:
    # At 3 a quarter of different pairs is accepted and a quarter of same pairs missed.
    drawing = det_plot({"ours": SIDES})
    assert "equal error 25.0 %" in drawing
    (disc,) = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="4.5"', drawing)
    # z(0.001) = -3.0902, z(0.25) = -0.6745, z(0.5) = 0: so 0.7817 of the way.
    assert float(disc[0]) == pytest.approx(LEFT + 0.7817 * (RIGHT - LEFT), abs=0.05)
    assert float(disc[1]) == pytest.approx(BOTTOM - 0.7817 * (BOTTOM - TOP), abs=0.05)


def test_a_constant_has_no_line_on_a_det_plot() -> None:
    same = Sides(np.zeros(5), np.zeros(5))
    assert places(det_plot({"ours": SIDES, "constant": same}), "other-1") == []


def test_a_histogram_counts_shares_of_each_side() -> None:
    edges, same, different = histogram(SIDES, bins=5)
    assert edges.tolist() == [0, 2, 4, 6, 8, 10]
    assert same.tolist() == [0.5, 0.25, 0.25, 0, 0]
    assert different.tolist() == [0, 0.25, 0.25, 0.25, 0.25]


def test_distances_that_are_not_finite_are_in_no_bin() -> None:
    sides = Sides(np.array([0.0, np.nan]), np.array([1.0, np.inf]))
    _, same, different = histogram(sides, bins=2)
    assert (same.sum(), different.sum()) == (0.5, 0.5)


def test_thresholds_stand_where_they_are_and_endless_ones_nowhere() -> None:
    drawing = distance_plot(SIDES, [2.5, -np.inf])
    assert places(drawing, "threshold") == [
        pytest.approx((LEFT + 0.25 * (RIGHT - LEFT), y), abs=0.06) for y in (BOTTOM, TOP)
    ]


def test_a_constants_distances_can_be_drawn() -> None:
    ElementTree.fromstring(distance_plot(Sides(np.zeros(4), np.zeros(4)), [-np.inf]))


def test_a_disc_of_the_reliability_plot_lies_at_said_and_so() -> None:
    drawing = reliability_plot([ReliabilityBin(0.25, 0.5, 0.25), ReliabilityBin(1.0, 0.75, 0.75)])
    discs = re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', drawing)
    width, height = RIGHT - LEFT, BOTTOM - TOP
    assert [tuple(map(float, disc)) for disc in discs] == [
        pytest.approx((LEFT + 0.25 * width, BOTTOM - 0.5 * height, 5.5), abs=0.01),
        pytest.approx((RIGHT, BOTTOM - 0.75 * height, 9.53), abs=0.01),
    ]


def test_the_shots_plot_has_a_point_for_each_number_of_pictures() -> None:
    points = (
        KShotPoint(1, 0.8, (0.7, 0.9), 0.1, (0.05, 0.15)),
        KShotPoint(2, 0.9, (0.8, 1.0), None, None),
    )
    drawing = shots_plot(KShotCurve(points, 10, 0, 5, "best", 20, 0, 0.01, None))
    # Accuracy from 60 % (a tenth below the lowest interval, rounded down) to 100 %.
    width, height = RIGHT - LEFT, BOTTOM - TOP
    assert places(drawing, "model") == [
        pytest.approx((LEFT + 0.25 * width, BOTTOM - 0.5 * height), abs=0.06),
        pytest.approx((LEFT + 0.75 * width, BOTTOM - 0.75 * height), abs=0.06),
    ]


def test_a_bar_shows_the_share_between_its_ends() -> None:
    drawing = share_bar(0.5, (0.25, 0.75), "model")
    assert '<circle cx="65"' in drawing  # of 130, with 6 left free at each end
    assert 'x1="35.5" x2="94.5"' in drawing


def a_map(*positions: tuple[float, float]) -> ElementTree.Element:
    """Of pictures of one class each, all of it parsed."""
    count = len(positions)
    atlas = Atlas(np.arange(count), np.array(positions), tuple(range(count)), 1.0, count)
    names, uris = (
        [f"thing {n}" for n in range(count)],
        [f"data:image/png;{n}" for n in range(count)],
    )
    return ElementTree.fromstring(map_plot(atlas, list(range(count)), names, uris))


def test_the_enlargement_of_a_picture_lies_above_all_pictures_and_inside_the_map() -> None:
    drawing = a_map((0, 0), (1, 0), (1, 1))
    kinds = [each.get("class") for each in drawing]
    assert kinds[-3:] == ["closer"] * 3
    assert "closer" not in kinds[:-3]
    for closer in drawing[-3:]:
        (sheet,) = (each for each in closer.iter("rect") if each.get("class") == "sheet")
        left, top, width, height = (float(sheet.get(k, "")) for k in ("x", "y", "width", "height"))
        assert left >= 0
        assert top >= 0
        assert left + width <= 720
        assert top + height <= 460


def test_enlarged_a_picture_fills_its_frame() -> None:
    drawing = a_map((0, 0), (4, 1))
    for closer in drawing[-2:]:
        (use,) = closer.iter("use")
        (small,) = (
            each for each in drawing.iter("image") if f"#{each.get('id')}" == use.get("href")
        )
        numbers = re.findall(r"-?[\d.]+", use.get("transform", ""))
        by_x, by_y, scale = map(float, numbers)
        assert scale * float(small.get("width", "")) == 96
        frame = closer.findall("g/rect")[-1]
        for key, by in (("x", by_x), ("y", by_y)):
            assert float(small.get(key, "")) * scale + by == pytest.approx(
                float(frame.get(key, "")), abs=0.05
            )
