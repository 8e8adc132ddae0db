"""Few-shot classification across alphabets, by the Vinyals split (the protocol `vinyals`)."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from firstsight.data.omniglot_parts import TURNS
from firstsight.data.packed import PackedPictures
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.episodes import Shots, score
from firstsight.evaluation.scorecard import Scorecard
from firstsight.metrics.intervals import interval_by_cluster
from firstsight.sampling.episodes import EpisodePlan, draw_episodes
from firstsight.similarity import Head

__all__ = ["PUBLISHED_SIZE_PX", "VinyalsPlan", "embed_turned", "vinyals"]

PUBLISHED_SIZE_PX = 28

EPISODES, INTERVAL = 50, 51  # separate random streams of one seed


@dataclass(frozen=True)
class VinyalsPlan:
    """n_tasks episodes; every class of an episode is asked about once.

    rotated: each quarter turn of a character is a class of its own (1,692 of them), as in Snell et
    al. 2017; else the 423 characters as they stand.
    """

    n_way: int = 20
    k_shot: int = 1
    n_tasks: int = 1000
    rotated: bool = True
    shots: Shots = "prototype"

    @property
    def form(self) -> str:
        return f"{self.n_way}-way {self.k_shot}-shot"


def vinyals(
    embed: Embed,
    head: Head,
    pictures: PackedPictures,
    seed: int,
    plan: VinyalsPlan | None = None,
) -> Scorecard:
    """Accuracy in episodes of classes from all test alphabets, support and query by any drawers.

    pictures: of `omniglot:vinyals-test`. The interval is bootstrapped by character: its turns go
    together. Raises EpisodeError where no such episodes can be drawn.
    """
    plan = plan or VinyalsPlan()
    turns = len(TURNS) if plan.rotated else 1
    labels = np.concatenate([pictures.labels + turn * pictures.n_classes for turn in range(turns)])
    episodes = draw_episodes(
        labels,
        np.zeros_like(labels),
        np.zeros_like(labels),
        EpisodePlan(
            n_way=plan.n_way,
            k_shot=plan.k_shot,
            n_query=plan.n_way,
            n_tasks=plan.n_tasks,
            within_group=False,
            distinct_drawers=False,
        ),
        np.random.default_rng([seed, EPISODES]),
    )
    right = score(episodes, embed_turned(embed, pictures, turns), head, plan.shots)
    characters = labels[episodes.query] % pictures.n_classes
    return Scorecard(
        protocol="vinyals",
        measure="accuracy",
        value=float(right.mean()),
        interval=interval_by_cluster(
            right.ravel(), characters.ravel(), np.random.default_rng([seed, INTERVAL])
        ),
        n=right.size,
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={
            **asdict(plan),
            "form": plan.form,
            "classes": turns * pictures.n_classes,
            "chance": 1 / plan.n_way,
            "interval_by": "character",
            "picture_size_px": pictures.pixels.shape[1],
            "published_picture_size_px": PUBLISHED_SIZE_PX,
        },
    )


def embed_turned(embed: Embed, pictures: PackedPictures, turns: int) -> npt.NDArray[np.float32]:
    """(turns * N, D): all pictures as they stand, then turned by 90 degrees, 180 and so on."""

    def turned(by: int) -> Embed:
        return lambda pixels: embed(np.ascontiguousarray(np.rot90(pixels, by, axes=(1, 2))))

    return np.concatenate([embed_all(turned(by), pictures.pixels) for by in range(turns)])
