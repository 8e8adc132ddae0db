"""Look after what is enrolled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from firstsight.app.cli.menus.options import FalseAccepts, Gallery, Json, Model

__all__ = ["menu"]

menu = typer.Typer(rich_markup_mode=None)
files = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
menu.add_typer(files, name="gallery", help="A gallery as a whole: facts, export, import, backup.")

Name = Annotated[str, typer.Argument(help="A thing's name.")]


@menu.command(epilog="Example:  firstsight things --containing mug")
def things(
    containing: Annotated[str, typer.Option(help="Only names with this in them.")] = "",
    offset: Annotated[int, typer.Option(min=0, help="Leave out so many at the beginning.")] = 0,
    limit: Annotated[int | None, typer.Option(min=1, help="List so many at most.")] = None,
    gallery: Gallery = "photos",
    as_json: Json = False,
) -> None:
    """List the enrolled things by name."""
    from firstsight.app.cli import things as command

    command.list_things(gallery, containing, offset, limit, as_json=as_json)


@menu.command(epilog="Example:  firstsight show 'blue mug'")
def show(
    name: Name,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw its photos, as a PNG file.")
    ] = None,
    gallery: Gallery = "photos",
    as_json: Json = False,
) -> None:
    """Show a thing: notes, tags and photos."""
    from firstsight.app.cli import things as command

    command.show(gallery, name, sheet=sheet, as_json=as_json)


@menu.command(epilog="Example:  firstsight describe 'blue mug' --notes 'kitchen' --tag cup")
def describe(
    name: Name,
    notes: Annotated[str | None, typer.Option(help="Replaces the notes.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="Replaces the tags.")
    ] = None,
    gallery: Gallery = "photos",
) -> None:
    """Give a thing notes and tags."""
    from firstsight.app.cli import things as command

    command.describe(gallery, name, notes, tags)


@menu.command(epilog="Example:  firstsight rename 'blue mug' 'my mug'")
def rename(
    old: Name,
    new: Annotated[str, typer.Argument(help="The new name.")],
    gallery: Gallery = "photos",
) -> None:
    """Rename a thing."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.rename(old, new))


@menu.command(epilog="Example:  firstsight move 17 --to 'red mug'")
def move(
    photo: Annotated[int, typer.Argument(help="A photo's number; see 'show'.")],
    to: Annotated[str, typer.Option(help="A thing's name, old or new.")],
    gallery: Gallery = "photos",
) -> None:
    """Move a photo to another thing."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.move(photo, to))


@menu.command(epilog="Example:  firstsight merge 'my mug' --into 'blue mug'")
def merge(
    name: Name,
    into: Annotated[str, typer.Option(help="The thing that gets all its photos.")],
    gallery: Gallery = "photos",
) -> None:
    """Make two things one."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.merge(name, into=into))


@menu.command(epilog="Example:  firstsight unmerge 'my mug'")
def unmerge(name: Name, gallery: Gallery = "photos") -> None:
    """Bring back a thing that was merged into another, whatever came after."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.unmerge(name))


@menu.command(epilog="Example:  firstsight remove 'blue mug'")
def remove(
    name: Annotated[str | None, typer.Argument(help="A thing's name.")] = None,
    photo: Annotated[int | None, typer.Option(help="Only this photo; see 'show'.")] = None,
    gallery: Gallery = "photos",
) -> None:
    """Remove a thing or a photo; 'undo' brings it back."""
    from firstsight.app.cli import things as command

    command.remove(gallery, name, photo)


@menu.command(epilog="Example:  firstsight forget 'blue mug'")
def forget(
    name: Annotated[str | None, typer.Argument(help="A thing's name.")] = None,
    photo: Annotated[int | None, typer.Option(help="Only this photo; see 'show'.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    gallery: Gallery = "photos",
) -> None:
    """Erase a thing or a photo for good: photos, vectors, verdicts and history."""
    from firstsight.app.cli import things as command

    command.forget(gallery, name, photo, yes=yes)


@menu.command(epilog="Example:  firstsight undo 2")
def undo(
    steps: Annotated[int, typer.Argument(min=1, help="How many of the last steps.")] = 1,
    gallery: Gallery = "photos",
) -> None:
    """Take back the last changes."""
    from firstsight.app.cli import things as command

    command.undo(gallery, steps)


@menu.command(epilog="Example:  firstsight history")
def history(
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    gallery: Gallery = "photos",
    as_json: Json = False,
) -> None:
    """List the last changes, newest first."""
    from firstsight.app.cli import things as command

    command.history(gallery, limit, as_json=as_json)


@menu.command(epilog="Example:  firstsight verdicts --withdraw 3")
def verdicts(
    withdraw: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Take this verdict back.")
    ] = None,
    gallery: Gallery = "photos",
    as_json: Json = False,
) -> None:
    """List what people confirmed and denied."""
    from firstsight.app.cli import things as command

    command.verdicts(gallery, withdraw, as_json=as_json)


@menu.command(epilog="Example:  firstsight doctor")
def doctor(
    gallery: Gallery = "photos",
    false_accepts: FalseAccepts = 0.01,
    as_json: Json = False,
) -> None:
    """Say what is likely to go wrong: look-alikes, outliers, duplicates, too few photos."""
    from firstsight.app.cli import galleries as command

    command.doctor(gallery, false_accepts, as_json=as_json)


@menu.command(epilog="Example:  firstsight upgrade --model runs/photos/model")
def upgrade(
    model: Model = None,
    gallery: Gallery = "photos",
    switch: Annotated[
        bool, typer.Option("--switch", help="Switch over where no accuracy is lost.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Switch over whatever was found.")] = False,
    back: Annotated[bool, typer.Option("--back", help="Go back to the model before.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Throw the prepared upgrade away.")] = False,
    as_json: Json = False,
) -> None:
    """Move a gallery to another model: embed anew, show what would change, then switch."""
    from firstsight.app.cli import galleries as command

    command.upgrade(
        gallery, model, switch=switch, force=force, back=back, drop=drop, as_json=as_json
    )


@files.command("list", epilog="Example:  firstsight gallery list")
def list_all(as_json: Json = False) -> None:
    """List the galleries there are."""
    from firstsight.app.cli import galleries as command

    command.list_all(as_json=as_json)


@files.command(epilog="Example:  firstsight gallery info photos")
def info(
    gallery: Annotated[str, typer.Argument(metavar="NAME", help="A gallery.")] = "photos",
    false_accepts: FalseAccepts = 0.01,
    as_json: Json = False,
) -> None:
    """Say what a gallery holds, which model it belongs to, and how strict it is."""
    from firstsight.app.cli import galleries as command

    command.info(gallery, false_accepts, as_json=as_json)


@files.command(epilog="Example:  firstsight gallery export mugs.firstsight")
def export(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    gallery: Gallery = "photos",
) -> None:
    """Write a gallery as one portable file."""
    from firstsight.app.cli import galleries as command

    command.export(gallery, to)


@files.command("import", epilog="Example:  firstsight gallery import mugs.firstsight --name mugs")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An exported gallery.")],
    name: Annotated[str | None, typer.Option(help="What to call it here.")] = None,
) -> None:
    """Make a gallery from an exported file."""
    from firstsight.app.cli import galleries as command

    command.import_file(file, name)


@files.command(epilog="Example:  firstsight gallery backup mugs-monday.firstsight")
def backup(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    gallery: Gallery = "photos",
) -> None:
    """Copy a gallery with its history, also while it is in use."""
    from firstsight.app.cli import galleries as command

    command.backup(gallery, to)
