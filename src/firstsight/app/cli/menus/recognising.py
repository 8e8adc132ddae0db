"""Enroll once, recognise ever after."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight.app.cli.menus.options import (
    Crop,
    FalseAccepts,
    Gallery,
    Json,
    JsonLines,
    MaxMegapixels,
    MaxMib,
    Model,
    Show,
)

__all__ = ["menu"]

menu = typer.Typer(rich_markup_mode=None)

Sheet = Annotated[Path | None, typer.Option(metavar="FILE", help="Also draw it, as a PNG file.")]


@menu.command(epilog="Example:  firstsight enroll 'blue mug' mug.jpg")
def enroll(
    what: Annotated[str, typer.Argument(metavar="NAME", help="The thing's name; or a folder.")],
    pictures: Annotated[
        list[str] | None, typer.Argument(help="Its pictures; '-' reads standard input.")
    ] = None,
    gallery: Gallery = "photos",
    model: Model = None,
    crop: Crop = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is likely to go wrong; save nothing.")
    ] = False,
    careful: Annotated[
        bool, typer.Option("--careful", help="Leave out pictures that the doctor warns of.")
    ] = False,
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Save nothing where one picture fails.")
    ] = False,
    no_pictures: Annotated[
        bool,
        typer.Option(
            "--no-pictures",
            help="New gallery: keep no small pictures. It can then never move to another model.",
        ),
    ] = False,
    max_mib: MaxMib = 50,
    max_megapixels: MaxMegapixels = 200,
    as_json: JsonLines = False,
) -> None:
    """Show a picture of a thing, or several; or a folder, one sub-folder or file a thing."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(
        gallery, model, crop=crop, max_mib=max_mib, max_megapixels=max_megapixels
    )
    command.enroll(
        what,
        pictures or [],
        asking,
        keeps_pictures=not no_pictures,
        careful=careful,
        all_or_nothing=all_or_nothing,
        check=check,
        as_json=as_json,
    )


@menu.command(epilog="Example:  firstsight identify desk.jpg")
def identify(
    pictures: Annotated[
        list[str], typer.Argument(help="Pictures or folders; '-' reads standard input.")
    ],
    gallery: Gallery = "photos",
    model: Model = None,
    false_accepts: FalseAccepts = 0.01,
    crop: Crop = None,
    sheet: Sheet = None,
    show: Show = False,
    max_mib: MaxMib = 50,
    max_megapixels: MaxMegapixels = 200,
    as_json: JsonLines = False,
) -> None:
    """Say which enrolled thing each picture shows, or 'unknown'."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(gallery, model, false_accepts, crop, max_mib, max_megapixels)
    command.identify(pictures, asking, sheet=sheet, show=show, as_json=as_json)


@menu.command(epilog="Example:  firstsight verify a.jpg b.jpg")
def verify(
    a: Annotated[str, typer.Argument(help="A picture; '-' reads standard input.")],
    b: Annotated[str, typer.Argument(help="Another.")],
    model: Model = None,
    gallery: Annotated[
        str | None, typer.Option(metavar="NAME", help="Use this gallery's model.")
    ] = None,
    false_matches: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of different pairs that may pass; default: 0.01, or the model's least.",
        ),
    ] = None,
    max_mib: MaxMib = 50,
    max_megapixels: MaxMegapixels = 200,
    as_json: Json = False,
) -> None:
    """Say whether two pictures show the same thing."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(
        gallery or "photos", model, max_mib=max_mib, max_megapixels=max_megapixels
    )
    command.verify(
        a,
        b,
        asking,
        false_matches=false_matches,
        gallery_model=gallery is not None,
        as_json=as_json,
    )


@menu.command(epilog="Example:  firstsight search desk.jpg -k 5")
def search(
    picture: Annotated[str, typer.Argument(help="A picture; '-' reads standard input.")],
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 5,
    one_per_thing: Annotated[
        bool, typer.Option("--one-per-thing", help="Only the nearest photo of each thing.")
    ] = False,
    gallery: Gallery = "photos",
    model: Model = None,
    crop: Crop = None,
    sheet: Sheet = None,
    show: Show = False,
    max_mib: MaxMib = 50,
    max_megapixels: MaxMegapixels = 200,
    as_json: Json = False,
) -> None:
    """List the most similar enrolled photos, nearest first."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(
        gallery, model, crop=crop, max_mib=max_mib, max_megapixels=max_megapixels
    )
    command.search(
        picture, asking, k=k, one_per_thing=one_per_thing, sheet=sheet, show=show, as_json=as_json
    )


@menu.command(epilog="Example:  firstsight why desk.jpg --to why.png")
def why(
    picture: Annotated[str, typer.Argument(help="A picture; '-' reads standard input.")],
    to: Annotated[Path, typer.Option(metavar="FILE", help="The PNG file to draw.")] = Path(
        "why.png"
    ),
    gallery: Gallery = "photos",
    model: Model = None,
    crop: Crop = None,
    as_json: Json = False,
) -> None:
    """Draw what made a picture match, on both pictures, and what the nearest rival is."""
    from firstsight.app.cli import recognise as command

    command.why(picture, command.Asking(gallery, model, crop=crop), to=to, as_json=as_json)


@menu.command(epilog="Example:  firstsight confirm desk.jpg")
def confirm(
    picture: Annotated[str, typer.Argument(help="A picture that was named rightly.")],
    gallery: Gallery = "photos",
    model: Model = None,
    crop: Crop = None,
    as_json: Json = False,
) -> None:
    """Say that the name given is right: the calibration learns from it at once."""
    from firstsight.app.cli import recognise as command

    command.confirm(picture, command.Asking(gallery, model, crop=crop), as_json=as_json)


@menu.command(epilog="Example:  firstsight deny desk.jpg --is 'red mug'")
def deny(
    picture: Annotated[str, typer.Argument(help="A picture that was named wrongly.")],
    truth: Annotated[
        str | None, typer.Option("--is", metavar="NAME", help="What it shows; none: a stranger.")
    ] = None,
    gallery: Gallery = "photos",
    model: Model = None,
    crop: Crop = None,
    as_json: Json = False,
) -> None:
    """Say that the name given is wrong: the calibration learns from it at once."""
    from firstsight.app.cli import recognise as command

    command.deny(picture, truth, command.Asking(gallery, model, crop=crop), as_json=as_json)
