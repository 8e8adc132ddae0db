"""The recipe `compact` with several seeds: how long it trains, and what it is then worth.

Each seed trains on the 30 background alphabets and is judged on the 20 runs and the dense test;
the table goes to standard output, the scorecards to OUT/scores.json. Trainings already finished
in OUT are not repeated. About six minutes a seed on two cores.

    python benchmarks/compact_seeds.py [OUT] [--seeds 0 1 2] [--recipe compact]
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path

from rich.console import Console

import firstsight
from firstsight.evaluation.scorecard import Scorecard, find_commit, find_hardware


def train_seed(recipe: str, seed: int, out: Path, console: Console) -> tuple[Path, float]:
    """(model folder, seconds of training), from an earlier call where it was finished."""
    done = out / "finished.json"
    if done.exists():
        return out / "model", json.loads(done.read_text())["seconds"]
    run = firstsight.train(recipe, out=out, overrides=[f"training.seed={seed}"], console=console)
    done.write_text(json.dumps({"seconds": run.seconds}))
    return run.model, run.seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/seeds"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--recipe", default="compact")
    wanted = parser.parse_args()
    console = Console(stderr=True)
    rows: list[tuple[int, float, Scorecard, Scorecard]] = []
    for seed in wanted.seeds:
        folder = wanted.out / f"{wanted.recipe}-{seed}"
        model, seconds = train_seed(wanted.recipe, seed, folder, console)
        runs = firstsight.evaluate(model, protocol="lake2015", console=console)
        dense = firstsight.evaluate(model, protocol="dense", console=console)
        rows.append((seed, seconds, runs, dense))
    report(rows)
    cards = [card.to_json() for _, _, *pair in rows for card in pair]
    (wanted.out / "scores.json").write_text(json.dumps(cards, indent=1))


def report(rows: list[tuple[int, float, Scorecard, Scorecard]]) -> None:
    print(f"commit {find_commit()}, {find_hardware()}")
    print(f"{'seed':>6s} {'training s':>11s} {'20 runs error %':>24s} {'dense accuracy %':>26s}")
    for seed, seconds, runs, dense in rows:
        print(f"{seed:6d} {seconds:11.0f} {percent(runs):>24s} {percent(dense):>26s}")
    error = [100 * runs.value for _, _, runs, _ in rows]
    accuracy = [100 * dense.value for _, _, _, dense in rows]
    print(
        f"median {statistics.median(seconds for _, seconds, _, _ in rows):11.0f} "
        f"{statistics.median(error):8.2f} ({min(error):.2f} .. {max(error):.2f}) "
        f"{statistics.median(accuracy):11.2f} ({min(accuracy):.2f} .. {max(accuracy):.2f})"
    )


def percent(card: Scorecard) -> str:
    low, high = card.interval
    return f"{100 * card.value:.2f} [{100 * low:.1f}, {100 * high:.1f}]"


if __name__ == "__main__":
    main()
