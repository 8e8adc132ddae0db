"""Train networks, and say what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from firstsight.app.cli.menus import options
from firstsight.app.cli.speaking import messages
from firstsight.errors import UsageError

__all__ = ["menu"]

menu = click.Group()


@menu.command(epilog="Example:  firstsight data omniglot:background")
@click.argument("name", required=False, help="A data set or a folder to look into; none: list all.")
@options.as_json
def data(name: str | None, as_json: bool) -> None:
    """List the data sets with a name, or say what one (or a folder of yours) holds."""
    from firstsight.app.cli import data as command

    command.show(name, as_json=as_json)


@menu.command(epilog="Example:  firstsight check my-things")
@click.argument("name", metavar="DATA", help="A data set, a folder or a CSV file, with all parts.")
@options.as_json
def check(name: str, as_json: bool) -> None:
    """Audit a data set: unreadable, repeated and odd pictures; exit 1 where training is unsound."""
    from firstsight.app.cli import check as command

    command.check(name, as_json=as_json)


@menu.command(epilog="Example:  firstsight recipes compact")
@click.argument("name", required=False, help="Print this recipe as TOML.")
@click.option("--keys", is_flag=True, help="List every key a recipe may have.")
@options.as_json
def recipes(name: str | None, keys: bool, as_json: bool) -> None:
    """List the shipped recipes, print one, or list the keys of all."""
    from firstsight.app.cli import recipes as command

    command.show(name, keys=keys, as_json=as_json)


@menu.command(epilog="Example:  firstsight train compact --data omniglot --set training.steps=500")
@click.argument("recipe", required=False, help="A shipped recipe or a TOML file; see 'recipes'.")
@click.option("--data", help="Data set or folder; default: the recipe's own.")
@click.option("--out", type=options.PATH, help="The run's folder; default: runs/RECIPE.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
@click.option(
    "--resume", type=options.PATH, metavar="FOLDER", help="Carry on the training in this folder."
)
@click.option(
    "--from-gallery", metavar="NAME", help="Tune this gallery's own model to what it holds."
)
@click.option(
    "--adopt/--no-adopt",
    default=True,
    help="A gallery takes its tuned model over where that is better.",
)
@options.as_json
def train(
    recipe: str | None,
    data: str | None,
    out: Path | None,
    overrides: tuple[str, ...],
    resume: Path | None,
    from_gallery: str | None,
    adopt: bool,
    as_json: bool,
) -> None:
    """Train a network and write its model folder; Ctrl-C keeps what was learned so far."""
    from firstsight.app.cli import train as command

    if resume is not None:
        if recipe or data or out or overrides or from_gallery:
            raise UsageError("--resume takes recipe, data and folder from the run; give it alone")
        command.resume(resume, adopt=adopt, as_json=as_json)
    elif from_gallery is not None:
        if recipe or data:
            raise UsageError("--from-gallery takes recipe and pictures from the gallery; name none")
        command.tune(from_gallery, out, list(overrides), adopt=adopt, as_json=as_json)
    else:
        command.train(recipe, data, out, list(overrides), as_json=as_json)


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
        if protocol or report or data != "omniglot":
            raise UsageError("--pairs names its own pictures and trials; leave out the others")
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


_weights = click.option(
    "--weights",
    type=click.Choice(["full", "half", "none"]),
    default="full",
    help="Those that only further training needs; half rounds them to float16.",
)


@menu.command(epilog="Example:  firstsight export runs/compact --to my-model")
@click.argument(
    "folder", metavar="RUN", help="A training's folder, a model's, or a shipped model's name."
)
@click.option("--to", type=options.PATH, required=True, help="The model folder to write.")
@click.option("--checkpoint", type=click.Choice(["best", "last"]), default="best")
@_weights
@click.option("--half", is_flag=True, help="A model.onnx of half the size: float16 inside.")
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="KEY=VALUE",
    help="How a finished model looks at pictures, such as network.closer=0.75; calibrate it anew.",
)
def export(
    folder: str,
    to: Path,
    checkpoint: Literal["best", "last"],
    weights: Literal["full", "half", "none"],
    half: bool,
    overrides: tuple[str, ...],
) -> None:
    """Write a model folder from a training's checkpoint, or once more from a model folder."""
    from firstsight.app import exporting

    written = exporting.export(
        folder,
        to,
        which=checkpoint,
        weights=weights,
        half=half,
        overrides=overrides,
        console=messages(),
    )
    click.echo(written)


@menu.command(epilog="Example:  firstsight demo --out demo")
@click.option(
    "--out", type=options.PATH, default="demo", help="Where the training and the pictures go."
)
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
@options.as_json
def demo(out: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Train on real drawings, judge on unseen alphabets, recognise from one drawing."""
    from firstsight.app.cli import demo as command

    command.demo(out, list(overrides), messages(), as_json=as_json)


@menu.command(epilog="Example:  firstsight crowd runs/mine/model --data shelf-pictures --to mine")
@click.argument("model", help="A model folder, or a shipped model's name.")
@click.option(
    "--data",
    required=True,
    help="Data set or folder of pictures like those to come; they need no names.",
)
@click.option(
    "--share",
    type=click.FloatRange(0, 2, min_open=True),
    default=0.5,
    show_default=True,
    help="How much of the crowding distances grow by.",
)
@click.option("--to", type=options.PATH, metavar="FOLDER", help="Write a copy there.")
def crowd(model: str, data: str, share: float, to: Path | None) -> None:
    """Tell a model where look-alikes abound, so that strangers there need not pass for known."""
    from firstsight.app import crowding

    place = crowding.crowd(model, data, share=share, to=to, console=messages())
    click.echo(f"{place}; calibrate it now: firstsight calibrate {place} --data OTHER-THINGS")


@menu.command(epilog="Example:  firstsight calibrate runs/mine/model --data other-things")
@click.argument("model", help="A model folder.")
@click.option("--data", help="Data set or folder of things the model never saw.")
@click.option(
    "--sister",
    multiple=True,
    metavar="MODEL",
    help="By what a model of the same recipe held out; may be repeated.",
)
@click.option("--to", type=options.PATH, metavar="FOLDER", help="Write a calibrated copy there.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Draws the trials.")
@options.as_json
def calibrate(
    model: str,
    data: str | None,
    sister: tuple[str, ...],
    to: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Let a model learn what its distances mean: probabilities and thresholds."""
    from firstsight.app.cli import calibrate as command

    command.calibrate(model, data, list(sister), to=to, seed=seed, as_json=as_json)


@menu.command(epilog="Example:  firstsight pretrained squeezenet1_1 --to my-model")
@click.argument(
    "backbone",
    help="squeezenet1_0, squeezenet1_1, efficientnet_lite0, _lite1 or _lite2, with its ImageNet "
    "weights; or hf:NAME, a vision model of Hugging Face by name or folder.",
)
@click.option("--to", type=options.PATH, required=True, help="The model folder to write.")
@click.option(
    "--centre-on",
    type=options.PATH,
    metavar="FOLDER",
    help="Pictures from whose mean embeddings are seen.",
)
@_weights
def pretrained(
    backbone: str,
    to: Path,
    centre_on: Path | None,
    weights: Literal["full", "half", "none"],
) -> None:
    """Make a model folder of a published network, without any training."""
    from firstsight.app.cli import pretrained as command

    command.pretrained(backbone, to, centre_on=centre_on, weights=weights)
