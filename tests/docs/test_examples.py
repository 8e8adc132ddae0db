"""The examples do on Omniglot what they promise on a folder of yours."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import runpy
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


def run_example(name: str, *arguments: str | Path, cwd: Path) -> list[str]:
    """The lines that it prints, in this process, which may have imported PyTorch already."""
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()) as out,
    ):
        patch.setattr(sys, "argv", [name, *map(str, arguments)])
        patch.chdir(cwd)
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
    return out.getvalue().splitlines()


@pytest.fixture(scope="session")
def alphabet(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """characterNN/*.png: 30 characters by 12 people, as an example writes them."""
    place = tmp_path_factory.mktemp("alphabet")
    run_example("some_things.py", place, cwd=place)
    return place / "my-things"


def test_some_things_are_of_one_alphabet_with_another_hand_and_strangers_to_ask(
    alphabet: Path,
) -> None:
    assert [len(list(thing.iterdir())) for thing in alphabet.iterdir()] == 30 * [12]
    asked = {path.stem for path in (alphabet.parent / "asked").iterdir()}
    assert asked == {*(f"character{k:02d}" for k in range(1, 5)), "stranger1", "stranger2"}


def test_recognise_names_other_drawings_of_what_was_enrolled(
    alphabet: Path, tmp_path: Path
) -> None:
    things, asked = tmp_path / "things", tmp_path / "asked"
    asked.mkdir()
    for character in sorted(alphabet.iterdir())[:5]:
        first, second, *_ = sorted(character.iterdir())
        (things / character.name).mkdir(parents=True)
        (things / character.name / first.name).write_bytes(first.read_bytes())
        (asked / f"{character.name}.png").write_bytes(second.read_bytes())
    answers = [
        re.fullmatch(r"(\w+)\.png: (known|unsure|unknown), (\w+|no name) \(.+\)", line)
        for line in run_example("recognise.py", things, asked, cwd=tmp_path)
        if not line.startswith(" ")
    ]
    assert len(answers) == 5
    assert all(answers)
    named = [(each[1], each[3]) for each in answers if each and each[2] != "unknown"]
    assert sum(asked == called for asked, called in named) >= len(named) - 1


def test_choose_threshold_shows_rarer_false_matches_at_shorter_distances(
    alphabet: Path, tmp_path: Path
) -> None:
    a, b, *_ = sorted((alphabet / "character01").iterdir())
    title, *rows, compared = run_example("choose_threshold.py", alphabet, a, b, cwd=tmp_path)
    assert title.split() == ["false", "matches", "threshold", "misses"]
    distances = [float(row.split()[1]) for row in rows]
    assert len(rows) > 1
    assert distances == sorted(distances)
    assert compared.startswith(f"{a.name} and {b.name}: ")
    assert (tmp_path / "calibrated" / "model.json").exists()


def test_search_pile_finds_the_picture_itself_and_then_its_like(
    alphabet: Path, tmp_path: Path
) -> None:
    asked = sorted((alphabet / "character02").iterdir())[3]
    first = run_example("search_pile.py", alphabet, asked, cwd=tmp_path)
    assert len(first) == 5
    assert first[0].split()[1] == str(asked)
    assert sum("character02" in line for line in first) >= 3
    assert run_example("search_pile.py", alphabet, asked, cwd=tmp_path) == first


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="trains a network")
def test_train_and_judge_tells_a_figure_on_what_was_held_out(
    alphabet: Path, tmp_path: Path
) -> None:
    *told, model = run_example("train_and_judge.py", alphabet, "20", cwd=tmp_path)
    value, low, high = (float(each) for each in re.findall(r"([\d.]+)%", " ".join(told)))
    assert 20 < low <= value <= high <= 100  # guessing is right once in five times
    assert (tmp_path / model.removeprefix("model: ") / "model.onnx").exists()
