"""Look after what is enrolled."""

from __future__ import annotations

from pathlib import Path

import click

from firstsight.app.cli.menus import options

__all__ = ["menu"]

menu = click.Group()

name = click.argument("name", help="A thing's name.")
whole = click.argument("gallery", metavar="GALLERY", help="A gallery's name, or its folder's path.")
replace = click.option("--replace", is_flag=True, help="Replace a file that is there already.")


@menu.command(epilog="Example:  firstsight things --containing mug")
@click.option("--containing", default="", help="Only names with this in them.")
@click.option(
    "--offset", type=options.Number(min=0), default=0, help="Leave out so many at the beginning."
)
@click.option("--limit", type=options.NUMBER, help="List so many at most.")
@options.gallery
@options.as_json
def things(containing: str, offset: int, limit: int | None, gallery: str, as_json: bool) -> None:
    """List the enrolled things by name."""
    from firstsight.app.cli import things as command

    command.list_things(gallery, containing, offset, limit, as_json=as_json)


@menu.command(epilog="Example:  firstsight show 'blue mug'")
@name
@click.option("--sheet", type=options.PATH, metavar="FILE", help="Draw its photos, as a PNG file.")
@options.gallery
@options.as_json
def show(name: str, sheet: Path | None, gallery: str, as_json: bool) -> None:
    """Show a thing: notes, tags and photos."""
    from firstsight.app.cli import things as command

    command.show(gallery, name, sheet=sheet, as_json=as_json)


@menu.command(epilog="Example:  firstsight describe 'blue mug' --notes 'kitchen' --tag cup")
@name
@click.option("--notes", help="Replaces the notes.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Replaces the tags.")
@options.gallery
def describe(name: str, notes: str | None, tags: tuple[str, ...], gallery: str) -> None:
    """Give a thing notes and tags."""
    from firstsight.app.cli import things as command

    command.describe(gallery, name, notes, list(tags) or None)


@menu.command(epilog="Example:  firstsight rename 'blue mug' 'my mug'")
@click.argument("old", help="A thing's name.")
@click.argument("new", help="The new name.")
@options.gallery
def rename(old: str, new: str, gallery: str) -> None:
    """Rename a thing."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.rename(old, new))


@menu.command(epilog="Example:  firstsight move 17 --to 'red mug'")
@click.argument("photo", type=options.NUMBER, help="A photo's number; see 'show'.")
@click.option("--to", required=True, help="A thing's name, old or new.")
@options.gallery
def move(photo: int, to: str, gallery: str) -> None:
    """Move a photo to another thing."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.move(photo, to))


@menu.command(epilog="Example:  firstsight merge 'my mug' --into 'blue mug'")
@name
@click.option("--into", required=True, help="The thing that gets all its photos.")
@options.gallery
def merge(name: str, into: str, gallery: str) -> None:
    """Make two things one."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.merge(name, into=into))


@menu.command(epilog="Example:  firstsight unmerge 'my mug'")
@name
@options.gallery
def unmerge(name: str, gallery: str) -> None:
    """Bring back a thing that was merged into another, whatever came after."""
    from firstsight.app.cli import things as command

    command.change(gallery, lambda opened: opened.unmerge(name))


@menu.command(epilog="Example:  firstsight remove 'blue mug'")
@click.argument("name", required=False, help="A thing's name.")
@click.option("--photo", type=options.NUMBER, metavar="NUMBER", help="Only this photo; see 'show'.")
@options.gallery
def remove(name: str | None, photo: int | None, gallery: str) -> None:
    """Remove a thing or a photo; 'undo' brings it back."""
    from firstsight.app.cli import things as command

    command.remove(gallery, name, photo)


@menu.command(epilog="Example:  firstsight forget 'blue mug'")
@click.argument("name", required=False, help="A thing's name.")
@click.option("--photo", type=options.NUMBER, metavar="NUMBER", help="Only this photo; see 'show'.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options.gallery
def forget(name: str | None, photo: int | None, yes: bool, gallery: str) -> None:
    """Erase a thing or a photo for good: photos, vectors, verdicts and history."""
    from firstsight.app.cli import things as command

    command.forget(gallery, name, photo, yes=yes)


@menu.command(epilog="Example:  firstsight undo 2")
@click.argument("steps", type=options.NUMBER, default=1, help="How many of the last steps.")
@options.gallery
def undo(steps: int, gallery: str) -> None:
    """Take back the last changes."""
    from firstsight.app.cli import things as command

    command.undo(gallery, steps)


@menu.command(epilog="Example:  firstsight history")
@click.option("--limit", type=options.NUMBER, default=20, help="How many.")
@options.gallery
@options.as_json
def history(limit: int, gallery: str, as_json: bool) -> None:
    """List the last changes, newest first."""
    from firstsight.app.cli import things as command

    command.history(gallery, limit, as_json=as_json)


@menu.command(epilog="Example:  firstsight verdicts --withdraw 3")
@click.option("--withdraw", type=options.NUMBER, metavar="NUMBER", help="Take this verdict back.")
@options.gallery
@options.as_json
def verdicts(withdraw: int | None, gallery: str, as_json: bool) -> None:
    """List what people confirmed and denied."""
    from firstsight.app.cli import things as command

    command.verdicts(gallery, withdraw, as_json=as_json)


@menu.command(epilog="Example:  firstsight doctor")
@options.gallery
@options.false_accepts
@options.as_json
def doctor(gallery: str, false_accepts: float, as_json: bool) -> None:
    """Say what is likely to go wrong: look-alikes, outliers, duplicates, too few photos."""
    from firstsight.app.cli import galleries as command

    command.doctor(gallery, false_accepts, as_json=as_json)


@menu.command(epilog="Example:  firstsight upgrade --model runs/photos/model")
@options.model
@options.gallery
@click.option("--switch", is_flag=True, help="Switch over where no accuracy is lost.")
@click.option("--force", is_flag=True, help="Switch over whatever was found; give up a way back.")
@click.option("--back", is_flag=True, help="Go back to the model before the last switch.")
@click.option("--drop", is_flag=True, help="Throw the prepared upgrade away.")
@options.as_json
def upgrade(
    model: str | None,
    gallery: str,
    switch: bool,
    force: bool,
    back: bool,
    drop: bool,
    as_json: bool,
) -> None:
    """Move a gallery to another model: embed anew, show what would change, then switch."""
    from firstsight.app.cli import galleries as command

    command.upgrade(
        gallery, model, switch=switch, force=force, back=back, drop=drop, as_json=as_json
    )


@menu.group("gallery")
def files() -> None:
    """A gallery as a whole: facts, name, copies, end."""


@files.command("list", epilog="Example:  firstsight gallery list")
@options.as_json
def list_all(as_json: bool) -> None:
    """List the galleries there are."""
    from firstsight.app.cli import galleries as command

    command.list_all(as_json=as_json)


@files.command(epilog="Example:  firstsight gallery info photos")
@click.argument("gallery", default="photos", metavar="NAME", help="A gallery.")
@options.false_accepts
@options.as_json
def info(gallery: str, false_accepts: float, as_json: bool) -> None:
    """Say what a gallery holds, which model it belongs to, and how strict it is."""
    from firstsight.app.cli import galleries as command

    command.info(gallery, false_accepts, as_json=as_json)


@files.command(epilog="Example:  firstsight gallery export mugs.firstsight")
@click.argument("to", type=options.PATH, metavar="FILE", help="The file to write.")
@replace
@options.gallery
def export(to: Path, replace: bool, gallery: str) -> None:
    """Write a gallery as one portable file."""
    from firstsight.app.cli import galleries as command

    command.export(gallery, to, replace=replace)


@files.command("import", epilog="Example:  firstsight gallery import mugs.firstsight --name mugs")
@click.argument("file", type=options.PATH, metavar="FILE", help="An exported gallery.")
@click.option("--name", help="What to call it here.")
def import_file(file: Path, name: str | None) -> None:
    """Make a gallery from an exported file."""
    from firstsight.app.cli import galleries as command

    command.import_file(file, name)


@files.command(epilog="Example:  firstsight gallery backup mugs-monday.firstsight")
@click.argument("to", type=options.PATH, metavar="FILE", help="The file to write.")
@replace
@options.gallery
def backup(to: Path, replace: bool, gallery: str) -> None:
    """Copy a gallery with its history, also while it is in use."""
    from firstsight.app.cli import galleries as command

    command.backup(gallery, to, replace=replace)


@files.command("rename", epilog="Example:  firstsight gallery rename mugs cups")
@whole
@click.argument("new", metavar="NEWNAME", help="The new name.")
def rename_whole(gallery: str, new: str) -> None:
    """Give a gallery another name; one given by a path stays in its folder."""
    from firstsight.app.cli import galleries as command

    command.rename(gallery, new)


@files.command("delete", epilog="Example:  firstsight gallery delete mugs --yes")
@whole
@click.option("--yes", is_flag=True, help="Do it, having read what it holds.")
def delete_whole(gallery: str, yes: bool) -> None:
    """Delete a gallery for good; without --yes only say what it holds."""
    from firstsight.app.cli import galleries as command

    command.delete(gallery, yes=yes)
