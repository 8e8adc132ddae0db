"""Use case: let a gallery's own model learn from it, and adopt what came of it if it is better.

Learning sees most things of the gallery, and the pictures that people judged. The others, whole
things and not some photos of each, are kept for judging: both models are asked the same about
them, so that what is measured is how things enrolled tomorrow will be told apart, not how well
pictures were memorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from firstsight.app.crowding import crowd_alike
from firstsight.app.extras import require_learning
from firstsight.app.remarks import say
from firstsight.app.training import free_folder, shares_with_others
from firstsight.errors import DataError, GalleryError, RecipeError, UsageError

if TYPE_CHECKING:
    from firstsight.app.lessons import Lesson
    from firstsight.data.packed import PackedPictures
    from firstsight.evaluation.paired import Embedded, PairedAccuracy
    from firstsight.learning.training.run import Run
    from firstsight.model.embedder import Embedder
    from firstsight.recognition.recognizer import Recognizer

__all__ = ["Judged", "Tuned", "is_tuning", "resume", "tune"]

_PREFIX = "gallery "


@dataclass(frozen=True)
class Judged:
    """The old and the new model on things of the gallery that the tuning never saw.

    among_all: told among all things that have two pictures; among_held: among themselves alone.
    """

    among_all: PairedAccuracy
    among_held: PairedAccuracy

    @property
    def improves(self) -> bool:
        """Among all things beyond doubt, and among themselves no worse."""
        return self.among_all.improves and self.among_held.difference >= 0

    def to_json(self) -> dict[str, Any]:
        return {
            "among_all": self.among_all.to_json(),
            "among_held_out": self.among_held.to_json(),
            "improves": self.improves,
        }


@dataclass(frozen=True)
class Tuned:
    """What came of a tuning.

    judged: None where the training was stopped before its end. adopted: whether the gallery is of
    the new model now. told: why, or why not, in a sentence.
    """

    gallery: str
    run: Run
    judged: Judged | None
    adopted: bool
    told: str

    def to_json(self) -> dict[str, Any]:
        return {
            "gallery": self.gallery,
            "folder": str(self.run.folder),
            "model": str(self.run.model),
            "step": self.run.step,
            "seconds": round(self.run.seconds, 1),
            "ended": self.run.ended,
            "judged": None if self.judged is None else self.judged.to_json(),
            "adopted": self.adopted,
            "told": self.told,
        }


def tune(
    gallery: str,
    *,
    out: str | Path | None = None,
    overrides: Sequence[str] = (),
    adopt: bool = True,
    console: Console | None = None,
) -> Tuned:
    """Train the gallery's model further on its kept pictures and verdicts, by the model's recipe.

    out: the run's folder, which keeps the new model in any case; default: runs/RECIPE-tuned,
    numbered where that is taken. overrides: `key=value` in the recipe, like "training.steps=500".
    adopt: move the gallery to the new model where it is better on things that it did not learn
    from; the upgrade can be taken back, but no longer one before it.
    Raises GalleryError where the gallery or its model cannot serve, and what `train` raises.
    """
    require_learning("tuning a model")
    if shares_with_others():
        raise UsageError("tuning to a gallery runs in one process; start it without torchrun")
    from firstsight.learning.recipes.tuning import batches_within, tuning_recipe
    from firstsight.learning.training.run import Start
    from firstsight.learning.training.run import train as run
    from firstsight.recognition.recognizer import Recognizer

    console = console or Console(stderr=True)
    with Recognizer.open_existing(gallery, read_only=True) as recognizer:
        old = recognizer.embedder
        place = _place_of_weights(recognizer, gallery)
        recipe = tuning_recipe(old.info.recipe, data=_PREFIX + gallery, overrides=overrides)
        lesson = _read(recognizer, console)
    learned = lesson.learned
    recipe = batches_within(recipe, n_pictures=len(learned), n_classes=learned.n_classes)
    folder = Path(out) if out else free_folder(recipe.name)
    done = run(recipe, learned, folder, console=console, start=Start.at(place))
    return _concluded(gallery, done, old, lesson, adopt=adopt, console=console)


def resume(folder: str | Path, *, adopt: bool = True, console: Console | None = None) -> Tuned:
    """Carry on the tuning in `folder`, and judge and adopt as `tune` does.

    Raises CheckpointError where its gallery's pictures or its model changed meanwhile.
    """
    require_learning("tuning a model")
    from firstsight.learning.training.run import read_recipe, read_start
    from firstsight.learning.training.run import resume as run
    from firstsight.recognition.recognizer import Recognizer

    console = console or Console(stderr=True)
    gallery = read_recipe(Path(folder)).data.train.removeprefix(_PREFIX)
    start = read_start(Path(folder))
    with Recognizer.open_existing(gallery, read_only=True) as recognizer:
        old = recognizer.embedder
        if start is None or start.fingerprint != old.info.fingerprint:
            raise GalleryError(
                f"the gallery {gallery!r} is of the model {old.info.name} now, and not of the one "
                f"that the tuning in {folder} began with; tune anew"
            )
        lesson = _read(recognizer, console)
    done = run(Path(folder), lesson.learned, recipe=None, console=console)
    return _concluded(gallery, done, old, lesson, adopt=adopt, console=console)


def is_tuning(folder: Path) -> bool:
    """Whether the training in `folder` is a gallery's. CheckpointError where there is none."""
    require_learning("training a network")
    from firstsight.learning.training.run import read_start

    return read_start(folder) is not None


def _place_of_weights(recognizer: Recognizer, gallery: str) -> Path:
    """The folder of the gallery's model; GalleryError where it cannot be trained further."""
    from firstsight.learning.recipes.schema import parse_recipe
    from firstsight.learning.recipes.schema.network import ImageNetNetwork
    from firstsight.model.folder import TENSORS, resolve_model

    place, info = resolve_model(recognizer.gallery.info.model.place), recognizer.embedder.info
    try:
        recipe = parse_recipe(info.recipe, origin="what it says of its making")
    except RecipeError as trouble:
        raise GalleryError(_remedy(gallery, f"has no recipe to go on by ({trouble})")) from trouble
    elsewhere = isinstance(recipe.network, ImageNetNetwork) or "published" in info.made_by
    if not ((place / TENSORS).exists() or elsewhere):  # see Start
        raise GalleryError(_remedy(gallery, f"came without {TENSORS}, its weights to train on"))
    return place


def _read(recognizer: Recognizer, console: Console) -> Lesson:
    from firstsight.app.lessons import read_lesson

    lesson = read_lesson(recognizer.gallery, recognizer.embedder.info.preprocessing, console)
    n_held, n_things = int(lesson.held.sum()), lesson.things.n_classes
    left = f"; left out {lesson.n_left_out} with a single picture" if lesson.n_left_out else ""
    say(
        console,
        f"learning from {n_things - n_held} things and {lesson.n_verdicts} judged pictures; "
        f"{n_held} things, with all their pictures, are held out to judge by{left}",
    )
    return lesson


def _remedy(gallery: str, trouble: str) -> str:
    return (
        f"the model of the gallery {gallery!r} {trouble}; train one that can be tuned "
        "(firstsight train photos --data FOLDER, or firstsight train compact for characters), and "
        f"move the gallery to it: firstsight upgrade --gallery {gallery} --model RUN/model --switch"
    )


def _concluded(
    gallery: str, run: Run, old: Embedder, lesson: Lesson, *, adopt: bool, console: Console
) -> Tuned:
    from firstsight.learning.training.run import read_start

    if run.ended == "stopped":
        return Tuned(gallery, run, None, False, "stopped before its end, and nothing was judged")
    if (start := read_start(run.folder)) is not None:
        crowd_alike(run.model, start.model)
    say(console, "asking both models about the things held out")
    judged = _judge(run.model, old, lesson, console)
    if not judged.improves:
        told = "not adopted: things that were held out are not recognised better beyond doubt"
    elif not adopt:
        told = f"not adopted, as asked; firstsight upgrade --model {run.model} --switch does"
    else:
        return Tuned(gallery, run, judged, *_adopted(gallery, run.model, console))
    return Tuned(gallery, run, judged, False, told)


def _judge(model: Path, old: Embedder, lesson: Lesson, console: Console) -> Judged:
    """Compare the two models on the things held out."""
    from firstsight.evaluation.paired import Embedded, compare_one_shot
    from firstsight.model.embedder import load

    new, things, held_out = load(model), lesson.things, lesson.held_out
    rows = lesson.held[things.labels]
    before, after = (
        Embedded(each.embed_pixels(things.pixels), each.info.head) for each in (old, new)
    )
    few_before, few_after = (Embedded(each.embeddings[rows], each.head) for each in (before, after))
    if old.info.calibration is not None:
        _calibrate(model, few_after, held_out, console)
    return Judged(
        among_all=compare_one_shot(things, lesson.held, before, after),
        among_held=compare_one_shot(held_out, lesson.held[lesson.held], few_before, few_after),
    )


def _calibrate(model: Path, held_out: Embedded, pictures: PackedPictures, console: Console) -> None:
    """As the old model was calibrated, so must be the new one, on things that it never saw."""
    from firstsight.deciding.fitting import HeldOut, fit_calibrated
    from firstsight.model.folder import set_calibration

    fitted_on = {"data": pictures.name, "data_fingerprint": pictures.fingerprint}
    try:
        part = HeldOut(held_out.embeddings, pictures.labels)
        calibrated = fit_calibrated(held_out.head, [part], fitted_on=fitted_on)
    except DataError as trouble:
        say(console, f"the new model is not calibrated as the old one is: {trouble}")
    else:
        set_calibration(model, calibrated.to_json())


def _adopted(gallery: str, model: Path, console: Console) -> tuple[bool, str]:
    """Move the gallery to the model, unless answers would get worse; and what to say of it."""
    from firstsight.app import upgrading

    proof = upgrading.prepare(gallery, str(model), console=console, gives_up_former=True)
    if proof.loses_nothing:
        upgrading.switch(gallery, str(model))
        return True, f"adopted; 'firstsight upgrade --gallery {gallery} --back' goes back"
    upgrading.drop(gallery)
    return False, (
        "not adopted: it tells held-out things apart better, but the gallery's answers would lose; "
        f"see: firstsight upgrade --gallery {gallery} --model {model}"
    )
