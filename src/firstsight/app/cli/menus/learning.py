"""Look at data, and train networks on it."""

from __future__ import annotations

from pathlib import Path

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
