"""A recipe over parts of the classes: none is judged by a network that saw it."""

from __future__ import annotations

import io
import json
import shutil
import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from firstsight.app.crossvalidating import cross_validate
from firstsight.data.catalogue import open_pictures
from firstsight.errors import CheckpointError, DataError, UsageError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.training.build import build_preprocessing
from firstsight.learning.training.run import read_recipe

from ..command import here, save_classes

RECIPE = """
name = "bars"
data = { train = "DATA", held_out_classes = 0.5 }
picture = { size = 16, invert = true }
network = { kind = "compact", stem = 4, widths = [8], blocks = [1], embedding_size = 8 }
head = { kind = "euclidean" }
loss = { kind = "triplet" }
batches = { kind = "classes", n_classes = 2, n_pictures = 2 }
training = { steps = 4, validate_every = 2, watch = "pairs", precision = "f32" }
"""
N_CLASSES = 8


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """Classes of four pictures, each a bar somewhere; the position tells the class."""
    rng = np.random.default_rng(0)
    for k in range(N_CLASSES):
        (tmp_path / "bars" / f"bar{k}").mkdir(parents=True)
        for number in range(4):
            pixels = rng.integers(150, 256, (16, 16)).astype(np.uint8)
            pixels[:, 2 * k : 2 * k + 2] = 0
            Image.fromarray(pixels).save(tmp_path / "bars" / f"bar{k}" / f"{number}.png")
    file = tmp_path / "bars.toml"
    file.write_text(RECIPE.replace("DATA", str(tmp_path / "bars")))
    return file


def test_each_class_is_judged_once_and_nothing_is_trained_twice(
    recipe: Path, tmp_path: Path
) -> None:
    screen = Console(file=io.StringIO(), width=300)
    out = tmp_path / "out"

    def run() -> list[tuple[str, float, int]]:
        crossed = cross_validate(recipe, protocol="retrieval", n_parts=4, out=out, console=screen)
        return [(who, card.value, card.n) for who, card in crossed.cards]

    first = run()
    assert [who for who, *_ in first] == ["bars", "untrained network", "untrained network, centred"]
    assert {n for *_, n in first} == {4 * N_CLASSES}
    done = [json.loads((out / f"part-{k}" / "done.json").read_text()) for k in (1, 2, 3, 4)]
    assert len({each["data"] for each in done}) == 4
    assert all(0 <= each["pairs told apart"] <= 1 for each in done)
    (out / "part-2" / "done.json").unlink()  # as if it had been interrupted at the very end
    assert run() == first
    assert isinstance(screen.file, io.StringIO)
    assert screen.file.getvalue().count("already trained") == 3
    with pytest.raises(CheckpointError, match="part-1 was trained by another recipe"):
        cross_validate(
            recipe, protocol="retrieval", n_parts=4, out=out, console=screen,
            overrides=["training.steps=5"],
        )  # fmt: skip


def test_no_part_shares_a_class_with_what_its_network_learned_from_or_was_watched_by(
    recipe: Path, tmp_path: Path
) -> None:
    from firstsight.app import crossvalidating

    tables = tomllib.loads(recipe.read_text())
    seen = Preprocessing(**tables["picture"])
    cross_validate(
        recipe, protocol="verification", n_parts=2, out=tmp_path / "out",
        console=Console(quiet=True),
    )  # fmt: skip
    checked = read_recipe(tmp_path / "out" / "part-1")
    assert build_preprocessing(checked) == seen
    pictures = open_pictures(checked.data.train, seen)
    splits = crossvalidating._splits(checked, pictures, 2)
    assert sum(split.judged.astype(int) for split in splits).tolist() == [1] * len(pictures)  # type: ignore[union-attr]
    for split in splits:
        judged, watched = (set(pictures.labels[rows]) for rows in (split.judged, split.watched))
        assert len(judged) == 4
        assert len(watched) == 2  # half of the other four
        assert not judged & watched


def test_the_command_prints_our_figure_beside_the_untrained_one(
    recipe: Path, tmp_path: Path
) -> None:
    words = ("crossvalidate", str(recipe), "--protocol", "verification", "--parts", "2")
    ended = here(*words, "--out", str(tmp_path / "out"), "--json")
    assert ended.code == 0
    cards = json.loads(ended.out)
    assert [card["who"] for card in cards][:2] == ["bars", "untrained network"]
    assert cards[0]["measure"] == "equal_error_rate"
    assert cards[0]["details"]["genuine_pairs"] == N_CLASSES * 6
    told = here(*words, "--out", str(tmp_path / "out"))
    assert "equal error rate %" in told.out
    assert f"{100 * cards[0]['value']:.2f}" in told.out


def test_one_part_is_refused(recipe: Path) -> None:
    with pytest.raises(UsageError, match="1 parts leave nothing to learn from"):
        cross_validate(recipe, protocol="retrieval", n_parts=1)


@pytest.mark.parametrize("protocol", ["verification", "retrieval"])
def test_more_parts_than_pairs_of_classes_are_refused_before_anything_is_trained(
    protocol: str, recipe: Path, tmp_path: Path
) -> None:
    words = ("crossvalidate", recipe, "--protocol", protocol, "--out", tmp_path / "out")
    ended = here(*words, "--parts", "5")
    assert ended.code == 2
    assert ended.sentence == (
        "5 parts of the 8 classes of bars with two pictures or more leave one with fewer than "
        "two, where nothing is to be told apart; give --parts 4 at most"
    )
    three = save_classes(tmp_path / "three", [2, 2, 2, 1])
    sentence = here(*words, "--data", three).sentence
    assert "three has 3 classes with two pictures or more, but a cross-validation takes" in sentence
    assert not (tmp_path / "out").exists()


def test_a_threshold_by_a_single_held_out_class_is_refused_before_anything_is_trained(
    recipe: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="1 class is held out beside part 1, and a threshold"):
        cross_validate(
            recipe, protocol="verification", n_parts=4, out=tmp_path / "out",
            overrides=["data.held_out_classes=0.1", "training.watch='one_shot'"],
            console=Console(quiet=True),
        )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_users_own_pictures_set_aside_the_groups_that_a_recipe_holds_out(
    recipe: Path, tmp_path: Path
) -> None:
    grouped = tmp_path / "grouped.toml"
    grouped.write_text(
        RECIPE.replace("DATA", "omniglot:background").replace("classes = 0.5", "groups = 6")
    )
    things, out = save_classes(tmp_path / "things", [2] * 20), tmp_path / "out"

    def held_out_of(*more: str) -> tuple[int, float]:
        words = ("crossvalidate", grouped, "--protocol", "retrieval", "--parts", "2")
        assert here(*words, "--data", things, "--out", out, *more, "--json").code == 0
        made = read_recipe(out / "part-1").data
        return made.held_out_groups, made.held_out_classes

    assert held_out_of() == (0, 0.2)
    shutil.rmtree(out)
    own = ("--set", "data.held_out_groups=0", "--set", "data.held_out_classes=0.4")
    assert held_out_of(*own) == (0, 0.4)


def test_short_names_of_sets_are_those_to_train_on(
    recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "empty"))
    monkeypatch.setenv("FIRSTSIGHT_OFFLINE", "1")
    ended = here("crossvalidate", recipe, "--protocol", "retrieval", "--data", "snacks")
    assert "snacks:train was not found" in ended.sentence


def test_pairs_of_a_single_held_out_class_are_refused(recipe: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="pairs of 1 held-out class are all the same; hold out two"):
        cross_validate(
            recipe, protocol="retrieval", n_parts=4, out=tmp_path / "out",
            overrides=["data.held_out_classes=0.1"], console=Console(quiet=True),
        )  # fmt: skip
