"""Which pictures each protocol takes, and how it is called.

A model that has learned from what a protocol judges by is refused: the figure would say nothing of
new things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.names import for_judging
from firstsight.app.packing import open_with_progress
from firstsight.app.unseen import (
    acquaintance,
    only_unseen,
    require_seen_characters,
    require_unseen_characters,
)
from firstsight.evaluation import protocols
from firstsight.evaluation.scorecard import Scorecard
from firstsight.sampling.episodes import EpisodePlan

if TYPE_CHECKING:
    from firstsight.app.contestants import Contestant
    from firstsight.app.trials import Trials
    from firstsight.data.packed import PackedPictures
    from firstsight.evaluation.suspicion import Acquaintance
    from firstsight.metrics.calibration import Calibration
    from firstsight.model.info import ModelInfo

__all__ = ["OpenedTrials", "open_trials", "require_pairs"]


@dataclass(frozen=True)
class OpenedTrials:
    """Trials that are ready to be held, with anybody.

    pictures: what they are drawn from; None for the 20 runs, which are no data set.
    n_looks: how many pictures each contestant is shown, turned ones included.
    known: what the model knew of the pictures; None where their protocol sees to that itself.
    """

    judge: Callable[[Contestant], Scorecard]
    pictures: PackedPictures | None
    n_looks: int
    known: Acquaintance | None = None


def open_trials(trials: Trials, info: ModelInfo, console: Console) -> OpenedTrials:
    """Open what the protocol judges by, as the model sees pictures.

    UsageError where the model was trained on it, DataError where the data cannot serve.
    """
    if trials.protocol == "lake2015":
        return _runs(info)
    if trials.protocol == "koch2015":
        return _koch2015(trials, info, console)
    if trials.protocol == "omniglot-12-4-4":
        return _drawers(trials, info, console)
    fixed = {"vinyals": "omniglot:vinyals-test", "mnist": "mnist"}
    name = fixed.get(trials.protocol) or for_judging(trials.data)
    whole = open_with_progress(name, info.preprocessing, console)
    pictures = only_unseen(info, whole, console)
    turns = 4 if trials.protocol == "vinyals" and not trials.upright else 1
    return OpenedTrials(
        lambda contestant: _judge(contestant, pictures, trials),
        pictures,
        turns * len(pictures),
        acquaintance(info, pictures, whole),
    )


def require_pairs(trials: Trials, info: ModelInfo, console: Console) -> None:
    """DataError where `verification` by these trials finds no pairs; other protocols may go on.

    To be asked before minutes go into the protocols that come first.
    """
    if trials.protocol == "verification":
        pictures = open_trials(trials, info, console).pictures
        assert pictures is not None  # only the 20 runs are no data set
        protocols.require_halves(pictures, trials.seed, _pairs_plan(trials))


def _runs(info: ModelInfo) -> OpenedTrials:
    from firstsight.data.omniglot import read_runs
    from firstsight.evaluation.runs import pack_runs

    require_unseen_characters(info, "omniglot:runs")
    # Nothing of the evaluation set may choose a weight either, if the figure is to stand here.
    require_unseen_characters(info, "omniglot:evaluation", by="watch")
    packed = pack_runs(read_runs(), info.preprocessing)
    return OpenedTrials(
        lambda contestant: packed.judge(contestant.embed, contestant.head), None, len(packed.pixels)
    )


def _koch2015(trials: Trials, info: ModelInfo, console: Console) -> OpenedTrials:
    names = ("omniglot:koch-validation", "omniglot:koch-test")
    for name in names:
        require_unseen_characters(info, name)
    require_unseen_characters(info, names[1], by="watch")  # the others, the paper too watched
    validation, test = (open_with_progress(name, info.preprocessing, console) for name in names)

    def judge(contestant: Contestant) -> Scorecard:
        plan = protocols.KochPlan(
            trials.n_trials or 10_000, calibration=_calibration_of(contestant)
        )
        return protocols.koch2015(
            contestant.embed, contestant.head, (validation, test), trials.seed, plan
        )

    return OpenedTrials(judge, test, len(validation) + len(test))


def _drawers(trials: Trials, info: ModelInfo, console: Console) -> OpenedTrials:
    names = ("omniglot:background", "omniglot:evaluation")
    require_seen_characters(info, "omniglot:drawers-1-12")
    require_unseen_characters(info, names[1], by="watch")
    seen, unseen = (open_with_progress(name, info.preprocessing, console) for name in names)

    def judge(contestant: Contestant) -> Scorecard:
        plan = protocols.DrawersPlan(trials.n_trials or 10_000)
        return protocols.drawers_12_4_4(
            contestant.embed, contestant.head, (seen, unseen), trials.seed, plan
        )

    return OpenedTrials(judge, seen, len(seen) + len(unseen))


def _judge(contestant: Contestant, pictures: PackedPictures, trials: Trials) -> Scorecard:
    """By one of the protocols that take one data set."""
    if trials.protocol == "openset":
        from firstsight.app.open_set import judge_open_set

        return judge_open_set(contestant, pictures, trials)
    seen = (contestant.embed, contestant.head, pictures, trials.seed)
    if trials.protocol == "dense":
        return protocols.dense(*seen, trials=trials.n_trials or 5000)
    if trials.protocol == "verification":
        pairs = replace(_pairs_plan(trials), calibration=_calibration_of(contestant))
        return protocols.verification(*seen, pairs)
    if trials.protocol == "retrieval":
        return protocols.retrieval(*seen, protocols.RetrievalPlan(n_queries=trials.n_trials))
    if trials.protocol == "kshot":
        return protocols.kshot(*seen, n_way=trials.n_way)
    if trials.protocol == "mnist":
        return protocols.mnist(*seen, k_shot=trials.k_shot, trials=trials.n_trials or 10_000)
    if trials.protocol == "vinyals":
        return protocols.vinyals(*seen, _vinyals_plan(trials))
    return protocols.nway(*seen, _nway_plan(trials))


def _pairs_plan(trials: Trials) -> protocols.VerificationPlan:
    return protocols.VerificationPlan(trials.n_trials or 10_000, false_accepts=trials.false_accepts)


def _vinyals_plan(trials: Trials) -> protocols.VinyalsPlan:
    return protocols.VinyalsPlan(
        n_way=trials.n_way or 20,
        k_shot=trials.k_shot,
        n_tasks=trials.n_trials or 1000,
        rotated=not trials.upright,
    )


def _nway_plan(trials: Trials) -> protocols.NwayPlan:
    return protocols.NwayPlan(
        EpisodePlan(
            n_way=trials.n_way or 20,
            k_shot=trials.k_shot,
            n_tasks=trials.n_trials or 1000,
            within_group=not trials.across,
            distinct_drawers=trials.distinct_drawers,
        )
    )


def _calibration_of(contestant: Contestant) -> Calibration | None:
    return None if contestant.calibrated is None else contestant.calibrated.verify
