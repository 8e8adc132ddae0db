"""Use case: move a gallery to another model, with proof, and back."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.console import Console

from firstsight.app.recognising import progress_of
from firstsight.app.remarks import say
from firstsight.errors import GalleryError

if TYPE_CHECKING:
    from firstsight.gallery.gallery import Gallery
    from firstsight.model.embedder import Embedder
    from firstsight.recognition.upgrading import Proof

__all__ = ["drop", "go_back", "prepare", "switch"]


def prepare(
    gallery: str,
    model: str,
    *,
    console: Console,
    false_accepts: float = 0.01,
    gives_up_former: bool = False,
) -> Proof:
    """Embed every kept picture by `model`, beside the vectors in force, and say what would change.

    Carries on what an interrupted upgrade to the same model left. The gallery answers as before.
    gives_up_former: also where the gallery then cannot go back to the model before its last
    switch; else GalleryError.
    """
    from firstsight.gallery.gallery import Gallery
    from firstsight.gallery.places import gallery_place
    from firstsight.model.embedder import load
    from firstsight.recognition.binding import binding_of
    from firstsight.recognition.upgrading import prepare, prove

    with Gallery.open(gallery_place(gallery)) as held:
        new = load(model)
        if new.info.fingerprint == held.info.model.fingerprint:
            raise GalleryError(f"the gallery {gallery!r} is of the model {new.info.name} already")
        old = load(held.info.model.place)
        n_photos = held.counts()[1]
        binding, former = binding_of(new, model), held.former()
        if gives_up_former and former is not None and former.fingerprint != binding.fingerprint:
            say(console, f"there is no way back to {former.name} any more")
        with progress_of("embedding", n_photos, console) as advance:
            prepare(held, new, binding, gives_up_former=gives_up_former, advance=advance)
        say(console, f"asking both models about {n_photos} photos")
        return prove(held, old, new, target=false_accepts)


def switch(gallery: str, model: str) -> int:
    """Put the prepared vectors in force; how many verdicts could not be carried along.

    GalleryError where photos came since: prepare again.
    """
    from firstsight.gallery.gallery import Gallery
    from firstsight.gallery.places import gallery_place
    from firstsight.model.embedder import load

    with Gallery.open(gallery_place(gallery)) as held:
        staged, embedder = held.staged(), load(model)
        if staged is None or staged[0].fingerprint != embedder.info.fingerprint:
            raise GalleryError(
                f"no upgrade of {gallery!r} to {model} is prepared; prepare it first"
            )
        return _exchange(held, embedder)


def go_back(gallery: str) -> str:
    """Exchange the vectors in force and those before the last switch; a sentence says what now."""
    from firstsight.gallery.gallery import Gallery
    from firstsight.gallery.places import gallery_place
    from firstsight.model.embedder import load
    from firstsight.recognition.upgrading import prepare

    with Gallery.open(gallery_place(gallery)) as held:
        binding = held.former()
        if binding is None:
            raise _nothing_before(held, gallery)
        embedder = load(binding.place)
        if embedder.info.fingerprint != binding.fingerprint:
            raise GalleryError(
                f"the model at {binding.place} is not the one that the gallery {gallery!r} was of "
                "before, so it would answer nothing; give the way back up (firstsight upgrade "
                f"--gallery {shlex.quote(gallery)} --drop --force), and upgrade to it"
            )
        prepare(held, embedder, binding)  # what was enrolled since the switch
        _exchange(held, embedder)
    return f"the gallery {gallery!r} is of the model {binding.name} again"


def _nothing_before(held: Gallery, gallery: str) -> GalleryError:
    told, staged = f"the gallery {gallery!r} has no model before to go back to", held.staged()
    if staged is None:
        return GalleryError(told)
    binding = staged[0]
    return GalleryError(
        f"{told}; {binding.name} is prepared, and put in force by: firstsight upgrade "
        f"--gallery {shlex.quote(gallery)} --model {shlex.quote(binding.place)} --switch"
    )


def _exchange(held: Gallery, embedder: Embedder) -> int:
    from firstsight.recognition.upgrading import carried

    verdicts = carried(held, embedder)
    held.switch(verdicts)
    return len(held.verdicts(any_model=True)) - len(held.verdicts())


def drop(gallery: str, *, gives_up_former: bool = False) -> str:
    """Throw away the vectors beside those in force; a sentence says which these were.

    GalleryError where they are those before the last switch, unless these are given up.
    """
    from firstsight.gallery.gallery import Gallery
    from firstsight.gallery.places import gallery_place

    with Gallery.open(gallery_place(gallery)) as held:
        former, own = held.former(), held.info.model
        if former is not None and not gives_up_former:
            raise GalleryError(
                f"the gallery {gallery!r} is of {own.name}, and what lies beside it is no prepared "
                f"upgrade but the way back to {former.name}; --back goes back, --drop --force "
                "gives it up"
            )
        held.drop_stage()
    if former is None:
        return "dropped what was prepared; the gallery is as it was"
    return f"the gallery stays of {own.name}; there is no way back to {former.name} any more"
