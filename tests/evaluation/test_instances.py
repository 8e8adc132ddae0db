"""The benchmark of single things seen again: one-shot by all choices of things, things by names."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "instances.py"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    if not PROGRAM.exists():
        pytest.skip("benchmarks/ is not beside the tests")
    spec = importlib.util.spec_from_file_location("instances", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["instances"] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("n_way", [2, 3, 5])
def test_one_shot_is_the_mean_over_all_choices_of_other_things(
    program: ModuleType, n_way: int
) -> None:
    rng = np.random.default_rng(0)
    distance = rng.permutation(40).reshape(8, 5).astype(np.float32)
    own = rng.integers(0, 5, 8)
    expected = []
    for row, mine in zip(distance, own, strict=True):
        others = np.delete(row, mine)
        choices = [row[mine] < min(some) for some in itertools.combinations(others, n_way - 1)]
        expected.append(np.mean(choices))
    assert np.allclose(program.one_shot(distance, own, n_way), expected)


def test_a_model_that_sees_no_difference_is_at_chance(program: ModuleType) -> None:
    distance = np.zeros((3, 3), np.float32)
    assert program.one_shot(distance, np.array([0, 1, 2]), 2) == pytest.approx([0.5] * 3)


def test_things_of_a_catalogue_have_the_names_of_its_files(
    program: ModuleType, tmp_path: Path
) -> None:
    for name in ("catalogue/mug.png", "catalogue/key.png", "phone/key.jpg", "camera/mug.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    things = program.of_catalogue(
        [tmp_path / "catalogue"], [tmp_path / "phone", tmp_path / "camera"]
    )
    assert [picture.name for picture in things.pictures] == [
        "key.png", "mug.png", "key.jpg", "mug.jpg"
    ]  # fmt: skip
    assert things.thing.tolist() == [0, 1, 0, 1]
    assert things.enrolled.tolist() == [[0, 1]]


def test_a_query_of_nothing_in_the_catalogue_is_named(program: ModuleType, tmp_path: Path) -> None:
    for name in ("catalogue/mug.png", "catalogue/key.png", "phone/shoe.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    with pytest.raises(SystemExit, match=r"shoe\.jpg"):
        program.of_catalogue([tmp_path / "catalogue"], [tmp_path / "phone"])


def test_pictures_of_folders_are_taken_evenly_and_enrolled_in_turn(
    program: ModuleType, tmp_path: Path
) -> None:
    for thing, count in (("mug", 6), ("key", 2)):
        (tmp_path / thing).mkdir()
        for number in range(count):
            Image.new("RGB", (4, 4)).save(tmp_path / thing / f"{number}.png")
    things = program.of_folders(tmp_path, 3)
    assert [picture.name for picture in things.pictures] == [
        "0.png", "1.png", "0.png", "2.png", "4.png"
    ]  # fmt: skip
    assert things.thing.tolist() == [0, 0, 1, 1, 1]
    assert things.enrolled.tolist() == [[0, 2], [1, 3]]
