"""How long it takes to judge embeddings, and how much memory; beside easyfsl's evaluation loop.

Episodes: 13,180 embeddings (659 classes of 20, as Omniglot's evaluation set), 10,000 episodes of
20-way 1-shot with one query: drawn and scored. Reach: 2 s. easyfsl's own sampler, collation,
prototypical networks and `evaluate` do the same on the same embeddings with --easyfsl CHECKOUT, a
clone of sicara/easy-few-shot-learning. It imports torchvision, pandas and matplotlib for parts that
play no role here; where they are missing, empty stand-ins let it load.

Retrieval: --references embeddings, --queries of them asked; the peak of memory is this process's.

    python benchmarks/evaluation_speed.py [--easyfsl CHECKOUT] [--references 100000]
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from firstsight.evaluation.episodes import score
from firstsight.evaluation.ranking import rank
from firstsight.evaluation.scorecard import find_commit, find_hardware
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Cosine, Euclidean, Head

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

N_CLASSES, A_CLASS, SIZE = 659, 20, 128
N_EPISODES, THEIR_EPISODES = 10_000, 500
REPEATS = 3


def clustered(n_classes: int, a_class: int) -> tuple[Floats, Indices]:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(n_classes), a_class)
    centres = rng.standard_normal((n_classes, SIZE), dtype=np.float32)
    noise = rng.standard_normal((len(labels), SIZE), dtype=np.float32)
    return centres[labels] + 2 * noise, labels


def ours(embeddings: Floats, labels: Indices, head: Head, n_query: int = 1) -> tuple[float, float]:
    """(seconds, accuracy) of drawing and scoring all episodes; the median of some repeats."""
    nobody = np.zeros_like(labels)
    plan = EpisodePlan(
        n_query=n_query, n_tasks=N_EPISODES, within_group=False, distinct_drawers=False
    )
    taken, right = [], np.zeros(1)
    for seed in range(REPEATS):
        started = time.perf_counter()
        episodes = draw_episodes(labels, nobody, nobody, plan, np.random.default_rng(seed))
        right = score(episodes, embeddings, head)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken), float(right.mean())


def theirs(checkout: Path, embeddings: Floats, labels: Indices) -> tuple[float, float]:
    """(seconds, accuracy) of easyfsl for as many episodes, from a part of them."""
    evaluate, sampler_class, dataset_class, method = load_easyfsl(checkout)
    import torch
    from torch.utils.data import DataLoader, Sampler

    # Its sampler hands over a `data_source`, which PyTorch takes no longer.
    Sampler.__init__ = lambda self, data_source=None: None  # type: ignore[method-assign, misc]
    torch.set_num_threads(1)
    random.seed(0)
    data = dataset_class(labels.tolist(), torch.from_numpy(embeddings), list(map(str, range(659))))
    sampler = sampler_class(data, n_way=20, n_shot=1, n_query=1, n_tasks=THEIR_EPISODES)
    loader: Any = DataLoader(data, batch_sampler=sampler, collate_fn=sampler.episodic_collate_fn)
    started = time.perf_counter()
    accuracy = evaluate(method(), loader, device="cpu", use_tqdm=False)
    return (time.perf_counter() - started) * N_EPISODES / THEIR_EPISODES, float(accuracy)


def load_easyfsl(checkout: Path) -> tuple[Any, Any, Any, Any]:
    sys.path.insert(0, str(checkout))
    for name in ("torchvision", "pandas", "matplotlib"):
        try:
            __import__(name)
        except ImportError:
            stand_in(name)
    from importlib import import_module

    return (
        import_module("easyfsl.utils").evaluate,
        import_module("easyfsl.samplers").TaskSampler,
        import_module("easyfsl.datasets").FeaturesDataset,
        import_module("easyfsl.methods").PrototypicalNetworks,
    )


class _Anything(ModuleType):
    """A module that has every name, as a class that does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def stand_in(name: str) -> None:
    inner = {
        "torchvision": ("transforms", "datasets", "models", "models.resnet"),
        "matplotlib": ("pyplot",),
    }
    for module in (name, *(f"{name}.{part}" for part in inner.get(name, ()))):
        sys.modules[module] = _Anything(module)
        sys.modules[module].__path__ = []


def retrieve(n: int, n_queries: int, head: Head) -> None:
    embeddings, labels = clustered(n // A_CLASS, A_CLASS)
    query = np.random.default_rng(1).permutation(len(labels))[:n_queries]
    started = time.perf_counter()
    ranking = rank(embeddings, labels, head, query=query)
    seconds = time.perf_counter() - started
    print(
        f"retrieval, {head.kind}: {n_queries:,} queries among {len(labels):,} x {SIZE} in "
        f"{seconds:.1f} s, MAP@R {ranking.average_precision.mean():.4f}; peak of the "
        f"process {peak_mib():,.0f} MiB, of which the embeddings {embeddings.nbytes / 2**20:,.0f}"
    )


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--easyfsl", type=Path)
    parser.add_argument("--references", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1000)
    wanted = parser.parse_args()
    print(f"commit {find_commit()}, {find_hardware()}, seeds from 0")
    for head in (Euclidean(), Cosine()):
        retrieve(wanted.references, wanted.queries, head)
    embeddings, labels = clustered(N_CLASSES, A_CLASS)
    for head in (Euclidean(), Cosine()):
        seconds, accuracy = ours(embeddings, labels, head)
        print(
            f"{N_EPISODES:,} episodes of 20-way 1-shot, {head.kind}: {seconds:.2f} s "
            f"(accuracy {accuracy:.4f})"
        )
    if wanted.easyfsl is None:
        print("easyfsl: not measured; give --easyfsl CHECKOUT")
        return
    base, same = ours(embeddings, labels, Euclidean(), n_query=20)
    seconds, accuracy = theirs(wanted.easyfsl, embeddings, labels)
    print(
        f"with 20 queries each: ours {base:.2f} s (accuracy {same:.4f}), easyfsl {seconds:.1f} s "
        f"by {THEIR_EPISODES} of them (accuracy {accuracy:.4f}): {seconds / base:.1f} times ours"
    )


if __name__ == "__main__":
    main()
