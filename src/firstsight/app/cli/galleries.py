"""`firstsight doctor`, `upgrade` and `gallery ...`."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.cli.telling import estimate_lines
from firstsight.app.cli.things import opened
from firstsight.app.remarks import say
from firstsight.errors import GalleryError, StorageError, UsageError

if TYPE_CHECKING:
    from firstsight.gallery.doctor import Examination
    from firstsight.recognition.upgrading import Proof

__all__ = [
    "backup",
    "delete",
    "doctor",
    "export",
    "import_file",
    "info",
    "list_all",
    "rename",
    "upgrade",
]

NAMED = 20  # changed answers that are listed; --json lists all


def list_all(*, as_json: bool) -> None:
    from firstsight.gallery.gallery import Gallery
    from firstsight.gallery.places import list_galleries

    found = []
    for place in list_galleries():
        try:
            with Gallery.open(place, read_only=True) as gallery:
                n_things, n_photos = gallery.counts()
                model = gallery.info.model.name
                found.append(
                    {"name": place.name, "things": n_things, "photos": n_photos, "model": model}
                )
        except (GalleryError, StorageError) as trouble:
            say(messages(), f"{place.name}: {trouble}")
    if as_json:
        print_json(found)
        return
    rows = [
        (str(each["name"]), str(each["things"]), str(each["photos"]), str(each["model"]))
        for each in found
    ]
    print_table("Galleries", ("name", "things", "photos", "model"), rows)


def info(gallery: str, false_accepts: float, *, as_json: bool) -> None:
    from firstsight.recognition.recognizer import Policy, Recognizer

    with Recognizer.open_existing(gallery, policy=Policy(false_accepts)) as recognizer:
        held = recognizer.gallery
        n_things, n_photos = held.counts()
        estimate = recognizer.estimate() if n_photos else None
        about = held.info
    if as_json:
        print_json(
            {
                **asdict(about),
                "things": n_things,
                "photos": n_photos,
                "estimate": estimate.to_json() if estimate else None,
            }
        )
        return
    kept = "kept" if about.keeps_pictures else "left out"
    rows = [
        ("things", str(n_things)),
        ("photos", str(n_photos)),
        ("model", f"{about.model.name} ({about.model.fingerprint[:12]}), {about.model.place}"),
        ("small pictures", kept),
        ("made", about.created),
    ]
    print_table(f"The gallery {about.name!r}", ("what", "is"), rows)
    for line in estimate_lines(estimate) if estimate else ():
        print(line)  # noqa: T201


def doctor(gallery: str, false_accepts: float, *, as_json: bool) -> None:
    from firstsight.recognition.recognizer import Policy, Recognizer

    with Recognizer.open_existing(gallery, policy=Policy(false_accepts)) as recognizer:
        found = recognizer.examine()
    if as_json:
        print_json(found.to_json())
    else:
        _print_examination(found)


def _print_examination(found: Examination) -> None:
    for finding in found.findings:
        print(f"{finding.severity}: {finding.told}")  # noqa: T201
    if found.kshot is not None:
        rows = [
            (
                str(each.shots),
                f"{100 * each.accuracy:.1f}",
                f"{100 * each.interval[0]:.1f} .. {100 * each.interval[1]:.1f}",
            )
            for each in found.kshot.points
        ]
        title = f"How many photos are enough: {found.kshot.n_things} things"
        print_table(title, ("photos of each", "right %", "95 % interval"), rows)
    print(found.summary)  # noqa: T201


def upgrade(
    gallery: str,
    model: str | None,
    *,
    switch: bool,
    force: bool,
    back: bool,
    drop: bool,
    as_json: bool,
) -> None:
    from firstsight.app import upgrading

    if sum((back, drop, model is not None)) != 1:
        raise UsageError("give --model NEW, or --back, or --drop, one of them")
    if back:
        print(upgrading.go_back(gallery))  # noqa: T201
        return
    if drop:
        print(upgrading.drop(gallery, gives_up_former=force))  # noqa: T201
        return
    assert model is not None
    console = messages()
    proof = upgrading.prepare(gallery, model, console=console, gives_up_former=force)
    switched = (switch and proof.loses_nothing) or force
    left = upgrading.switch(gallery, model) if switched else 0
    if as_json:
        print_json({**proof.to_json(), "switched": switched, "verdicts_left": left})
        return
    _print_proof(proof)
    if switched:
        print(  # noqa: T201
            f"switched to {proof.after.model}; 'firstsight upgrade --gallery "
            f"{shlex.quote(gallery)} --back' goes back"
        )
        if left:
            say(
                console,
                f"verdicts that stay with the models they were on: {left} (the picture is enrolled "
                "by now, was judged again since, or was not kept)",
            )
    elif switch:
        raise GalleryError(
            "not switched: the figures do not show that nothing is lost; --force switches anyway"
        )
    else:
        say(console, "nothing has changed yet; --switch switches, --drop forgets it")


def _print_proof(proof: Proof) -> None:
    rows = [
        (
            side.model,
            *map(_share, (side.right, side.missed, side.strangers_named, side.verdicts)),
        )
        for side in (proof.before, proof.after)
    ]
    head = ("model", "named rightly %", "missed %", "strangers named %", "verdicts met %")
    title = (
        f"{proof.n_enrolled_trials} photos asked with themselves left out, "
        f"{proof.n_stranger_trials} with their thing left out, {proof.n_verdicts} pictures that "
        "were judged; 95 % intervals"
    )
    print_table(title, head, rows)
    changes = [
        (str(each.photo), each.source, each.thing, each.before, each.after)
        for each in proof.changes[:NAMED]
    ]
    if changes:
        more = f", the first {NAMED}" if len(proof.changes) > NAMED else ""
        print_table(
            f"{len(proof.changes)} of {proof.n_photos} photos would be answered otherwise{more}",
            ("photo", "from", "thing", "before", "after"),
            changes,
        )
    else:
        print("no photo would be answered otherwise")  # noqa: T201


def _share(rate: tuple[float, float, float] | None) -> str:
    if rate is None:
        return "nothing to measure"
    value, low, high = (100 * each for each in rate)
    return f"{value:.1f} ({low:.1f} .. {high:.1f})"


def export(gallery: str, to: Path, *, replace: bool) -> None:
    from firstsight.gallery import portable

    with opened(gallery, read_only=True) as held:
        portable.export(held, to, replace=replace)
    print(to)  # noqa: T201


def import_file(file: Path, name: str | None) -> None:
    from firstsight.gallery import portable
    from firstsight.gallery.places import gallery_place

    wanted = name or file.stem
    portable.import_gallery(file, gallery_place(wanted), name=wanted)
    with opened(wanted, read_only=True) as held:
        n_things, n_photos = held.counts()
    print(f"imported {n_things} things, {n_photos} photos as {wanted!r}")  # noqa: T201


def backup(gallery: str, to: Path, *, replace: bool) -> None:
    from firstsight.gallery import portable

    with opened(gallery, read_only=True) as held:
        portable.backup(held, to, replace=replace)
    print(to)  # noqa: T201


def rename(gallery: str, new: str) -> None:
    from firstsight.gallery import whole
    from firstsight.gallery.places import gallery_place

    before = gallery_place(gallery)
    after = whole.rename(before, new)
    print(f"renamed {gallery!r} to {new!r}")  # noqa: T201
    if after == before:
        say(
            messages(),
            f"its folder stays where it is, and is still what commands find it by: {after}",
        )


def delete(gallery: str, *, yes: bool) -> None:
    from firstsight.gallery import whole
    from firstsight.gallery.places import gallery_place

    with opened(gallery, read_only=True) as held:
        n_things, n_photos = held.counts()
    holds = f"{_counted(n_things, 'thing')}, {_counted(n_photos, 'photo')}"
    if not yes:
        raise UsageError(
            f"the gallery {gallery!r} holds {holds}, and nothing brings them back; add --yes to "
            "delete it"
        )
    place = gallery_place(gallery)
    whole.delete(place)
    print(f"deleted {gallery!r}: {holds}")  # noqa: T201
    if place.exists():
        say(messages(), f"its folder stays, for other files lie in it: {place}")
    say(
        messages(),
        "backups, exported files and models trained from it lie outside; they still hold what they "
        "held",
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
