"""Use case: what a model is worth, by named protocols, beside baselines on the same trials."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from firstsight.app.contestants import Contestant
from firstsight.app.judging import judge
from firstsight.app.trials import Trials

if TYPE_CHECKING:
    from firstsight.evaluation.scorecard import Scorecard

__all__ = ["evaluate"]


def evaluate(
    model: str | Path,
    *,
    protocol: str = "lake2015",
    data: str | Path = "omniglot",
    seed: int = 0,
    report: str | Path | None = None,
    console: Console | None = None,
    **settings: Any,
) -> Scorecard:
    """Judge a model folder (or a shipped model's name) and return its scorecard.

    protocol: one of `firstsight.evaluation.protocols.PROTOCOLS`. data: a data set or folder the
    model was not trained on (lake2015, vinyals, koch2015 and mnist have their own). settings: as
    the fields of Trials: n_trials, n_way, k_shot, across, upright, false_accepts.
    report: an HTML file to write, with baselines and pictures beside the figure.
    Raises UsageError for an unknown protocol or one whose things the model has learned from,
    DataError where the data cannot serve.
    """
    from firstsight.model.embedder import load

    trials = Trials(protocol=protocol, data=str(data), seed=seed, **settings)
    embedder = load(model)
    if report is not None:
        from firstsight.app.reporting import evaluate_into

        results = evaluate_into(Path(report), embedder, [trials], console or Console(stderr=True))
        return results[protocol][0][1]
    card = judge([Contestant.of(embedder)], embedder, trials, console or Console(stderr=True))[0]
    return card.of_model(embedder.info.fingerprint)
