"""Retrieval: every picture asks all others for those of its class (the protocol `retrieval`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from firstsight.data.packed import PackedPictures
from firstsight.errors import UsageError
from firstsight.evaluation.embedding import Embed, embed_all
from firstsight.evaluation.ranking import KS, Ranking, rank
from firstsight.evaluation.scorecard import Scorecard
from firstsight.metrics.intervals import interval_by_cluster
from firstsight.similarity import Head

__all__ = ["RetrievalPlan", "retrieval", "retrieval_card"]

QUERIES, INTERVAL = 40, 41  # separate random streams of one seed


@dataclass(frozen=True)
class RetrievalPlan:
    """ks: of recall@k, rising from 1. n_queries: drawn at random, each once; None for all."""

    ks: tuple[int, ...] = KS
    n_queries: int | None = None

    def __post_init__(self) -> None:
        if self.n_queries is not None and self.n_queries < 1:
            raise UsageError(f"n_queries is {self.n_queries}; give at least 1")


def retrieval(
    embed: Embed,
    head: Head,
    pictures: PackedPictures,
    seed: int,
    plan: RetrievalPlan | None = None,
) -> Scorecard:
    """Precision@1 with every picture as a query, and all other pictures to be found.

    Details: recall@k (is one of its class among the nearest k?), MAP@R and R-precision, each with
    its interval, bootstrapped by class. A query is never among its own references. Pictures alone
    in their class ask nothing. DataError where no picture has another of its class.
    """
    plan = plan or RetrievalPlan()
    query = None
    if plan.n_queries is not None:
        counts = np.bincount(pictures.labels)
        able = np.flatnonzero(counts[pictures.labels] > 1)
        query = np.random.default_rng([seed, QUERIES]).permutation(able)[: plan.n_queries]
    ranking = rank(
        embed_all(embed, pictures.pixels), pictures.labels, head, ks=plan.ks, query=query
    )
    return retrieval_card(ranking, pictures, seed)


def retrieval_card(ranking: Ranking, pictures: PackedPictures, seed: int) -> Scorecard:
    """The scorecard of queries that were ranked among all of `pictures`."""
    things = pictures.labels[ranking.query]
    rates = {
        f"recall_at_{k}": ranking.found[:, place] for place, k in enumerate(ranking.ks) if k > 1
    }
    rates["map_at_r"] = ranking.average_precision
    rates["r_precision"] = ranking.r_precision
    intervals = {
        name: interval_by_cluster(scores, things, np.random.default_rng([seed, INTERVAL]))
        for name, scores in {"precision_at_1": ranking.precision_at_1, **rates}.items()
    }
    return Scorecard(
        protocol="retrieval",
        measure="precision_at_1",
        value=float(ranking.precision_at_1.mean()),
        interval=intervals.pop("precision_at_1"),
        n=len(things),
        seed=seed,
        data_name=pictures.name,
        data_fingerprint=pictures.fingerprint,
        details={
            **{name: float(scores.mean()) for name, scores in rates.items()},
            "intervals": {name: list(ends) for name, ends in intervals.items()},
            "interval_by": "class",
            "references": len(pictures) - 1,
            "alone_in_their_class": int((np.bincount(pictures.labels) == 1).sum()),
        },
    )
