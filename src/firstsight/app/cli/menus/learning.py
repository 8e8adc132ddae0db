"""Train networks, and say what they are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from firstsight.app.cli.menus.options import Json
from firstsight.app.cli.speaking import messages
from firstsight.errors import UsageError

__all__ = ["menu"]

menu = typer.Typer(rich_markup_mode=None)


@menu.command(epilog="Example:  firstsight data omniglot:background")
def data(
    name: Annotated[
        str | None, typer.Argument(help="A data set or a folder to look into; none: list all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the data sets with a name, or say what one (or a folder of yours) holds."""
    from firstsight.app.cli import data as command

    command.show(name, as_json=as_json)


@menu.command(epilog="Example:  firstsight recipes compact")
def recipes(
    name: Annotated[str | None, typer.Argument(help="Print this recipe as TOML.")] = None,
    keys: Annotated[bool, typer.Option("--keys", help="List every key a recipe may have.")] = False,
    as_json: Json = False,
) -> None:
    """List the shipped recipes, print one, or list the keys of all."""
    from firstsight.app.cli import recipes as command

    command.show(name, keys=keys, as_json=as_json)


@menu.command(epilog="Example:  firstsight train compact --data omniglot --set training.steps=500")
def train(
    recipe: Annotated[
        str | None, typer.Argument(help="A shipped recipe or a TOML file; see 'recipes'.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Data set or folder; default: the recipe's own.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run's folder; default: runs/RECIPE.")
    ] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Carry on the training in this folder.")
    ] = None,
    from_gallery: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Tune this gallery's own model to what it holds."),
    ] = None,
    adopt: Annotated[
        bool, typer.Option(help="A gallery takes its tuned model over where that is better.")
    ] = True,
    as_json: Json = False,
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
        command.tune(from_gallery, out, overrides or [], adopt=adopt, as_json=as_json)
    else:
        command.train(recipe, data, out, overrides or [], as_json=as_json)


@menu.command(epilog="Example:  firstsight evaluate runs/compact/model --baselines")
def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or a shipped model's name.")],
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="lake2015, dense, nway or verification; may be repeated."
        ),
    ] = None,
    data: Annotated[str, typer.Option(help="Data the model was not trained on.")] = "omniglot",
    seed: Annotated[int, typer.Option(min=0, help="Draws the trials.")] = 0,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Trials or pairs; default: the protocol's own.")
    ] = None,
    n_way: Annotated[int, typer.Option(min=2, help="nway: classes in a trial.")] = 20,
    k_shot: Annotated[int, typer.Option(min=1, help="nway: pictures of each class.")] = 1,
    across: Annotated[
        bool, typer.Option("--across", help="nway: classes from all groups together.")
    ] = False,
    distinct_drawers: Annotated[
        bool, typer.Option("--distinct-drawers", help="nway: support and query by two people.")
    ] = False,
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Also untrained network, raw pixels, a constant.")
    ] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Add the scores to the model folder and its card.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what a model is worth, by named protocols, with 95 % intervals."""
    from firstsight.app.cli import evaluate as command
    from firstsight.app.evaluating import Trials

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
        )
        for each in protocol or ["lake2015", "dense"]
    ]
    command.evaluate(model, plans, baselines=baselines, save=save, as_json=as_json)


@menu.command("check-loader", epilog="Example:  firstsight check-loader")
def check_loader(as_json: Json = False) -> None:
    """Measure two known figures on the 20 runs: are pictures and labels read rightly?"""
    from firstsight.app.cli import evaluate as command

    command.check_loader(as_json=as_json)


@menu.command(epilog="Example:  firstsight export runs/compact --to my-model")
def export(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="A training's folder.")],
    to: Annotated[Path, typer.Option(help="The model folder to write.")],
    checkpoint: Annotated[Literal["best", "last"], typer.Option()] = "best",
    without_weights: Annotated[
        bool, typer.Option("--without-weights", help="Leave out what only further training needs.")
    ] = False,
) -> None:
    """Write a model folder from a training's checkpoint."""
    from firstsight.app import training

    folder = training.export(run_folder, to, which=checkpoint, tensors=not without_weights)
    typer.echo(folder)


@menu.command(epilog="Example:  firstsight demo --out demo")
def demo(
    out: Annotated[Path, typer.Option(help="Where the training and the pictures go.")] = Path(
        "demo"
    ),
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Train on real drawings, judge on unseen alphabets, recognise from one drawing."""
    from firstsight.app.cli import demo as command

    command.demo(out, overrides or [], messages(), as_json=as_json)


@menu.command(epilog="Example:  firstsight calibrate runs/mine/model --data other-things")
def calibrate(
    model: Annotated[str, typer.Argument(help="A model folder.")],
    data: Annotated[
        str | None, typer.Option(help="Data set or folder of things the model never saw.")
    ] = None,
    sister: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL", help="By what a model of the same recipe held out; may be repeated."
        ),
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a calibrated copy there.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the trials.")] = 0,
    as_json: Json = False,
) -> None:
    """Let a model learn what its distances mean: probabilities and thresholds."""
    from firstsight.app.cli import calibrate as command

    command.calibrate(model, data, sister or [], to=to, seed=seed, as_json=as_json)


@menu.command(epilog="Example:  firstsight pretrained squeezenet1_1 --to my-model")
def pretrained(
    backbone: Annotated[
        Literal["squeezenet1_0", "squeezenet1_1", "efficientnet_lite0"],
        typer.Argument(help="A published network with its ImageNet weights."),
    ],
    to: Annotated[Path, typer.Option(help="The model folder to write.")],
    centre_on: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Pictures from whose mean embeddings are seen."),
    ] = None,
    without_weights: Annotated[
        bool, typer.Option("--without-weights", help="Leave out what only further training needs.")
    ] = False,
) -> None:
    """Make a model folder of a published network, without any training."""
    from firstsight.app.cli import pretrained as command

    command.pretrained(backbone, to, centre_on=centre_on, without_weights=without_weights)
