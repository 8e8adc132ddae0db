"""Say what models are worth."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import click
from click.core import ParameterSource

from firstsight.app.cli.menus import options
from firstsight.errors import UsageError

__all__ = ["menu"]

menu = click.Group()

_OF_LISTED_PAIRS = {"model", "pairs", "seed", "baselines", "save", "as_json"}


@menu.command(epilog="Example:  firstsight evaluate runs/compact/model --baselines")
@click.argument("model", help="A model folder, or a shipped model's name.")
@click.option(
    "--protocol",
    multiple=True,
    metavar="NAME",
    help="lake2015, dense, nway, verification, retrieval, openset, kshot, vinyals, koch2015, mnist "
    "or omniglot-12-4-4; may be repeated.",
)
@click.option("--data", default="omniglot", help="Data the model was not trained on.")
@click.option(
    "--pairs", type=options.PATH, metavar="CSV", help="Judge these pairs: path_a,path_b,label."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Draws the trials.")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    help="Trials, pairs or queries; default: the protocol's own.",
)
@click.option(
    "--n-way",
    type=click.IntRange(min=2),
    help="nway, vinyals: classes in a trial, 20 if not given; kshot: all if not given.",
)
@click.option(
    "--k-shot",
    type=click.IntRange(min=1),
    default=1,
    help="nway, vinyals, mnist, openset: pictures of each class.",
)
@click.option("--across", is_flag=True, help="nway: classes from all groups together.")
@click.option("--distinct-drawers", is_flag=True, help="nway: support and query by two people.")
@click.option("--upright", is_flag=True, help="vinyals: no quarter turns as further classes.")
@options.false_accepts
@click.option("--baselines", is_flag=True, help="Also untrained network, raw pixels, a constant.")
@click.option("--save", is_flag=True, help="Add the scores to the model folder and its card.")
@click.option(
    "--report",
    type=options.PATH,
    metavar="FILE.html",
    help="Write a page with figures, baselines, plots and pictures of what went wrong.",
)
@options.as_json
def evaluate(
    model: str,
    protocol: tuple[str, ...],
    data: str,
    pairs: Path | None,
    seed: int,
    trials: int | None,
    n_way: int | None,
    k_shot: int,
    across: bool,
    distinct_drawers: bool,
    upright: bool,
    false_accepts: float,
    baselines: bool,
    save: bool,
    report: Path | None,
    as_json: bool,
) -> None:
    """Say what a model is worth, by named protocols, with 95 % intervals."""
    if pairs is not None:
        if others := _written_besides(_OF_LISTED_PAIRS):
            raise UsageError(
                f"--pairs names its own pictures and trials; leave out {', '.join(others)}"
            )
        from firstsight.app.cli import listed

        listed.evaluate_pairs(
            model, pairs, seed=seed, baselines=baselines, save=save, as_json=as_json
        )
        return
    from firstsight.app.cli import evaluate as command
    from firstsight.app.trials import Trials, usual_protocols

    plans = [
        Trials(
            protocol=each,
            data=data,
            seed=seed,
            n_trials=trials,
            n_way=n_way,
            k_shot=k_shot,
            across=across,
            distinct_drawers=distinct_drawers,
            upright=upright,
            false_accepts=false_accepts,
        )
        for each in protocol or usual_protocols(data)
    ]
    command.evaluate(model, plans, baselines=baselines, save=save, report=report, as_json=as_json)


def _written_besides(names: Collection[str]) -> list[str]:
    """The options, as --n-way, that this command was given besides those called so."""
    context = click.get_current_context()
    return [
        each.opts[0]
        for each in context.command.params
        if each.name
        and each.name not in names
        and context.get_parameter_source(each.name) is ParameterSource.COMMANDLINE
    ]


@menu.command(epilog="Example:  firstsight reproduce koch2015 --pairs 30k --budget 0.01")
@click.argument("paper", type=click.Choice(["koch2015"]), help="Whose tables to print.")
@click.option(
    "--pairs",
    type=click.Choice(["30k", "90k", "150k"]),
    help="Train and judge with so many pairs; none: print what was run so far.",
)
@click.option("--affine", is_flag=True, help="With --pairs: distort them, nine visits an epoch.")
@click.option(
    "--budget",
    metavar="SHARE",
    type=float,
    default=1.0,
    help="With --pairs: how much of the paper's 200 epochs; said beside the figures.",
)
@click.option("--out", type=options.PATH, default=Path("runs/koch2015"), help="Where cells lie.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
@click.option("--beside", multiple=True, metavar="MODEL", help="Judge this model too; repeatable.")
@click.option(
    "--search",
    "n_trials",
    type=click.IntRange(min=0),
    metavar="N",
    help="With --pairs: no cell, but N more trials of the search for each layer's learning rate, "
    "momentum and L2 penalty, each of --budget; 0 prints those so far.",
)
@click.option("--searched", is_flag=True, help="With --pairs: train by the best that was found.")
@options.as_json
def reproduce(
    paper: str,
    pairs: str | None,
    affine: bool,
    budget: float,
    out: Path,
    overrides: tuple[str, ...],
    beside: tuple[str, ...],
    n_trials: int | None,
    searched: bool,
    as_json: bool,
) -> None:
    """Run a paper's experiment, cell by cell, and print its tables with our figures beside.

    Ctrl-C keeps what was learned; the same command carries on. Cells that were not run stay empty.
    """
    if pairs is None:
        if affine or overrides or budget != 1:
            raise UsageError(
                "--affine, --budget and --set say how to train a cell; name it by --pairs"
            )
        if n_trials is not None or searched:
            raise UsageError("--search and --searched are for a cell; name it by --pairs")
    from firstsight.app.cli import reproduce as command
    from firstsight.app.reproducing import Cell

    if pairs is not None and n_trials is not None:
        if searched or beside:
            raise UsageError("--search prints no tables; leave out --searched and --beside")
        command.search_koch2015(
            Cell(pairs, affine),
            out,
            n_trials=n_trials,
            budget=budget,
            overrides=overrides,
            as_json=as_json,
        )
        return
    command.koch2015(
        None if pairs is None else Cell(pairs, affine),
        out,
        budget=budget,
        overrides=overrides,
        beside=beside,
        searched=searched,
        as_json=as_json,
    )


@menu.command(
    epilog="Example:  firstsight crossvalidate photos --data my-things --protocol retrieval"
)
@click.argument("recipe", help="A shipped recipe or a TOML file; see 'recipes'.")
@click.option(
    "--protocol",
    type=click.Choice(["verification", "retrieval"]),
    required=True,
    help="Every pair of pictures of a part; or each picture asks the others for its class.",
)
@click.option(
    "--parts", "n_parts", type=click.IntRange(min=2), default=5, help="Parts of the classes."
)
@click.option("--data", help="Data set or folder; default: the recipe's own.")
@click.option(
    "--out", type=options.PATH, help="Where the trainings go, and where to carry them on."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
@options.as_json
def crossvalidate(
    recipe: str,
    protocol: Literal["verification", "retrieval"],
    n_parts: int,
    data: str | None,
    out: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train once for each part of the classes, and judge by that part: all classes count once."""
    from firstsight.app.cli import crossvalidate as command

    command.crossvalidate(
        recipe,
        protocol,
        list(overrides),
        n_parts=n_parts,
        data=data,
        out=out,
        as_json=as_json,
    )


@menu.command("check-loader", epilog="Example:  firstsight check-loader")
@options.as_json
def check_loader(as_json: bool) -> None:
    """Measure two known figures on the 20 runs: are pictures and labels read rightly?"""
    from firstsight.app.cli import evaluate as command

    command.check_loader(as_json=as_json)
