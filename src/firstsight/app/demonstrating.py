"""Use case: the whole way in one go, on real drawings; what `make demo` runs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app import training
from firstsight.app.contestants import Contestant, baselines_of
from firstsight.app.judging import judge
from firstsight.app.remarks import say
from firstsight.app.trials import Trials
from firstsight.errors import DataUnavailable, storing

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.evaluation.scorecard import Scorecard
    from firstsight.model.embedder import Embedder

__all__ = ["Demonstration", "Recognised", "demonstrate"]

N_THINGS, N_QUERIES = 20, 6


@dataclass(frozen=True)
class Recognised:
    """What one thing's pictures were called after a single one of it was enrolled."""

    name: str
    called: tuple[str, ...]

    @property
    def n_right(self) -> int:
        return sum(called == self.name for called in self.called)


@dataclass(frozen=True)
class Demonstration:
    """on_omniglot: False where Omniglot could not be had and stand-ins were used.

    scores: protocol -> (who, scorecard) rows, the trained model first.
    """

    on_omniglot: bool
    model: Path
    scores: dict[str, list[tuple[str, Scorecard]]]
    recognised: list[Recognised]
    sheet: Path


@dataclass(frozen=True)
class _Stage:
    """What to train on, and which unseen pictures to be judged and shown by."""

    overrides: tuple[str, ...]
    protocols: tuple[Trials, ...]
    unseen: str


_OMNIGLOT = _Stage(
    overrides=(),
    protocols=(Trials("lake2015"), Trials("dense")),
    unseen="omniglot:evaluation",
)
_STAND_IN = _Stage(
    overrides=("data.train='glyphs'",),
    protocols=(Trials("nway", "digits", n_way=10, n_trials=5000),),
    unseen="digits",
)


def demonstrate(
    out: Path, *, recipe: str = "compact", overrides: Sequence[str] = (), console: Console
) -> Demonstration:
    """Train, judge beside baselines, enroll one drawing each of unseen things, recognise others.

    Writes into `out`: run/ (training), scores.json, recognised.png. A training already finished
    or begun there is carried on.
    """
    stage, on_omniglot = _choose_stage(console)
    run = _train(out / "run", recipe, (*stage.overrides, *overrides), console)
    from firstsight.model.embedder import load
    from firstsight.model.folder import add_scores

    embedder = load(run)
    contestants = [
        Contestant(f"firstsight {recipe}", embedder.embed_pixels, embedder.info.head),
        *baselines_of(embedder, console),
    ]
    scores = {}
    for trials in stage.protocols:
        say(console, f"scoring on {trials.protocol}")
        cards = judge(contestants, embedder, trials, console)
        cards[0] = cards[0].of_model(embedder.info.fingerprint)
        scores[trials.protocol] = list(zip([each.name for each in contestants], cards, strict=True))
        add_scores(run, [cards[0].to_json()])
    _save_scores(out / "scores.json", scores)
    recognised = _recognise(embedder, stage.unseen, out / "recognised.png", console)
    return Demonstration(on_omniglot, run, scores, recognised, out / "recognised.png")


def _choose_stage(console: Console) -> tuple[_Stage, bool]:
    from firstsight.data import omniglot

    try:
        omniglot.read_background()
        omniglot.read_evaluation()
        omniglot.read_runs()
    except DataUnavailable as trouble:
        say(console, f"Omniglot cannot be had: {trouble}")
        say(
            console,
            "Instead: training on alphabets drawn by firstsight, testing on the handwritten "
            "digits that scikit-learn ships. No figure below is an Omniglot figure.",
        )
        return _STAND_IN, False
    return _OMNIGLOT, True


def _train(folder: Path, recipe: str, overrides: Sequence[str], console: Console) -> Path:
    if (folder / "run.json").exists():
        say(console, f"carrying on the training in {folder}")
        return training.carry_on(folder, recipe, overrides, console=console).model
    return training.train(recipe, out=folder, overrides=overrides, console=console).model


def _recognise(embedder: Embedder, data: str, sheet: Path, console: Console) -> list[Recognised]:
    from firstsight.app.packing import open_with_progress
    from firstsight.drawing.sheet import (
        SheetQuery,
        SheetRow,
        identification_sheet,
        save_sheet,
    )

    pictures = open_with_progress(data, embedder.info.preprocessing, console)
    shown = _choose_things(pictures)  # rows (things, 1 + queries)
    names = [pictures.class_names[pictures.labels[row[0]]] for row in shown]
    enrolled = embedder.embed_pixels(pictures.pixels[shown[:, 0]])
    asked = embedder.embed_pixels(pictures.pixels[shown[:, 1:].ravel()])
    nearest = embedder.distance(asked, enrolled).argmin(axis=1).reshape(len(shown), -1)
    recognised = [
        Recognised(name, tuple(names[number] for number in row))
        for name, row in zip(names, nearest, strict=True)
    ]
    rows = [
        SheetRow(
            each.name,
            pictures.pixels[row[0]],
            [
                SheetQuery(pictures.pixels[index], called)
                for index, called in zip(row[1:], each.called, strict=True)
            ],
        )
        for each, row in zip(recognised, shown, strict=True)
    ]
    n_right = sum(each.n_right for each in recognised)
    drawing = identification_sheet(
        rows,
        title="Recognised from one drawing",
        subtitle=f"{len(rows)} things never seen in training, one picture enrolled of each: "
        f"{n_right} of {nearest.size} others named rightly",
    )
    with storing(sheet):
        save_sheet(drawing, sheet)
    return recognised


def _choose_things(pictures: PackedPictures):  # type: ignore[no-untyped-def]
    """(things, 1 + queries) picture rows: one class from each group in turn, drawn by seed 0."""
    import numpy as np

    rng = np.random.default_rng(0)
    by_group = [
        rng.permutation(np.flatnonzero(pictures.class_groups == group)).tolist()
        for group in range(len(pictures.group_names))
    ]
    classes: list[int] = []
    while len(classes) < N_THINGS and any(by_group):
        classes += [members.pop() for members in by_group if members]
    rows = []
    for label in classes[:N_THINGS]:
        rows.append(rng.permutation(np.flatnonzero(pictures.labels == label))[: 1 + N_QUERIES])
    return np.stack(rows)


def _save_scores(path: Path, scores: dict[str, list[tuple[str, Scorecard]]]) -> None:
    text = {
        protocol: [{"who": who, **card.to_json()} for who, card in rows]
        for protocol, rows in scores.items()
    }
    with storing(path):
        path.write_text(json.dumps(text, indent=1), encoding="utf-8")
