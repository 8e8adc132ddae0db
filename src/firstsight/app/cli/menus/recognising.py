"""Enroll once, recognise ever after."""

from __future__ import annotations

from pathlib import Path

import click

from firstsight.app.cli.menus import options

__all__ = ["menu"]

menu = click.Group()


@menu.command(epilog="Example:  firstsight enroll 'blue mug' mug.jpg")
@click.argument("what", metavar="NAME", help="The thing's name; or a folder.")
@click.argument("pictures", nargs=-1, help="Its pictures; '-' reads standard input.")
@options.gallery
@options.model
@options.crop
@click.option("--check", is_flag=True, help="Only say what is likely to go wrong; save nothing.")
@click.option("--careful", is_flag=True, help="Leave out pictures that the doctor warns of.")
@click.option("--all-or-nothing", is_flag=True, help="Save nothing where one picture fails.")
@click.option(
    "--no-pictures",
    is_flag=True,
    help="New gallery: keep no small pictures. It can then never move to another model.",
)
@options.max_mib
@options.max_megapixels
@options.as_json_lines
def enroll(
    what: str,
    pictures: tuple[str, ...],
    gallery: str,
    model: str | None,
    crop: str | None,
    check: bool,
    careful: bool,
    all_or_nothing: bool,
    no_pictures: bool,
    max_mib: float,
    max_megapixels: float,
    as_json: bool,
) -> None:
    """Show a picture of a thing, or several; or a folder, one sub-folder or file a thing."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(
        gallery, model, crop=crop, max_mib=max_mib, max_megapixels=max_megapixels
    )
    command.enroll(
        what,
        list(pictures),
        asking,
        keeps_pictures=not no_pictures,
        careful=careful,
        all_or_nothing=all_or_nothing,
        check=check,
        as_json=as_json,
    )


@menu.command(epilog="Example:  firstsight identify desk.jpg")
@click.argument(
    "pictures", nargs=-1, required=True, help="Pictures or folders; '-' reads standard input."
)
@options.gallery
@options.model
@options.false_accepts
@options.closed_set
@options.first_look
@options.crop
@options.sheet
@options.show
@options.max_mib
@options.max_megapixels
@options.as_json_lines
def identify(
    pictures: tuple[str, ...],
    gallery: str,
    model: str | None,
    false_accepts: float,
    closed_set: bool,
    first_look: bool,
    crop: str | None,
    sheet: Path | None,
    show: bool,
    max_mib: float,
    max_megapixels: float,
    as_json: bool,
) -> None:
    """Say which enrolled thing each picture shows, or 'unknown'."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(
        gallery,
        model,
        false_accepts,
        crop,
        max_mib,
        max_megapixels,
        closed_set,
        second_look=not first_look,
    )
    command.identify(list(pictures), asking, sheet=sheet, show=show, as_json=as_json)


@menu.command(epilog="Example:  firstsight verify a.jpg b.jpg")
@click.argument("a", help="A picture; '-' reads standard input.")
@click.argument("b", help="Another.")
@options.model
@click.option("--gallery", metavar="NAME", help="Use this gallery's model.")
@click.option(
    "--false-matches",
    type=float,
    metavar="SHARE",
    help="Share of different pairs that may pass; default: 0.01, or the model's least.",
)
@options.first_look
@options.max_mib
@options.max_megapixels
@options.as_json
def verify(
    a: str,
    b: str,
    model: str | None,
    gallery: str | None,
    false_matches: float | None,
    first_look: bool,
    max_mib: float,
    max_megapixels: float,
    as_json: bool,
) -> None:
    """Say whether two pictures show the same thing."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(
        gallery or "photos",
        model,
        max_mib=max_mib,
        max_megapixels=max_megapixels,
        second_look=not first_look,
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
@click.argument("picture", help="A picture; '-' reads standard input.")
@click.option("-k", type=options.NUMBER, default=5, help="How many.")
@click.option("--one-per-thing", is_flag=True, help="Only the nearest photo of each thing.")
@click.option(
    "--is", "truth", metavar="THING", help="What it shows: the sheet frames photos as right or not."
)
@options.gallery
@options.model
@options.first_look
@options.crop
@options.sheet
@options.show
@options.max_mib
@options.max_megapixels
@options.as_json
def search(
    picture: str,
    k: int,
    one_per_thing: bool,
    truth: str | None,
    gallery: str,
    model: str | None,
    first_look: bool,
    crop: str | None,
    sheet: Path | None,
    show: bool,
    max_mib: float,
    max_megapixels: float,
    as_json: bool,
) -> None:
    """List the most similar enrolled photos, nearest first."""
    from firstsight.app.cli import recognise as command

    asking = command.Asking(
        gallery,
        model,
        crop=crop,
        max_mib=max_mib,
        max_megapixels=max_megapixels,
        second_look=not first_look,
    )
    command.search(
        picture,
        asking,
        k=k,
        one_per_thing=one_per_thing,
        truth=truth,
        sheet=sheet,
        show=show,
        as_json=as_json,
    )


@menu.command(epilog="Example:  firstsight why desk.jpg --to why.png")
@click.argument("picture", help="A picture; '-' reads standard input.")
@click.option(
    "--to", type=options.PATH, default="why.png", metavar="FILE", help="The PNG file to draw."
)
@options.gallery
@options.model
@options.crop
@options.as_json
def why(
    picture: str,
    to: Path,
    gallery: str,
    model: str | None,
    crop: str | None,
    as_json: bool,
) -> None:
    """Draw what made a picture match, on both pictures, and what the nearest rival is."""
    from firstsight.app.cli import recognise as command

    command.why(picture, command.Asking(gallery, model, crop=crop), to=to, as_json=as_json)


@menu.command(epilog="Example:  firstsight confirm desk.jpg")
@click.argument("picture", help="A picture that was named rightly.")
@options.gallery
@options.model
@options.crop
@options.as_json
def confirm(picture: str, gallery: str, model: str | None, crop: str | None, as_json: bool) -> None:
    """Say that the name given is right: the calibration learns from it at once."""
    from firstsight.app.cli import recognise as command

    command.confirm(picture, command.Asking(gallery, model, crop=crop), as_json=as_json)


@menu.command(epilog="Example:  firstsight deny desk.jpg --is 'red mug'")
@click.argument("picture", help="A picture that was named wrongly.")
@click.option("--is", "truth", metavar="NAME", help="What it shows; none: a stranger.")
@options.gallery
@options.model
@options.crop
@options.as_json
def deny(
    picture: str,
    truth: str | None,
    gallery: str,
    model: str | None,
    crop: str | None,
    as_json: bool,
) -> None:
    """Say that the name given is wrong: the calibration learns from it at once."""
    from firstsight.app.cli import recognise as command

    command.deny(picture, truth, command.Asking(gallery, model, crop=crop), as_json=as_json)
