"""The search of Koch et al. 2015 over each layer's rates, on the paper's own validation trials."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from rich.console import Console

from firstsight.app.reproducing import Cell
from firstsight.app.searching import Found, best_found, search
from firstsight.errors import CheckpointError, StorageError, UsageError
from firstsight.learning.recipes.shelf import load_recipe

from ..command import firstsight, here

pytest.importorskip("torch")
pytest.importorskip("optuna")

from firstsight.learning.rate_search import RANGES, RateTrial, open_search

QUIET = Console(quiet=True)
CELL = Cell("30k", False)
# A network of seconds in place of the paper's, which takes half a minute for one look.
SMALL = (
    "picture.size=16",
    'network={kind="compact", stem=4, widths=[8], blocks=[1], embedding_size=8}',
    'optimiser.parts=[{part="features", momentum=0.7, l2=1e-4}, {part="project", lr=0.05}, '
    '{part="head"}]',
    "batches.n_pairs=4",
    "training.steps=4",
    "training.validate_every=2",
)


@pytest.fixture(scope="module")
def packed_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def shared_cache(private_cache: Path, packed_once: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packing 11,568 drawings for each of these tests takes longer than the tests."""
    monkeypatch.setenv("FIRSTSIGHT_CACHE", str(packed_once))


def searched(out: Path, n_trials: int, *more: str) -> Found:
    return search(CELL, out, n_trials=n_trials, budget=1, overrides=[*SMALL, *more], console=QUIET)


def values(parts: str) -> dict[str, dict[str, float]]:
    """Each layer's values, as the recipe understands the override."""
    recipe = load_recipe("koch", [parts])
    return {
        each.part: each.model_dump(exclude={"part"}, exclude_none=True)
        for each in recipe.optimiser.parts
    }


def test_a_search_begins_with_the_recipes_own_and_goes_on_where_it_was(
    data_root: Path, tmp_path: Path
) -> None:
    first = searched(tmp_path, 1)
    assert [(trial.number, trial.steps, trial.how) for trial in first.trials] == [
        (0, 4, "finished")
    ]
    # The recipe's rate is 0.01, its momentum 0.7, and its penalty 1e-4, but for what parts say.
    assert values(first.trials[0].parts) == {
        "features": {"lr": 0.01, "momentum": 0.7, "l2": 1e-4},
        "project": {"lr": 0.05, "momentum": 0.7, "l2": 1e-4},
        "head": {"lr": 0.01, "momentum": 0.7, "l2": 1e-4},
    }
    then = searched(tmp_path, 1)
    assert then.trials[:1] == first.trials and len(then.trials) == 2
    for own in values(then.trials[1].parts).values():
        assert all(own[name] in among for name, among in RANGES.items())
    accuracies = [trial.accuracy for trial in then.trials]
    assert all(each is not None and (320 * each) % 1 == 0 for each in accuracies)  # of 320 trials
    assert then.best is not None and then.best.accuracy == max(a for a in accuracies if a)
    assert best_found(CELL, tmp_path) == then.best.parts
    assert [path.name for path in (tmp_path / "30k-search").iterdir()] == ["trials.sqlite"]
    with pytest.raises(CheckpointError, match=r"another recipe \(they differ in training\.seed\)"):
        searched(tmp_path, 1, "training.seed=1")


def test_ctrl_c_keeps_a_half_done_trial_which_is_carried_on_and_counted_once(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def press_ctrl_c(*_: object) -> bool:
        signal.raise_signal(signal.SIGINT)
        return False

    with monkeypatch.context() as patch:
        patch.setattr(RateTrial, "hopeless", press_ctrl_c)
        stopped = searched(tmp_path, 2)
    assert stopped == Found([], None, stopped=True)
    assert (tmp_path / "30k-search" / "trial-0" / "last.ckpt").exists()
    found = searched(tmp_path, 1)
    assert [(trial.number, trial.steps, trial.how) for trial in found.trials] == [
        (0, 4, "finished")
    ]
    assert found.trials == searched(tmp_path / "whole", 1).trials
    assert not found.stopped


def test_a_trial_that_breaks_is_told_and_the_search_goes_on(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = (
        'optimiser.parts=[{part="features", lr=1e30}, {part="project", lr=1e30}, {part="head"}]'
    )
    with monkeypatch.context() as patch:
        patch.setattr(
            RateTrial, "parts", property(lambda _: broken, lambda *_: None), raising=False
        )
        first = searched(tmp_path, 1)
    (trial,) = first.trials
    assert not trial.complete and trial.parts == broken
    assert trial.how.startswith("the loss became NaN or infinite at step")
    assert first.best is None
    with pytest.raises(UsageError, match=r"nothing was found yet for 30k pairs, no distortion in"):
        best_found(CELL, tmp_path)
    then = searched(tmp_path, 1)
    assert [trial.complete for trial in then.trials] == [False, True]
    assert then.best is not None and then.best.number == 1


def test_a_trial_below_the_median_of_the_others_is_given_up(
    data_root: Path, tmp_path: Path
) -> None:
    searched(tmp_path, 0)
    with open_search(tmp_path / "30k-search" / "trials.sqlite") as kept:
        for _ in range(5):
            better = kept.next_trial()
            assert not better.hopeless(2, 0.9)
            better.end(accuracy=0.9, steps=4, how="finished")
    found = searched(tmp_path, 1)
    last = found.trials[-1]
    assert (last.steps, last.how, last.complete) == (2, "hopeless", False)
    assert last.accuracy is not None and last.accuracy < 0.9
    assert found.best is not None and found.best.number == 0


def test_the_command_prints_trials_and_a_cell_takes_the_best_values(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["reproduce", "koch2015", "--pairs", "30k", "--out", str(tmp_path)]
    small = [argument for override in SMALL for argument in ("--set", override)]
    printed = here(*asked, "--search", "1", *small)
    assert "30k pairs, no distortion" in printed.out
    assert "by trial 0: --set 'optimiser.parts=[{part=" in printed.out
    assert "trials of 0.00053 epochs" in printed.err  # 4 of 7,500 batches
    found = json.loads(here(*asked, "--search", "0", *small, "--json").out)
    assert found["best"] == found["trials"][0]
    assert found["best"]["parts"] == best_found(CELL, tmp_path)

    trained_with: list[str] = []

    def note(_cell: Cell, _out: Path, *, overrides: list[str], **_: object) -> bool:
        trained_with.extend(overrides)
        return True

    with monkeypatch.context() as patch:
        patch.setattr("firstsight.app.cli.reproduce.run_cell", note)
        assert here(*asked, "--searched", "--set", "training.seed=1").code == 0
    assert trained_with == [found["best"]["parts"], "training.seed=1"]
    refused = here(*asked, "--affine", "--searched")
    assert refused.code == 2
    assert "nothing was found yet for 30k pairs, affine x8" in refused.sentence


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--search", "1"), "--search and --searched are for a cell; name it by --pairs"),
        (("--pairs", "30k", "--search", "1", "--searched"), "leave out --searched and --beside"),
        (
            ("--pairs", "30k", "--search", "1", "--set", "data.watch=omniglot:koch-test"),
            "leave data, training.watch and training.validation_trials as they are",
        ),
        (
            ("--pairs", "30k", "--search", "1", "--set", "data.beside=omniglot:koch-test"),
            "leave data, training.watch and training.validation_trials as they are",
        ),
        (
            ("--pairs", "30k", "--search", "1", "--set", "optimiser.parts=[]"),
            "the layers to search, by name in optimiser.parts",
        ),
    ],
    ids=["no cell", "both", "watched by the test", "beside the test", "no layers"],
)
def test_what_makes_no_sense_is_refused(
    arguments: tuple[str, ...], sentence: str, data_root: Path, tmp_path: Path
) -> None:
    refused = here("reproduce", "koch2015", *arguments, "--out", str(tmp_path))
    assert refused.code == 2
    assert sentence in refused.err


def test_beyond_the_random_ones_proposals_do_not_depend_on_interruptions(tmp_path: Path) -> None:
    recipe = load_recipe("koch", ['optimiser.parts=[{part="dense", lr=0.1}, {part="head"}]'])

    def proposed(file: Path, pieces: list[int]) -> list[str]:
        for n_trials in pieces:
            with open_search(file) as kept:
                assert kept.is_of(recipe, "pictures")
                for _ in range(n_trials):
                    assert kept.next_trial().parts == kept.next_trial().parts  # half done, again
                    trial = kept.next_trial()
                    trial.end(accuracy=1 / (1 + trial.number), steps=3000, how="finished")
        with open_search(file) as kept:
            return [trial.parts for trial in kept.ended()]

    at_one_go = proposed(tmp_path / "whole.sqlite", [13])
    assert proposed(tmp_path / "pieces.sqlite", [4, 8, 1]) == at_one_go
    assert len(set(at_one_go)) == 13  # ten of them drawn at random
    assert values(at_one_go[0])["dense"] == {"lr": 0.1, "momentum": 0.7, "l2": 1e-4}


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "trials.sqlite"
    file.write_text("no trials at all" * 100)
    told = r"trials\.sqlite could not be read or written"
    with pytest.raises(StorageError, match=told), open_search(file):
        pass


def test_without_the_extra_it_is_said_what_to_install(tmp_path: Path) -> None:
    without = "import sys; from importlib import util; find = util.find_spec\n"
    without += (
        "util.find_spec = lambda name, *more: None if name == 'optuna' else find(name, *more)"
    )
    ended = firstsight(
        *("reproduce", "koch2015", "--pairs", "30k", "--search", "1", "--out", tmp_path),
        before=without + "\n",
    )
    assert ended.code == 1
    assert ended.sentence == (
        "a search over learning rates needs the extra 'search'; install it with: "
        "pip install 'firstsight[search]'"
    )
