"""128 numbers a picture and a threshold on their distance: two losses, faces and Omniglot.

Faces (AT&T): five folds of eight people each; a network of each fold learns from the 32 others.
All 360 genuine and 2,800 impostor pairs of a fold are judged at the threshold that lets 1 % of the
impostor pairs of the four other folds pass, by the networks that did not know those people either.
Omniglot: six of the 30 background alphabets are held out and give the threshold; pairs within the
20 evaluation alphabets are judged. Raw pixels and the untrained network stand beside.

    python benchmarks/verify_128.py [--out runs/verify-128] [--data faces|omniglot]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console

import firstsight
from firstsight.app.contestants import untrained
from firstsight.app.unseen import only_unseen
from firstsight.data.catalogue import open_pictures
from firstsight.data.packed import PackedPictures
from firstsight.evaluation.baselines import embed_raw_pixels
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.evaluation.verification import Pairs, draw_pairs, pair_distances
from firstsight.evaluation.verifying import Half, rates_at_target
from firstsight.metrics.roc import true_accept_rate
from firstsight.metrics.weighted import WeightedPairs
from firstsight.similarity import Euclidean, Head

RECIPES = ("verify-128", "verify-128-triplet")
FOLDS, TARGET, SEED, REPEATS = 5, 0.01, 0, 1000
RATES = (0.001, 0.01, 0.05, 0.1)  # points of the ROC
Distances = npt.NDArray[np.float32]
OMNIGLOT = (
    "data.held_out_classes=0",
    "data.held_out_groups=6",
    "training.steps=1500",
    "training.validate_every=250",
)


@dataclass(frozen=True)
class Contender:
    """Whoever tells pairs apart."""

    name: str
    embed: Embed
    head: Head

    def judge(self, pictures: PackedPictures, pairs: Pairs) -> WeightedPairs:
        """Drawn again are people, or alphabets where there are some."""
        distances = pair_distances(pairs, embed_all(self.embed, pictures.pixels), self.head)
        units = pictures.groups if len(pictures.group_names) > 1 else pictures.labels
        return WeightedPairs(distances, pairs.same, units[pairs.first], units[pairs.second])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--out", type=Path, default=Path("runs/verify-128"))
    asked.add_argument("--data", choices=("faces", "omniglot"))
    given = asked.parse_args()
    print(f"seed {SEED}, commit {find_commit()}, {find_hardware()}")
    if given.data != "omniglot":
        faces(given.out)
    if given.data != "faces":
        omniglot(given.out)


def faces(out: Path) -> None:
    print(f"\nAT&T faces, {FOLDS} folds by person; threshold for {TARGET:.0%} from the other folds")
    print(HEAD)
    for recipe in RECIPES:
        folds: dict[str, list[WeightedPairs]] = {}
        for fold in range(FOLDS):
            model = trained(recipe, out / f"{recipe}-faces-{fold}", f"data.held_out_part={fold}")
            everybody = open_pictures("faces", model.info.preprocessing)
            people = only_unseen(model.info, everybody, Console(quiet=True))
            for who in contenders(recipe, model):
                folds.setdefault(who.name, []).append(who.judge(people, every_pair(people)))
        for name, judged in folds.items():
            rates = rates_at_target(
                [Half(each.distances, each.same, each.first) for each in judged], TARGET
            )
            tell(name, judged, rates["true_accepts_at_target"], rates["false_accepts_at_target"])


def omniglot(out: Path) -> None:
    print(
        f"\nOmniglot, pairs within an alphabet; threshold for {TARGET:.0%} from held-out alphabets"
    )
    print(HEAD)
    for recipe in RECIPES:
        model = trained(
            recipe, out / f"{recipe}-omniglot", 'data.train="omniglot:background"', *OMNIGLOT
        )
        seen = model.info.preprocessing
        held_out = only_unseen(
            model.info, open_pictures("omniglot:background", seen), Console(quiet=True)
        )
        test = open_pictures("omniglot:evaluation", seen)
        for who in contenders(recipe, model):
            chosen = who.judge(held_out, drawn_pairs(held_out, 1))
            judged = who.judge(test, drawn_pairs(test, 2))
            at = true_accept_rate(*sides_of(chosen), false_accept_rate=TARGET)[1]
            rates = [float((side <= at).mean()) for side in sides_of(judged)]
            tell(who.name, [judged], *rates)


def trained(recipe: str, folder: Path, *overrides: str) -> Any:
    """The model; trained now, or before."""
    if not (folder / "model" / "model.json").exists():
        firstsight.train(
            recipe, out=folder, overrides=[*overrides, f"training.seed={SEED}"],
            console=Console(quiet=True),
        )  # fmt: skip
    return firstsight.load(folder / "model")


def contenders(recipe: str, model: Any) -> Iterator[Contender]:
    yield Contender(recipe, model.embed_pixels, model.info.head)
    if recipe == RECIPES[0]:
        before = untrained(model)
        yield Contender("untrained network", before.embed, before.head)
        yield Contender("raw pixels", embed_raw_pixels, Euclidean())


def every_pair(pictures: PackedPictures) -> Pairs:
    first, second = np.triu_indices(len(pictures), 1)
    return Pairs(first, second, pictures.labels[first] == pictures.labels[second])


def drawn_pairs(pictures: PackedPictures, stream: int) -> Pairs:
    rng = np.random.default_rng([SEED, stream])
    return draw_pairs(pictures.labels, pictures.groups, 10_000, rng)


HEAD = (
    f"{'who':22s} {'EER % (95 % interval)':24s} {'AUC':>7s} {'same accepted %':>16s} "
    f"{'others %':>9s}   ROC: same accepted % at " + ", ".join(f"{100 * r:g} %" for r in RATES)
)


def tell(name: str, judged: list[WeightedPairs], true_accepts: float, false_accepts: float) -> None:
    """A row; rates are means over the folds."""
    equal, auc, _ = np.mean([each.rates() for each in judged], axis=0)
    roc = [
        np.mean([true_accept_rate(*sides_of(each), false_accept_rate=rate)[0] for each in judged])
        for rate in RATES
    ]
    rng = np.random.default_rng([SEED, 3])
    drawn = np.mean([each.redrawn_rates(REPEATS, rng) for each in judged], axis=0)
    low, high = np.quantile(drawn[:, 0], (0.025, 0.975))
    print(
        f"{name:22s} {100 * equal:5.2f} ({100 * low:5.2f} .. {100 * high:5.2f})     {auc:7.4f} "
        f"{100 * true_accepts:16.2f} {100 * false_accepts:9.2f}   "
        + ", ".join(f"{100 * share:.1f}" for share in roc)
    )


def sides_of(pairs: WeightedPairs) -> tuple[Distances, Distances]:
    return pairs.distances[pairs.same], pairs.distances[~pairs.same]


if __name__ == "__main__":
    main()
