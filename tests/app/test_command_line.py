from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import firstsight as package
from firstsight.data.catalogue import KNOWN_NAMES, open_pictures
from firstsight.images.preprocess import Preprocessing
from firstsight.model.folder import ModelInfo, read_model_info, write_model_folder
from firstsight.similarity import Euclidean

from ..command import command_line, cut_short, environment, firstsight, here, save_classes

COMMANDS = ("data", "recipes", "train", "evaluate", "check-loader", "export", "demo")
TINY_ONNX = Path(__file__).parents[1] / "model" / "fixtures" / "tiny.onnx"
EIGHT_PX = Preprocessing(size=8, invert=True)

# No finder finds these, as where the extra was never installed.
WITHOUT_TORCH = """
import sys

class Without:
    def __init__(self, finder):
        self._finder = finder
    def find_spec(self, name, *rest):
        if name.partition(".")[0] in ("torch", "lightning", "onnx", "onnxscript", "sklearn"):
            return None
        return self._finder.find_spec(name, *rest)
    def __getattr__(self, name):
        return getattr(self._finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """5 classes of 6 pictures."""
    return save_classes(tmp_path / "pictures", [6] * 5)


def save_model(folder: Path, data_fingerprint: str = "d" * 64) -> Path:
    """The network of tests/model/fixtures: no recipe made it."""
    info = ModelInfo(
        name="tiny",
        preprocessing=EIGHT_PX,
        head=Euclidean(),
        embedding_size=3,
        data_fingerprint=data_fingerprint,
    )
    write_model_folder(folder, onnx=TINY_ONNX.read_bytes(), tensors=None, info=info)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_model(tmp_path / "model")


def test_every_help_ends_with_an_example_and_loads_nothing_heavy() -> None:
    script = """
import contextlib, io, json, sys
from firstsight.app.cli.main import run

helps = {}
for command in ("", *sys.argv[1:]):
    sys.argv = ["firstsight", *command.split(), "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            run()
        except SystemExit as end:
            helps[command] = [end.code, out.getvalue()]
heavy = {"torch", "lightning", "onnxruntime", "numpy", "sklearn", "onnx"}
print(json.dumps([helps, sorted(heavy & sys.modules.keys())]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, *COMMANDS], capture_output=True, text=True, check=True
    )
    helps, heavy = json.loads(done.stdout)
    assert heavy == []
    assert helps.keys() == {"", *COMMANDS}
    for command, (code, text) in helps.items():
        assert code == 0
        example = text.rstrip().splitlines()[-1].strip()
        assert example.startswith(f"Example:  firstsight {command}".rstrip())
    assert all(command in helps[""][1] for command in COMMANDS)


def test_version_and_no_command_at_all() -> None:
    script = Path(sys.executable).with_name("firstsight")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("firstsight 0.")
    bare = here()
    assert bare.code == 2
    assert "COMMAND [ARGS]" in bare.out + bare.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("paint",),
        ("train", "--nope"),
        ("train",),
        ("evaluate",),
        ("evaluate", "model", "--n-way", "1"),
        ("evaluate", "model", "--trials", "many"),
        ("export", "run"),
        ("recipes", "imaginary"),
        ("recipes", "imaginary", "--json"),
        ("data", "omniglot:runs"),
    ],
    ids=" ".join,
)
def test_a_request_that_makes_no_sense_ends_with_2(
    arguments: tuple[str, ...],
) -> None:
    ended = here(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err
    assert "Traceback" not in ended.err


def test_data_lists_the_named_sets() -> None:
    shown = here("data")
    assert shown.code == 0
    assert shown.err == ""
    listed = json.loads(here("data", "--json").out)
    assert {each["name"] for each in listed} == {*KNOWN_NAMES, "omniglot:runs"}
    assert all(each["name"] in shown.out for each in listed)
    assert listed[0].keys() == {"name", "place", "count", "licence", "credit", "address"}


def test_data_describes_a_folder_and_names_what_cannot_be_read(tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "my [old] pictures", [4, 4, 1])
    cut_short(folder / "class0" / "2.png")
    (folder / "class1" / "notes.jpg").write_text("no picture")
    shown = here("data", folder)
    assert shown.code == 0
    assert "my [old] pictures" in shown.out
    remarks = shown.err.splitlines()
    assert remarks[0] == f"left out 2 unreadable pictures of {folder}:"
    assert remarks[1].startswith(f"  {folder / 'class0' / '2.png'} is damaged or cut short")
    assert remarks[2].startswith(f"  {folder / 'class1' / 'notes.jpg'} is no picture")
    assert len(remarks) == 3
    facts = json.loads(here("data", folder, "--json").out)
    unreadable = facts.pop("unreadable")
    assert facts == {
        "name": str(folder),
        "pictures": 8,
        "classes": 3,
        "groups": 1,
        "pictures_per_class": [1, 4],
        "classes_with_one_picture": 1,
    }
    assert [Path(each["name"]).name for each in unreadable] == ["2.png", "notes.jpg"]


def test_only_the_first_unreadable_pictures_are_named(tmp_path: Path) -> None:
    folder = save_classes(tmp_path / "pictures", [8, 2])
    for number in range(7):
        cut_short(folder / "class0" / f"{number}.png")
    remarks = here("data", folder).err.splitlines()
    assert remarks[0].startswith("left out 7 unreadable pictures")
    assert remarks[-1] == "  and 2 more"
    assert len(remarks) == 7


def test_data_refuses_a_folder_that_cannot_serve_in_one_sentence(tmp_path: Path) -> None:
    missing = here("data", tmp_path / "nowhere")
    assert missing.code == 1
    assert "is neither a folder, a CSV file nor a known data set" in missing.sentence
    lonely = here("data", save_classes(tmp_path / "lonely", [3]))
    assert lonely.code == 1
    assert "has one class only, 'class0'" in lonely.sentence
    ruined = save_classes(tmp_path / "ruined", [1, 1])
    for picture in ruined.rglob("*.png"):
        cut_short(picture)
    nothing = here("data", ruined)
    assert nothing.code == 1
    assert "none of the 2 pictures" in nothing.sentence


def test_recipes_are_listed_printed_and_explained() -> None:
    listed = json.loads(here("recipes", "--json").out)
    shown = here("recipes")
    assert shown.code == 0
    assert {"compact", "koch"} <= listed.keys()
    assert all(name in shown.out for name in listed)
    text = here("recipes", "compact")
    assert text.code == 0
    assert 'name = "compact"' in text.out
    assert json.loads(here("recipes", "compact", "--json").out) == listed["compact"]
    keys = json.loads(here("recipes", "--keys", "--json").out)
    table = here("recipes", "--keys")
    assert {"training.steps", "network.kind", "data.train"} <= {key["name"] for key in keys}
    assert all(key["name"] in table.out for key in keys)


def test_a_printed_recipe_can_be_given_back(tmp_path: Path) -> None:
    copy = tmp_path / "mine.toml"
    copy.write_text(here("recipes", "compact").out, encoding="utf-8")
    assert here("recipes", copy, "--json").out == here("recipes", "compact", "--json").out
    copy.write_text("name = ", encoding="utf-8")
    broken = here("recipes", copy)
    assert broken.code == 2
    assert "is no valid TOML" in broken.sentence


def test_evaluate_refuses_what_is_no_model_in_one_sentence(model: Path, tmp_path: Path) -> None:
    missing = here("evaluate", tmp_path / "nowhere")
    assert missing.code == 1
    assert "there is no model folder" in missing.sentence
    (tmp_path / "foreign").mkdir()
    foreign = here("evaluate", tmp_path / "foreign")
    assert foreign.code == 1
    assert "holds no model.json" in foreign.sentence
    cut_short(model / "model.onnx")
    damaged = here("evaluate", model)
    assert damaged.code == 1
    assert "is damaged or foreign" in damaged.sentence
    (model / "model.json").write_text("{", encoding="utf-8")
    assert "is not valid JSON" in here("evaluate", model).sentence


def test_evaluate_scores_a_model_beside_baselines(model: Path, pictures: Path) -> None:
    asked: list[str | Path] = [
        "evaluate",
        model,
        "--protocol",
        "nway",
        "--data",
        pictures,
        "--n-way",
        "4",
    ]
    asked += ["--trials", "50", "--seed", "3"]
    ended = here(*asked, "--json")
    assert ended.code == 0
    assert ended.err == ""
    (card,) = json.loads(ended.out)
    assert card.keys() == {
        "who", "schema_version", "protocol", "measure", "value", "interval", "n", "seed",
        "data_name", "data_fingerprint", "model_fingerprint", "commit", "version", "hardware",
        "details",
    }  # fmt: skip
    assert card["who"] == "tiny"
    assert card["model_fingerprint"] == read_model_info(model).fingerprint
    assert (card["n"], card["seed"], card["details"]["n_way"]) == (50, 3, 4)
    assert card["interval"][0] <= card["value"] <= card["interval"][1]
    beside = here(*asked, "--json", "--baselines")
    rows = {row["who"]: row for row in json.loads(beside.out)}
    assert rows.keys() == {"tiny", "raw pixels", "a constant"}
    # Beside baselines there is one more thing to say, and nothing else differs.
    assert card["details"].pop("warnings") == []
    (doubt,) = rows["tiny"]["details"].pop("warnings")
    assert doubt.startswith("the baseline 'raw pixels' scores ")
    assert f"look again at nway: {doubt}" in beside.err
    assert rows["tiny"] == card
    assert rows["a constant"]["value"] == 0.25
    assert rows["raw pixels"]["value"] > 0.9
    assert "the untrained network is left out: " in beside.err
    table = here(*asked, "--baselines").out
    assert "accuracy %" in table
    assert [" 25.00 " in line for line in table.splitlines() if "a constant" in line] == [True]


def test_how_many_pictures_a_model_has_looked_at_shows_on_the_screen(
    model: Path, pictures: Path
) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=100)
    package.evaluate(model, protocol="nway", data=pictures, n_way=2, n_trials=20, console=screen)
    assert isinstance(screen.file, io.StringIO)
    assert "tiny: pictures for nway" in screen.file.getvalue()
    assert "30/30" in screen.file.getvalue()


def test_evaluate_takes_several_protocols_and_saves_on_request(model: Path, pictures: Path) -> None:
    ended = here(
        *("evaluate", model, "--protocol", "nway", "--protocol", "verification"),
        *("--data", pictures, "--n-way", "2", "--trials", "40", "--save"),
    )
    assert ended.code == 0
    info = read_model_info(model)
    assert [score["protocol"] for score in info.scores] == ["nway", "verification"]
    assert "verification" in (model / "README.md").read_text(encoding="utf-8")


def test_evaluate_says_why_a_protocol_cannot_be_held(
    model: Path, pictures: Path, tmp_path: Path
) -> None:
    asked: list[str | Path] = ["evaluate", model, "--data", pictures, "--protocol"]
    unknown = here(*asked, "nway", "--protocol", "guessing", "--n-way", "3")
    assert unknown.code == 2
    assert "no protocol 'guessing'; choose one of lake2015, dense, nway" in unknown.sentence
    too_many = here(*asked, "nway", "--n-way", "6")
    assert too_many.code == 1
    assert "5 classes; lower n_way" in too_many.sentence
    few_pairs = here(*asked, "verification", "--trials", "6")
    assert few_pairs.code == 2
    assert "multiple of 4" in few_pairs.sentence
    few_trials = here(*asked, "dense", "--trials", "6")
    assert few_trials.code == 2
    assert "at least 1000" in few_trials.sentence
    learned = save_model(tmp_path / "learned", open_pictures(str(pictures), EIGHT_PX).fingerprint)
    same = here("evaluate", learned, "--data", pictures, "--protocol", "nway", "--n-way", "3")
    assert same.code == 2
    assert "was trained on all of these pictures" in same.sentence


def test_without_the_extra_it_is_said_what_to_install(model: Path, pictures: Path) -> None:
    ended = firstsight("train", "compact", "--data", pictures, before=WITHOUT_TORCH)
    assert ended.code == 1
    assert ended.sentence == (
        "training a network needs the extra 'train'; install it with: "
        "pip install 'firstsight[train]'"
    )
    judged = firstsight(
        *("evaluate", model, "--data", pictures, "--protocol", "nway", "--n-way", "3"),
        *("--baselines", "--json"),
        before=WITHOUT_TORCH,
    )
    assert judged.code == 0
    assert "left out: the untrained baseline needs the extra 'train'" in judged.err
    assert [row["who"] for row in json.loads(judged.out)] == ["tiny", "raw pixels", "a constant"]


@pytest.mark.parametrize(
    "arguments",
    [("recipes", "compact"), ("recipes", "--keys"), ("data", "--json"), ("--help",)],
    ids=" ".join,
)
def test_a_reader_that_leaves_early_makes_no_noise(arguments: tuple[str, ...]) -> None:
    with subprocess.Popen(
        command_line(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_below_standard_output_is_told_in_one_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command_line("recipes", "compact"),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "error: No space left on device; check the path and the room on the disk\n"
    )


def test_a_file_in_the_way_is_told_in_one_sentence(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    ended = here("evaluate", tmp_path / "file" / "model")
    assert ended.code == 1
    assert str(tmp_path / "file" / "model") in ended.sentence
