from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import firstsight as package
from firstsight.model.folder import read_model_info

from ..command import Ended, command_line, cut_short, environment, firstsight, save_classes
from ..command import here as run_here
from .conftest import TABLES

Here = Callable[..., Ended]

N_LONG = 300
RETRIEVAL = ("--protocol", "retrieval", "--parts", "2")


def as_toml(tables: dict[str, Any]) -> str:
    """A table a line: TOML writes numbers, texts and lists as JSON does."""
    return "\n".join(f"{key} = {_value(value)}" for key, value in tables.items())


def _value(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run: tiny.toml, six classes to learn, and five others to be judged by.

    Of those to learn one picture is cut short, and one class has a single picture.
    """
    place = tmp_path_factory.mktemp("place [1]")
    data = {"train": "omniglot:background", "held_out_classes": 0.4}
    (place / "tiny.toml").write_text(as_toml({**TABLES, "data": data}), encoding="utf-8")
    save_classes(place / "to learn", [5, 5, 5, 5, 5, 1])
    cut_short(place / "to learn" / "class2" / "3.png")
    save_classes(place / "others", [4] * 5, seed=1)
    return place


@pytest.fixture(scope="module")
def here(place: Path) -> Here:
    return partial(run_here, cwd=place)


@pytest.fixture(scope="module")
def trained(here: Here) -> Ended:
    """How the training ended that made runs/tiny."""
    return here("train", "tiny.toml", "--data", "to learn")


def test_train_prints_the_model_folder_and_names_what_it_left_out(
    trained: Ended, place: Path
) -> None:
    assert trained.code == 0
    assert trained.out == "runs/tiny/model\n"
    remarks = trained.err.splitlines()
    assert remarks[0] == "left out 1 unreadable picture of to learn:"
    assert remarks[1].startswith("  to learn/class2/3.png is damaged or cut short")
    assert "left out 1 classes with a single picture: class5" in trained.err
    assert remarks[-1].startswith("finished at step 12 after ")
    assert read_model_info(place / "runs/tiny/model").recipe["data"]["train"] == "to learn"


def test_evaluate_beside_the_untrained_network(trained: Ended, here: Here) -> None:
    ended = here(
        *("evaluate", trained.out.strip(), "--protocol", "nway", "--data", "others"),
        *("--n-way", "4", "--trials", "60", "--baselines", "--json"),
    )
    assert ended.code == 0
    rows = {row["who"]: row for row in json.loads(ended.out)}
    # Twelve steps teach little; what is doubted is said, and nothing but that.
    doubts = rows["tiny"]["details"]["warnings"]
    assert ended.err.splitlines() == [f"look again at nway: {doubt}" for doubt in doubts]
    assert list(rows) == ["tiny", "untrained network", "raw pixels", "a constant"]
    assert rows["a constant"]["value"] == 0.25
    assert rows["untrained network"]["model_fingerprint"] is None
    assert len({row["data_fingerprint"] for row in rows.values()}) == 1


def test_evaluate_on_the_training_data_uses_only_what_was_held_out(
    trained: Ended, here: Here
) -> None:
    same = here(
        *("evaluate", trained.out.strip(), "--data", "to learn", "--n-way", "2", "--trials", "40"),
        *("--protocol", "nway", "--protocol", "retrieval", "--json"),
    )
    assert same.code == 0
    # Of six classes one has a single picture, and of the five left 0.4 were held out.
    assert same.err.count("going by the 2 classes that the training held out") == 1
    assert json.loads(same.out)[0]["n"] == 40


def test_export_writes_a_model_folder_elsewhere(trained: Ended, here: Here, place: Path) -> None:
    ended = here("export", "runs/tiny", "--to", "copy", "--checkpoint", "last", "--weights", "none")
    assert ended.code == 0
    assert ended.out == "copy\n"
    assert sorted(path.name for path in (place / "copy").iterdir()) == [
        "README.md", "model.json", "model.onnx",
    ]  # fmt: skip
    assert read_model_info(place / "copy").data_fingerprint == (
        read_model_info(place / "runs/tiny/model").data_fingerprint
    )
    nonsense = here("export", "runs/tiny", "--to", "copy2", "--checkpoint", "first")
    assert nonsense.code == 2
    assert nonsense.out == ""
    nowhere = here("export", "others", "--to", "copy2")
    assert nowhere.code == 1
    assert "holds no training" in nowhere.sentence
    occupied = here("export", "runs/tiny", "--to", "others")
    assert occupied.code == 1
    assert "choose another place" in occupied.sentence
    assert not (place / "copy2").exists()


def test_train_refuses_what_cannot_be_learned_from(trained: Ended, here: Here, place: Path) -> None:
    missing = here("train", "tiny.toml", "--data", "nowhere")
    assert missing.code == 1
    assert "'nowhere' is neither a folder, a CSV file nor a known data set" in missing.sentence
    save_classes(place / "lonely", [3])
    lonely = here("train", "tiny.toml", "--data", "lonely")
    assert lonely.code == 1
    assert "has one class only" in lonely.sentence
    save_classes(place / "singles", [1, 1, 1])
    singles = here("train", "tiny.toml", "--data", "singles")
    assert singles.code == 1
    assert "has one picture of each class" in singles.sentence
    save_classes(place / "unreadable", [2, 2])
    for picture in (place / "unreadable").rglob("*.png"):
        cut_short(picture)
    for data, told in (("unreadable", "none of the 4 pictures"), ("empty", "has no pictures")):
        (place / data).mkdir(exist_ok=True)
        for words in (("train", "tiny.toml"), ("crossvalidate", "tiny.toml", *RETRIEVAL)):
            assert told in here(*words, "--data", data).sentence
        assert told in here("calibrate", "characters", "--to", "x", "--data", data).sentence
        assert told in here("evaluate", "characters", "--protocol", "nway", "--data", data).sentence
    for part in ("train", "val"):
        save_classes(place / "set" / part, [4] * 5)
    asked = ("train", "tiny.toml", "--data", "set:train", "--set", "data.held_out_classes=0")
    on_both = here(*asked, "--set", "data.watch=set:val")
    assert on_both.code == 1
    assert "5 classes are both in the training and in the held-out pictures" in on_both.err
    beside = here(*asked, "--set", "data.beside=set:val")
    assert beside.code == 1
    assert "5 classes are both in" in beside.err and "name two sets" in beside.err
    few = here("train", "tiny.toml", "--data", "others", "--set", "data.held_out_classes=0.05")
    assert few.code == 1
    assert "cannot hold out 0 of the 5 classes" in few.sentence
    assert [path.name for path in (place / "runs").iterdir()] == ["tiny"]  # nothing was begun
    wrong_key = here("train", "tiny.toml", "--data", "others", "--set", "training.stepz=3")
    assert wrong_key.code == 2
    assert "unknown key training.stepz" in wrong_key.sentence
    wrong_value = here("train", "tiny.toml", "--set", "training.steps=none")
    assert wrong_value.code == 2
    assert "training.steps is 'none', but" in wrong_value.sentence


def test_train_overwrites_nothing(trained: Ended, here: Here, place: Path) -> None:
    again = here("train", "tiny.toml", "--data", "to learn", "--out", "runs/tiny")
    assert again.code == 1
    assert "already holds a training; resume it with --resume runs/tiny" in again.err
    (place / "file").write_text("in the way")
    blocked = here("train", "tiny.toml", "--data", "others", "--out", "file")
    assert blocked.code == 1
    assert "error: file: " in blocked.err


def test_resume_takes_everything_from_the_run(trained: Ended, here: Here) -> None:
    for more in (["tiny.toml"], ["--data", "others"], ["--out", "x"], ["--set", "name=x"]):
        refused = here("train", *more, "--resume", "runs/tiny")
        assert refused.code == 2
        assert "give it alone" in refused.sentence
    nothing = here("train", "--resume", "others")
    assert nothing.code == 1
    assert "holds no training" in nothing.sentence


def test_ctrl_c_and_a_full_disk_lose_nothing(trained: Ended, here: Here, place: Path) -> None:
    run = place / "runs/long one"
    stopped = train_and_press_ctrl_c(place, run)
    assert stopped.code == 0
    told = json.loads(stopped.out)
    assert told.keys() == {"folder", "model", "step", "seconds", "accuracy", "ended"}
    assert told["ended"] == "stopped"
    assert 0 < told["step"] < N_LONG
    assert "stopping after this step; press Ctrl-C again to stop at once" in stopped.err
    assert stopped.err.splitlines()[-1] == f"carry on with: firstsight train --resume '{run}'"
    assert package.load(told["model"]).info.embedding_size == 8
    for word in ("litlogger", "GPU available", "Warning", "Traceback"):
        assert word not in stopped.err  # only firstsight speaks

    kept = {name: (run / name).read_bytes() for name in ("last.ckpt", "run.json")}
    full = firstsight(
        "train", "--resume", run, before=forbid_files_beyond(len(kept["last.ckpt"]) // 2), cwd=place
    )
    assert full.code == 1
    assert full.out == ""
    assert full.err.splitlines()[-1].startswith(f"error: could not write {run}")
    assert "raise the limit" in full.err.splitlines()[-1]
    assert "Traceback" not in full.err
    assert {name: (run / name).read_bytes() for name in kept} == kept

    finished = here("train", "--resume", run, "--json")
    assert finished.code == 0
    told = json.loads(finished.out)
    assert told["ended"] == "finished"
    assert told["step"] == N_LONG


def train_and_press_ctrl_c(place: Path, run: Path) -> Ended:
    """Ctrl-C once the first checkpoint lies there."""
    arguments: list[str | Path] = [
        "train",
        "tiny.toml",
        "--data",
        "to learn",
        "--out",
        run,
        "--json",
    ]
    arguments += ["--set", f"training.steps={N_LONG}", "--set", "training.validate_every=20"]
    with subprocess.Popen(
        command_line(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=place,
        env=environment(),
    ) as process:
        patience = time.monotonic() + 120
        while not (run / "last.ckpt").exists() and process.poll() is None:
            assert time.monotonic() < patience
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    return Ended(process.returncode, out, err)


def forbid_files_beyond(n_bytes: int) -> str:
    return f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({n_bytes}, {n_bytes}))\n"


def test_python_does_what_the_command_line_does(
    trained: Ended, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    started = package.train("tiny.toml", data="to learn", overrides=["training.steps=4"])
    assert started.folder == Path("runs/tiny-2")
    assert (started.step, started.ended) == (4, "finished")
    embedder = package.load(started.model)
    assert isinstance(embedder, package.Embedder)
    card = package.evaluate(started.model, protocol="nway", data="others", n_way=3, n_trials=20)
    assert isinstance(card, package.Scorecard)
    assert card.model_fingerprint == embedder.info.fingerprint
    assert card.n == 20
    resumed = package.resume(started.folder)
    assert (resumed.step, resumed.accuracy) == (4, started.accuracy)
    exported = package.export(started.folder, "from python", which="best")
    assert package.load(exported).info.fingerprint == embedder.info.fingerprint
    with pytest.raises(package.FirstsightError, match="choose best or last"):
        package.export(started.folder, "elsewhere", which="worst")  # type: ignore[arg-type]
