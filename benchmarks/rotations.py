"""Models that each held out other classes, judged on those, beside the same network frozen.

Give the trainings of one recipe that differ in `data.held_out_part` alone, so that together they
held out every class once: each class is judged by the one model that never saw it, on pictures of
DATA that no training saw either. The frozen network is judged as the recipe pools its features and
as a plain average, seen from the mean of the other classes' pictures in both cases.

    for part in 0 1 2 3 4; do
        firstsight train photos --data snacks:train --set data.held_out_part=$part --out part$part
    done
    python benchmarks/rotations.py part0 part1 part2 part3 part4 --data snacks:test
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import firstsight
from firstsight.data.catalogue import open_pictures
from firstsight.data.packed import PackedPictures
from firstsight.data.splits import hold_out, without_singletons
from firstsight.evaluation.crossed import Part, crossed_ranking, crossed_retrieval, gains
from firstsight.evaluation.embedding import embed_all
from firstsight.evaluation.episodes import score
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.learning.training.untrained import build_untrained
from firstsight.metrics.intervals import bootstrap_by_cluster
from firstsight.model import Embedder
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Cosine

SEED = 0
WAYS, TRIALS = 4, 2000  # of 4-way one-shot in each part
EPISODES, INTERVAL = 61, 62
# The network that another whitened: neither that nor a closer look.
WHOLE = {"projection": None, "whitened": False, "closer_weight": 0.0}

Float64 = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="trainings, each with its model inside")
    parser.add_argument("--data", default="snacks:test")
    arguments = parser.parse_args()
    models = [firstsight.load(run / "model") for run in arguments.runs]
    pictures = open_pictures(arguments.data, models[0].info.preprocessing)
    judged = [rows_of(pictures, held_out_by(model)) for model in models]
    require_each_once(judged)
    contestants = {
        models[0].info.name: [
            part_of(embed_all(model.embed_pixels, pictures.pixels[rows]), rows)
            for model, rows in zip(models, judged, strict=True)
        ],
        "frozen, pooled so": list(frozen(models[0], pictures, judged)),
        "frozen, averaged": list(frozen(models[0], pictures, judged, power=1.0, window=None)),
    }
    report(contestants, pictures)


def held_out_by(model: Embedder) -> tuple[str, ...]:
    """Names of the classes that its training held out."""
    recipe = model.info.recipe
    learned_from = open_pictures(recipe["data"]["train"], model.info.preprocessing)
    _, unseen = hold_out(
        without_singletons(learned_from)[0],
        n_groups=recipe["data"]["held_out_groups"],
        class_share=recipe["data"]["held_out_classes"],
        part=recipe["data"]["held_out_part"],
        seed=recipe["training"]["seed"],
    )
    if unseen is None:
        raise SystemExit(f"{model.info.name} held nothing out; set data.held_out_classes")
    return unseen.class_names


def rows_of(pictures: PackedPictures, names: tuple[str, ...]) -> NDArray[np.int64]:
    numbers = [number for number, name in enumerate(pictures.class_names) if name in names]
    return np.flatnonzero(np.isin(pictures.labels, numbers))


def require_each_once(judged: list[NDArray[np.int64]]) -> None:
    rows = np.concatenate(judged)
    if len(np.unique(rows)) != len(rows):
        raise SystemExit("two trainings held out the same classes; give each data.held_out_part")


def part_of(embeddings: NDArray[np.float32], rows: NDArray[np.int64]) -> Part:
    nothing = embeddings[:0]
    return Part(rows, embeddings, Cosine(), nothing, np.empty(0, np.int64))


def frozen(
    model: Embedder, pictures: PackedPictures, judged: list[NDArray[np.int64]], **pooling: Any
) -> Iterator[Part]:
    tables = dict(model.info.recipe)
    network = tables["network"] | WHOLE | pooling
    training = tables["training"] | {"steps": max(1, tables["training"]["steps"])}
    embed, _ = build_untrained(tables | {"network": network, "training": training})
    every = embed_all(embed, pictures.pixels, batch_size=32)
    for rows in judged:
        others = np.setdiff1d(np.arange(len(pictures)), rows)
        yield part_of(every[rows] - every[others].mean(0), rows)


def report(contestants: dict[str, list[Part]], pictures: PackedPictures) -> None:
    ours = next(iter(contestants))
    rankings = {who: crossed_ranking(parts, pictures) for who, parts in contestants.items()}
    trials = {who: one_shot(parts, pictures) for who, parts in contestants.items()}
    n = len(rankings[ours].query)
    print(f"{pictures.name}, {n} queries in {len(contestants[ours])} parts, seed {SEED}, ", end="")
    print(f"commit {find_commit()}, {find_hardware()}; %, 95 % intervals by class")
    print(f"{'':20s}{'precision@1':>22s}{'MAP@R':>22s}{'recall@5':>22s}{'4-way 1-shot':>22s}")
    for who, ranking in rankings.items():
        card = crossed_retrieval(ranking, pictures, SEED)
        found = [(card.value, card.interval)]
        for name in ("map_at_r", "recall_at_5"):
            found.append((card.details[name], card.details["intervals"][name]))
        print(f"{who:20s}", *(f"{told(*each):>21s}" for each in [*found, mean_of(*trials[who])]))
    for who in list(rankings)[1:]:
        better = gains(rankings[who], rankings[ours], pictures, SEED)
        found = [better[name] for name in ("precision_at_1", "map_at_r", "recall_at_5")]
        worth, things = trials[ours]
        found.append(mean_of(worth - trials[who][0], things))
        print(f"{'gain over ' + who:20s}"[:30], *(f"{told(*each):>21s}" for each in found))


def one_shot(parts: list[Part], pictures: PackedPictures) -> tuple[Float64, NDArray[np.int64]]:
    """What each query of random trials inside a part is worth, and the class it is of."""
    worth, things = [], []
    for number, part in enumerate(parts):
        labels = pictures.labels[part.rows]
        nothing = np.zeros(len(labels), np.int64)
        plan = EpisodePlan(n_way=WAYS, n_tasks=TRIALS, within_group=False, distinct_drawers=False)
        rng = np.random.default_rng([SEED, EPISODES, number])
        episodes = draw_episodes(labels, nothing, np.arange(len(labels)), plan, rng)
        worth.append(score(episodes, part.embeddings, part.head).ravel())
        things.append(labels[episodes.query].ravel())
    return np.concatenate(worth), np.concatenate(things)


def mean_of(worth: Float64, things: NDArray[np.int64]) -> tuple[float, tuple[float, float]]:
    rng = np.random.default_rng([SEED, INTERVAL])
    return float(worth.mean()), bootstrap_by_cluster(worth, things, rng)


def told(value: float, ends: Any) -> str:
    low, high = ends
    return f"{100 * value:.1f} ({100 * low:.1f} .. {100 * high:.1f})"


if __name__ == "__main__":
    main()
