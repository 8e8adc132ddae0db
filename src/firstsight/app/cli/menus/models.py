"""Make model folders, and tell them what their distances mean."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from firstsight.app.cli.menus import options
from firstsight.app.cli.speaking import messages

__all__ = ["menu"]

menu = click.Group()


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
@click.option(
    "--same-means",
    metavar="TEXT",
    help="With --data: what the same is there, such as 'the same mug', where it is something else "
    "than in the pictures that the model learned from.",
)
@click.option("--to", type=options.PATH, metavar="FOLDER", help="Write a calibrated copy there.")
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Draws the trials.")
@options.as_json
def calibrate(
    model: str,
    data: str | None,
    sister: tuple[str, ...],
    same_means: str | None,
    to: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Let a model learn what its distances mean: probabilities and thresholds."""
    from firstsight.app.cli import calibrate as command

    command.calibrate(
        model, data, list(sister), same_means=same_means, to=to, seed=seed, as_json=as_json
    )


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
