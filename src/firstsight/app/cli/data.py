"""`firstsight data`."""

from __future__ import annotations

from dataclasses import asdict

import click
import numpy as np

from firstsight.app.cli.speaking import messages, print_json, print_table
from firstsight.app.names import for_training
from firstsight.app.packing import open_with_progress
from firstsight.data.sources import known_datasets
from firstsight.errors import UsageError
from firstsight.images.preprocess import Preprocessing

__all__ = ["show"]

_LOOKING_SIZE = 32


def show(name: str | None, *, as_json: bool) -> None:
    if name is None:
        _list_known(as_json=as_json)
    else:
        _describe(for_training(name), as_json=as_json)


def _list_known(*, as_json: bool) -> None:
    known = known_datasets()
    if as_json:
        print_json([asdict(each) for each in known])
        return
    rows = [(each.name, str(each.count), each.place or _elsewhere(each.address)) for each in known]
    print_table("Data sets with a name", ("name", "pictures", "where"), rows)
    for credit in dict.fromkeys(f"{each.credit} ({each.licence})" for each in known):
        click.echo(credit)


def _elsewhere(address: str) -> str:
    return f"fetched from {address}" if address else "not here; put it where docs/data.md says"


def _describe(name: str, *, as_json: bool) -> None:
    if name == "omniglot:runs":
        raise UsageError("the 20 runs hold trials, not classes; 'evaluate' uses them")
    pictures = open_with_progress(name, Preprocessing(size=_LOOKING_SIZE), messages())
    per_class = np.bincount(pictures.labels)
    facts = {
        "name": name,
        "pictures": len(pictures),
        "classes": pictures.n_classes,
        "groups": len(pictures.group_names),
        "pictures_per_class": [int(per_class.min()), int(per_class.max())],
        "classes_with_one_picture": int((per_class == 1).sum()),
        "unreadable": [asdict(each) for each in pictures.skipped],
    }
    if as_json:
        print_json(facts)
        return
    facts["unreadable"] = len(pictures.skipped)
    rows = [(key.replace("_", " "), _plain(value)) for key, value in facts.items()]
    print_table(f"What {name} holds", ("what", "how many"), rows)


def _plain(value: object) -> str:
    return " to ".join(map(str, value)) if isinstance(value, list) else str(value)
