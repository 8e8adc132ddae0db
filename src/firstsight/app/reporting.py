"""Use case: one HTML report of an evaluation, with what the figures alone do not show."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from rich.console import Console

from firstsight.app.auditing import audit
from firstsight.app.contestants import Contestant, baselines_of
from firstsight.app.judging import judge
from firstsight.app.names import for_judging
from firstsight.app.protocols import open_trials, require_pairs
from firstsight.app.remarks import say
from firstsight.app.trials import Trials, require_known
from firstsight.errors import DataError, EpisodeError, UsageError, storing

if TYPE_CHECKING:
    from firstsight.data.packed import PackedPictures
    from firstsight.drawing.report import Scored, Shown, Sides
    from firstsight.evaluation.embedding import Embed
    from firstsight.evaluation.kshot import KShotCurve
    from firstsight.metrics.calibration import ReliabilityBin
    from firstsight.model.embedder import Embedder
    from firstsight.model.info import ModelInfo

__all__ = ["evaluate_into"]

AROUND, STRIPS, MAP = range(10, 13)  # streams of the seed, apart from those that draw trials
N_STRIPS = 12
MOST_TO_CHOOSE_AMONG = 20
SHOTS = (1, 2, 3, 5, 10)
QUICK = ("raw pixels", "a constant")

Float32 = npt.NDArray[np.float32]


def evaluate_into(
    path: Path, embedder: Embedder, plans: Sequence[Trials], console: Console
) -> dict[str, Sequence[Scored]]:
    """Judge the model and its baselines by every plan, and write the report to `path`.

    plans: at least one; all of one data set and seed, each of another protocol. `verification` is
    held where it is not among them, since half of the report is about its pairs; where there are
    too few classes for it, it is left out.
    Returns who scored what, by protocol. UsageError for a file that no browser would open.
    """
    from firstsight.drawing.report import Report, page

    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"the report was to go to {path}; give a name that ends in .html")
    for plan in plans:
        require_known(plan.protocol)  # before minutes go into those that come first
    for plan in plans:
        require_pairs(plan, embedder.info, console)
    plans = list(plans)
    pairs = next((plan for plan in plans if plan.protocol == "verification"), None)
    if pairs is None:
        pairs = replace(plans[0], protocol="verification", n_trials=None)
        plans += [pairs] if _can_be_held(pairs, embedder.info, console) else []
    contestants = _contestants(embedder, console)
    results: dict[str, Sequence[Scored]] = {
        plan.protocol: _judged(contestants, embedder, plan, console) for plan in plans
    }
    pictures = open_trials(pairs, embedder.info, console).pictures
    assert pictures is not None  # only the 20 runs are no data set
    n_pairs = results["verification"][0][1].n if pairs in plans else None
    report = Report(
        model=embedder.info,
        pictures=pictures,
        results=results,
        shown=_shown(contestants, pictures, pairs.seed, n_pairs),
        audit=audit(embedder.info, pictures, for_judging(pairs.data), console),
        warnings=_warnings(results),
    )
    _write(path, page(report))
    say(console, f"the report is in {path}")
    return results


def _can_be_held(pairs: Trials, info: ModelInfo, console: Console) -> bool:
    """Whether there are classes enough for `verification`; says so where there are not."""
    try:
        require_pairs(pairs, info, console)
    except DataError as trouble:
        say(console, f"the report goes without same or different: {trouble}")
        return False
    return True


def _warnings(results: Mapping[str, Sequence[Scored]]) -> list[str]:
    """What speaks against the model's own figures, once each."""
    told = [
        f"{protocol}: {warning}"
        for protocol, rows in results.items()
        for warning in rows[0][1].details.get("warnings", ())
    ]
    return list(dict.fromkeys(told))


@dataclass(frozen=True, eq=False)
class _EmbeddedOnce:
    """An `embed` that keeps what it embedded: all protocols ask about the same pictures."""

    embed: Embed
    known: dict[bytes, Float32] = field(default_factory=dict)

    def __call__(self, pixels: npt.NDArray[np.uint8]) -> Float32:
        content = hashlib.sha256(repr(pixels.shape).encode())
        content.update(np.ascontiguousarray(pixels).data)
        key = content.digest()
        if key not in self.known:
            self.known[key] = np.asarray(self.embed(pixels), np.float32)
        return self.known[key]


def _contestants(embedder: Embedder, console: Console) -> list[Contestant]:
    """The model and its baselines. Networks embed a batch once; what is quick keeps nothing."""
    return [
        replace(each, embed=_EmbeddedOnce(each.embed)) if each.name not in QUICK else each
        for each in (Contestant.of(embedder), *baselines_of(embedder, console))
    ]


def _judged(
    contestants: Sequence[Contestant], embedder: Embedder, trials: Trials, console: Console
) -> list[Scored]:
    """Who scored what; the first contestant is the model, whose fingerprint its figures get."""
    cards = judge(contestants, embedder, trials, console)
    cards[0] = cards[0].of_model(embedder.info.fingerprint)
    return [(each.name, card) for each, card in zip(contestants, cards, strict=True)]


def _shown(
    contestants: Sequence[Contestant], pictures: PackedPictures, seed: int, n_pairs: int | None
) -> Shown:
    """n_pairs: of `verification`; None where it was not held."""
    from firstsight.drawing.report import Shown
    from firstsight.evaluation.atlas import chart
    from firstsight.evaluation.embedding import embed_all
    from firstsight.evaluation.looking import look_around

    model = contestants[0]
    sides: dict[str, Sides] = {}
    thresholds: list[float] = []
    if n_pairs is not None:
        sides, thresholds = _told_apart(contestants, pictures, seed, n_pairs)
    embeddings, head, labels = embed_all(model.embed, pictures.pixels), model.head, pictures.labels
    around = look_around(embeddings, labels, head, np.random.default_rng([seed, AROUND]))
    return Shown(
        sides=sides,
        thresholds=thresholds,
        reliability=_reliability(model, sides[model.name]) if sides else (),
        around=around,
        lookalikes=around.lookalikes(N_STRIPS, np.random.default_rng([seed, STRIPS])),
        atlas=chart(
            embeddings, labels, np.random.default_rng([seed, MAP]), unit=head.kind == "cosine"
        ),
        curve=_curve(embeddings, labels, model, seed),
    )


def _told_apart(
    contestants: Sequence[Contestant], pictures: PackedPictures, seed: int, n_pairs: int
) -> tuple[dict[str, Sides], list[float]]:
    """Distances of the verification pairs by who was judged, and the model's thresholds."""
    from firstsight.drawing.report import Sides
    from firstsight.evaluation.embedding import embed_all
    from firstsight.evaluation.protocols import (
        VerificationPlan,
        crossed_thresholds,
        verification_halves,
    )

    sides, thresholds = {}, []
    for each in contestants:
        embeddings = embed_all(each.embed, pictures.pixels)
        plan = VerificationPlan(n_pairs=n_pairs)
        halves = verification_halves(embeddings, each.head, pictures, seed, plan)
        thresholds.append(crossed_thresholds(halves))
        parts = [np.concatenate(side) for side in zip(*(h.sides for h in halves), strict=True)]
        sides[each.name] = Sides(*parts)
    return sides, thresholds[0]


def _reliability(contestant: Contestant, sides: Sides) -> Sequence[ReliabilityBin]:
    """Of the model's own calibration; empty without one.

    Where it was fitted on these very things, the card's warnings say so: see suspicion.py.
    """
    from firstsight.metrics.calibration import reliability

    if contestant.calibrated is None:
        return ()
    verify = contestant.calibrated.verify
    finite = [side[np.isfinite(side)] for side in (sides.same, sides.different)]
    if not all(map(len, finite)):
        return ()
    return reliability(verify.probability(finite[0]), verify.probability(finite[1]))


def _curve(
    embeddings: Float32, labels: npt.NDArray[np.int64], contestant: Contestant, seed: int
) -> KShotCurve | None:
    """None where too few things have a second picture."""
    from firstsight.evaluation.kshot import kshot_curve

    order = np.argsort(labels, kind="stable")
    _, starts = np.unique(labels[order], return_index=True)
    try:
        return kshot_curve(
            contestant.head,
            embeddings[order],
            starts,
            shots=SHOTS,
            n_way=MOST_TO_CHOOSE_AMONG,
            seed=seed,
        )
    except EpisodeError:
        return None


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
    with storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("x", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
