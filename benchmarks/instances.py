"""Single things seen again: one picture of each is enrolled, and other pictures of it are asked.

    # One catalogue picture a thing, and pictures in the wild, told apart by the names of the files
    # (or of folders, where a folder holds the pictures of one thing).
    python benchmarks/instances.py photos lite1 --gallery covers/Reference --queries covers/Palm
    # One folder a thing; each picture is the enrolled one in turn, as often as all things have one.
    python benchmarks/instances.py photos lite1 --data things

Models are compared with the first one on the same questions, things drawn again for the interval.
`--frozen` adds the network that the first one whitened, pooled alike and averaged. `--views 8`
enrolls each thing by the mean of its picture and of eight other views made from it.

5-way and 20-way are exact: the mean over all ways to choose the other things. Misses are of
enrolled things at thresholds that accept 1 and 5 % of strangers, over 50 halvings of the things.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import firstsight
from firstsight.evaluation.openset import OpenSetTrials, miss_curve
from firstsight.evaluation.ranking import rank
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.images.listing import list_pictures
from firstsight.images.preprocess import Preprocessing
from firstsight.metrics.intervals import bootstrap_by_cluster
from firstsight.model import Embedder
from firstsight.similarity import Cosine, Head

SEED = 0
HALVINGS = 50
RATES = (0.01, 0.05)
AT_ONCE = 32
# The network that another whitened: neither that nor a closer look.
WHOLE = {"projection": None, "whitened": False, "closer_weight": 0.0}

Floats = NDArray[np.float32]
Float64 = NDArray[np.float64]
Indices = NDArray[np.int64]
Pixels = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Things:
    """Pictures (N,) of T things; thing: (N,) 0..T-1. enrolled: (R, T) rows of R rounds, one picture
    of each thing in a round; all others are asked in it."""

    pictures: Sequence[Path]
    thing: Indices
    enrolled: Indices


@dataclass(frozen=True, eq=False)
class Contestant:
    name: str
    head: Head
    embed: Callable[[Pixels], Floats]


@dataclass(frozen=True, eq=False)
class Judged:
    """What each question was worth, (Q,) a measure, and the thing (Q,) it was asked about."""

    worth: dict[str, Float64]
    thing: dict[str, Indices]
    misses: tuple[float, ...]


def main() -> None:
    arguments = parsed()
    models = [firstsight.load(name) for name in arguments.models]
    if arguments.data:
        things = of_folders(arguments.data, arguments.most)
    else:
        things = of_catalogue(arguments.gallery, arguments.queries)
    contestants = [
        Contestant(name, model.info.head, model.embed_pixels)
        for name, model in zip(arguments.models, models, strict=True)
    ]
    sizes = [model.info.preprocessing for model in models]
    if arguments.frozen:
        contestants += frozen(models[0])
        sizes += [sizes[0]] * 2
    shown = {seen: np.stack([seen.pixels(each) for each in things.pictures]) for seen in set(sizes)}
    judged: dict[str, Judged] = {}
    for contestant, seen in zip(contestants, sizes, strict=True):
        pixels = shown[seen]
        asked = embedded(contestant, pixels)
        enrolled = asked.copy()
        if arguments.views:
            once = np.unique(things.enrolled)
            views = other_views(pixels[once], arguments.views, seen)
            seen_so = [asked[once], *(embedded(contestant, view) for view in views)]
            enrolled[once] = mean_of(seen_so)
        judged[contestant.name] = judge(asked, enrolled, contestant.head, things)
    report(judged, things, arguments.views)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+", help="shipped names or model folders")
    parser.add_argument("--gallery", nargs="+", type=Path, help="folders, one picture a thing")
    parser.add_argument("--queries", nargs="+", type=Path, help="folders, named as in the gallery")
    parser.add_argument("--data", type=Path, help="instead of these: one folder a thing")
    parser.add_argument("--most", type=int, default=8, help="pictures a thing of --data, evenly")
    parser.add_argument("--frozen", action="store_true")
    parser.add_argument("--views", type=int, default=0)
    arguments = parser.parse_args()
    if bool(arguments.data) == bool(arguments.gallery and arguments.queries):
        parser.error("give --data, or --gallery and --queries")
    return arguments


def of_catalogue(gallery: Sequence[Path], queries: Sequence[Path]) -> Things:
    """Things by the names of their files, without endings, or of the folders that they are in."""
    known = [listed for folder in gallery for listed in list_pictures(folder)]
    names = {name: place for place, (_, name) in enumerate(known)}
    asked = [listed for folder in queries for listed in list_pictures(folder)]
    strays = [picture.name for picture, name in asked if name not in names]
    if len(names) < len(known) or strays:
        odd = strays or [name for _, name in known]
        raise SystemExit(f"not one picture in the gallery of each thing: {odd[:3]}")
    own = [names[name] for _, name in asked]
    every = np.arange(len(known))
    pictures = [picture for picture, _ in [*known, *asked]]
    return Things(pictures, np.concatenate([every, own]).astype(np.int64), every[None])


def of_folders(root: Path, most: int) -> Things:
    """At most so many pictures a thing, taken evenly; as many rounds as the fewest of a thing."""
    by_name: dict[str, list[Path]] = {}
    for picture, name in list_pictures(root):
        by_name.setdefault(name, []).append(picture)
    pictures, numbers = list[Path](), list[int]()
    for number, own in enumerate(by_name.values()):
        places = np.linspace(0, len(own), min(most, len(own)), endpoint=False).astype(int)
        pictures += [own[place] for place in places]
        numbers += [number] * len(places)
    thing = np.array(numbers)
    firsts = np.searchsorted(thing, np.arange(len(by_name)))
    rounds = np.arange(np.bincount(thing).min())
    return Things(pictures, thing, firsts + rounds[:, None])


def frozen(model: Embedder) -> Iterator[Contestant]:
    from firstsight.learning.training.untrained import build_untrained

    tables = dict(model.info.recipe)
    pooling = {"frozen, pooled so": {}, "frozen, averaged": {"power": 1.0, "window": None}}
    for name, change in pooling.items():
        network = tables["network"] | WHOLE | change
        training = tables["training"] | {"steps": max(1, tables["training"]["steps"])}
        embed, _ = build_untrained(tables | {"network": network, "training": training})
        yield Contestant(name, Cosine(), embed)


def embedded(contestant: Contestant, pixels: Pixels) -> Floats:
    starts = range(0, len(pixels), AT_ONCE)
    return np.concatenate([contestant.embed(pixels[start : start + AT_ONCE]) for start in starts])


def other_views(pixels: Pixels, n_views: int, seen: Preprocessing) -> Iterator[Pixels]:
    """Other photographs of each picture, as whitening makes them, as pixels again."""
    import torch

    from firstsight.learning.augment.views import OtherViews
    from firstsight.learning.training.bank import normalise, pixels_of

    vary = OtherViews(seen.size, seen.mean, seen.deviation)
    torch.manual_seed(SEED)
    for _ in range(n_views):
        parts = np.array_split(pixels, -(-len(pixels) // AT_ONCE))
        shown = (vary(normalise(torch.from_numpy(part), seen)) for part in parts)
        yield np.concatenate([pixels_of(view, seen) for view in shown])


def mean_of(several: Sequence[Floats]) -> Floats:
    """(N, D): the mean of embeddings brought to length 1."""
    units = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in several]
    return np.asarray(np.mean(units, axis=0), np.float32)


def judge(asked: Floats, enrolled: Floats, head: Head, things: Things) -> Judged:
    """asked, enrolled: (N, D) the pictures as they are asked about, and as they are enrolled."""
    worth: dict[str, list[Float64]] = {"5-way": [], "20-way": [], "all": []}
    whose, tables = [], []
    for known in things.enrolled:
        others = np.setdiff1d(np.arange(len(things.thing)), known)
        distance = head.distance(asked[others], enrolled[known])
        own = things.thing[others]
        for name, n_way in zip(worth, (5, 20, len(known)), strict=True):
            worth[name].append(one_shot(distance, own, n_way))
        whose.append(own)
        tables.append((distance, own))
    ranking = rank(asked, things.thing, head)
    joined = {name: np.concatenate(parts) for name, parts in worth.items()}
    whom = dict.fromkeys(joined, np.concatenate(whose))
    joined |= {"precision@1": ranking.precision_at_1, "MAP@R": ranking.average_precision}
    whom |= dict.fromkeys(("precision@1", "MAP@R"), things.thing[ranking.query])
    return Judged(joined, whom, missed(tables))


def one_shot(distance: Floats, own: Indices, n_way: int) -> Float64:
    """(Q,): the share of all choices of n_way - 1 other things that leave the own one nearest.

    distance: (Q, T). own: (Q,) 0..T-1. Another thing as near as the own one counts half.
    """
    n_things = distance.shape[1]
    mine = np.take_along_axis(distance, own[:, None], 1)
    farther = (distance > mine).sum(1) + ((distance == mine).sum(1) - 1) / 2
    worth = np.ones(len(own))
    for drawn in range(min(n_way, n_things) - 1):
        worth *= np.maximum(farther - drawn, 0) / (n_things - 1 - drawn)
    return worth


def missed(tables: Sequence[tuple[Floats, Indices]]) -> tuple[float, ...]:
    """Shares of misses at RATES: random halves of the things are enrolled, the others strangers."""
    rng = np.random.default_rng(SEED)
    found = []
    for number in range(HALVINGS):
        distance, own = tables[number % len(tables)]
        n_things = distance.shape[1]
        inside = np.zeros(n_things, bool)
        inside[rng.permutation(n_things)[: n_things // 2]] = True
        among = np.where(inside, distance, np.inf)
        nearest, known = among.min(1), inside[own]
        trials = OpenSetTrials(
            enrolled_distance=nearest[known],
            enrolled_right=among.argmin(1)[known] == own[known],
            enrolled_thing=own[known],
            stranger_distance=nearest[~known],
            stranger_thing=own[~known],
        )
        found.append([point.misses for point in miss_curve(trials, RATES)])
    return tuple(np.mean(found, axis=0).tolist())


def report(judged: dict[str, Judged], things: Things, n_views: int) -> None:
    rounds, n_things = things.enrolled.shape
    print(
        f"{n_things} things, {len(things.pictures)} pictures, {rounds} enrolled each in turn, ",
        end="",
    )
    print(f"{n_views} views, seed {SEED}, commit {find_commit()}, {find_hardware()}; %")
    first = next(iter(judged.values()))
    print(f"{'':24s}", *(f"{name:>21s}" for name in first.worth), "misses at 1 %, 5 %")
    for name, own in judged.items():
        told = [with_ends(own.worth[each], own.thing[each]) for each in own.worth]
        missed = ", ".join(f"{100 * share:.1f}" for share in own.misses)
        print(f"{name[-24:]:24s}", *(f"{each:>21s}" for each in told), missed)
    for name, own in list(judged.items())[1:]:
        gains = [with_ends(own.worth[k] - first.worth[k], own.thing[k]) for k in own.worth]
        print(f"{('less the first: ' + name)[:24]:24s}", *(f"{each:>21s}" for each in gains))


def with_ends(worth: Float64, thing: Indices) -> str:
    low, high = bootstrap_by_cluster(worth, thing, np.random.default_rng(SEED))
    return f"{100 * worth.mean():.1f} ({100 * low:.1f} .. {100 * high:.1f})"


if __name__ == "__main__":
    main()
