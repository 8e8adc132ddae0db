"""`firstsight things`, `show`, and what changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.remarks import say
from firstsight.errors import UsageError

if TYPE_CHECKING:
    from firstsight.gallery.gallery import Gallery

__all__ = [
    "change",
    "describe",
    "forget",
    "history",
    "list_things",
    "remove",
    "show",
    "undo",
    "verdicts",
]


@contextmanager
def opened(name: str, *, read_only: bool = False) -> Iterator[Gallery]:
    """Without its model: looking after things needs no network."""
    from firstsight.gallery.gallery import Gallery
    from firstsight.gallery.places import gallery_place

    with Gallery.open(gallery_place(name), read_only=read_only) as gallery:
        yield gallery


def list_things(
    gallery: str, containing: str, offset: int, limit: int | None, *, as_json: bool
) -> None:
    with opened(gallery, read_only=True) as held:
        found = held.things(containing=containing, offset=offset, limit=limit)
        n_things, n_photos = held.counts()
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [(each.name, str(each.n_photos), ", ".join(each.tags), each.notes) for each in found]
    title = f"{n_things} things, {n_photos} photos in the gallery {gallery!r}"
    print_table(title, ("thing", "photos", "tags", "notes"), rows)


def show(gallery: str, name: str, *, sheet: Path | None, as_json: bool) -> None:
    with opened(gallery, read_only=True) as held:
        thing, photos = held.thing(name), held.photos(name)
        if sheet is not None:
            from firstsight.app.picturing import draw_thing

            draw_thing(held, name, to=sheet)
    if as_json:
        print_json({**asdict(thing), "photos": [asdict(each) for each in photos]})
        return
    rows = [
        (str(each.id), each.source, f"{each.width_px} x {each.height_px}", each.added)
        for each in photos
    ]
    about = [thing.name, *(f"#{tag}" for tag in thing.tags), thing.notes]
    print_table("  ".join(filter(None, about)), ("photo", "from", "size", "added"), rows)


def describe(gallery: str, name: str, notes: str | None, tags: list[str] | None) -> None:
    if notes is None and tags is None:
        raise UsageError("nothing to change; give --notes or --tag")
    given = None if tags is None else tuple(tags)
    change(gallery, lambda held: held.describe(name, notes=notes, tags=given))


def change(gallery: str, act: Callable[[Gallery], Any]) -> None:
    """Make a change, and say what it was and how to take it back."""
    with opened(gallery) as held:
        before = {step.id for step in held.steps(limit=1)}
        act(held)
        steps = [step for step in held.steps(limit=1) if step.id not in before]
    for step in steps:
        print(step.told)  # noqa: T201


def remove(gallery: str, name: str | None, photo: int | None) -> None:
    if (name is None) == (photo is None):
        raise UsageError("name a thing, or a photo by --photo NUMBER")
    if photo is not None:
        change(gallery, lambda held: held.remove_photo(photo))
    elif name is not None:
        change(gallery, lambda held: held.remove(name))


def forget(gallery: str, name: str | None, photo: int | None, *, yes: bool) -> None:
    if (name is None) == (photo is None):
        raise UsageError("name a thing, or a photo by --photo NUMBER")
    what = repr(name) if name is not None else f"photo {photo}"
    with opened(gallery) as held:
        if name is not None:
            heirs = held.heirs(name)  # a wrong name is told before anything is asked
            for heir in heirs:
                say(messages(), f"the photos that were merged into {heir!r} are its own, and stay")
        if not yes:
            _ask(f"erase {what} for good, with photos, vectors, verdicts and history?")
        gone = held.forget(name) if name is not None else held.forget_photo(photo or 0)
    print(f"forgot {what}: {gone.n_photos} photos, {gone.n_verdicts} verdicts")  # noqa: T201
    say(messages(), "backups and exported files that were made before still hold it")


def _ask(question: str) -> None:
    import click

    from firstsight.errors import FirstsightError

    console = messages()
    if not console.is_terminal:
        raise UsageError(f"{question} nobody can be asked here; add --yes")
    if not click.confirm(question, err=True):
        raise FirstsightError("nothing was erased")


def undo(gallery: str, steps: int) -> None:
    with opened(gallery) as held:
        for step in held.undo(steps):
            print(f"took back: {step.told}")  # noqa: T201


def history(gallery: str, limit: int, *, as_json: bool) -> None:
    with opened(gallery, read_only=True) as held:
        steps = held.steps(limit=limit)
    if as_json:
        print_json([asdict(each) for each in steps])
        return
    rows = [(each.when, each.told) for each in steps]
    print_table("the last changes, newest first", ("when", "what"), rows)


def verdicts(gallery: str, withdraw: int | None, *, as_json: bool) -> None:
    from firstsight.gallery.places import gallery_option

    if withdraw is not None:
        change(gallery, lambda held: held.withdraw(withdraw))
        return
    with opened(gallery, read_only=True) as held:
        listed = held.verdicts()
    if as_json:
        print_json(
            [
                {
                    "verdict": each.id,
                    "kind": each.kind,
                    "named": each.named,
                    "truth": each.truth,
                    "distance": each.distance,
                    "when": each.when,
                    "picture": each.details.get("picture"),
                }
                for each in listed
            ]
        )
        return
    rows = [
        (str(each.id), each.when, str(each.details.get("picture", "")), str(each.named),
         {"right": "right", "wrong": "a stranger"}.get(each.kind, f"it is {each.truth}"))
        for each in listed
    ]  # fmt: skip
    print_table("verdicts", ("number", "when", "picture", "nearest", "verdict"), rows)
    if rows:
        which = f"{rows[-1][0]}{gallery_option(held.place)}"
        say(messages(), f"take one back: firstsight verdicts --withdraw {which}")
