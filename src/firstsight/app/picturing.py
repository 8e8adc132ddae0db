"""Use case: draw an answer, a search, a thing, or why something matched."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from rich.console import Console

from firstsight.app.recognising import progress_of
from firstsight.images.reading import Reading, read_picture

if TYPE_CHECKING:
    from PIL import Image

    from firstsight.drawing.lookalikes import Alike, Question
    from firstsight.drawing.why import Agreed, Matched
    from firstsight.gallery.gallery import Gallery
    from firstsight.images.preprocess import Preprocessing
    from firstsight.model.embedder import Embedder
    from firstsight.recognition.answers import Answer, Match
    from firstsight.recognition.recognizer import Recognizer

_DRAWN_SIDE = 384
_AT_ONCE = 8  # pictures, which a network of photographs embeds in half a second

__all__ = ["draw_answers", "draw_matches", "draw_thing", "explain"]


def draw_answers(
    recognizer: Recognizer, answers: Sequence[Answer], *, to: Path | None, in_terminal: bool
) -> None:
    """Each asked picture, what was decided, and the two things that came nearest."""
    from firstsight.drawing.lookalikes import answer_sheet

    gallery = recognizer.gallery
    questions = [_question(gallery, answer) for answer in answers]
    _put(questions, lambda: answer_sheet(questions), to, in_terminal)


def draw_matches(
    recognizer: Recognizer,
    asked: Reading,
    matches: Sequence[Match],
    *,
    one_per_thing: bool,
    truth: str | None = None,
    to: Path | None,
    in_terminal: bool,
) -> None:
    """The asked picture and those found most alike; framed by `truth`, where it is known."""
    from firstsight.drawing.lookalikes import Alike, Question, search_sheet

    alike = [
        Alike(each.thing, _kept(recognizer.gallery, each.photo), each.distance, each.probability)
        for each in matches
    ]
    questions = [Question(asked.image(), Path(asked.name).name, alike)]
    sheet = partial(search_sheet, questions, one_a_thing=one_per_thing, truth=truth)
    _put(questions, sheet, to, in_terminal)


def draw_thing(gallery: Gallery, name: str, *, to: Path) -> None:
    """All photos of a thing."""
    from firstsight.drawing.lookalikes import gallery_sheet
    from firstsight.drawing.sheet import save_sheet

    thing = gallery.thing(name)
    photos = [_kept(gallery, photo.id) for photo in gallery.photos(name)]
    save_sheet(gallery_sheet([(thing.name, photos)], title=thing.name, subtitle=thing.notes), to)


def explain(
    recognizer: Recognizer, asked: Reading, answer: Answer, *, shows_progress: bool = False
) -> Matched:
    """What made the asked picture match its nearest thing, and what speaks for the runner-up.

    By the nearest photo of each.
    """
    from firstsight.drawing.why import Matched
    from firstsight.model.occlusion import MOST_WINDOWS, explain_match

    gallery, embedder = recognizer.gallery, recognizer.embedder
    seen = embedder.info.preprocessing
    nearest, rival = answer.nearest, answer.runner_up
    enrolled = _kept(gallery, nearest.photo)
    pixels = None
    if enrolled is not None:
        pixels = read_picture(enrolled).pixels(seen)
    n_hidden = MOST_WINDOWS * (1 if pixels is None else 2) if shows_progress else 0
    with progress_of("hiding parts", n_hidden) as advance:
        why = explain_match(
            _Watched(embedder, advance),
            asked.pixels(seen),
            recognizer.vector_of(nearest.photo),
            rival=None if rival is None else recognizer.vector_of(rival.photo),
            enrolled=pixels,
        )
    return Matched(
        why=why,
        asked=_as_seen(asked.image(), seen),
        name=nearest.thing,
        enrolled=None if enrolled is None else _as_seen(enrolled, seen),
        rival=None if rival is None else _kept(gallery, rival.photo),
        rival_name=None if rival is None else rival.thing,
        # Another rule's distance is not the one to this photo.
        limit=answer.threshold if answer.estimate.rule == "best" else None,
        fit="squash" if seen.fit == "ink" else seen.fit,
        agreed=None if enrolled is None else _agreed(asked, enrolled, nearest.nearer),
    )


def _agreed(asked: Reading, enrolled: Image.Image, nearer: float) -> Agreed | None:
    """What a second look found, where it brought the pictures nearer."""
    from firstsight.drawing.why import Agreed
    from firstsight.keypoints import agreeing, find_keypoints

    if not nearer:
        return None
    one, other = find_keypoints(asked.image()), find_keypoints(enrolled)
    agreement = agreeing(one, other)
    order = np.argsort(-agreement.middle, kind="stable")
    rows, columns = agreement.first[order], agreement.second[order]
    return Agreed(one.at[rows], other.at[columns], nearer)


@dataclass(frozen=True, eq=False)
class _Watched:
    """An embedder that tells of each picture it embeds."""

    embedder: Embedder
    advance: Callable[[], object]

    def embed_pixels(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        blocks = []
        for start in range(0, len(pixels), _AT_ONCE):
            blocks.append(self.embedder.embed_pixels(pixels[start : start + _AT_ONCE]))
            for _ in blocks[-1]:
                self.advance()
        return np.concatenate(blocks)

    def distance(
        self, a: npt.NDArray[np.float32], b: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        return self.embedder.distance(a, b)


def _as_seen(image: Image.Image, seen: Preprocessing) -> Image.Image:
    """A drawing in the frame that the model sees it in, so that the map lies rightly on it."""
    if seen.fit != "ink":
        return image
    from PIL.Image import Resampling

    from firstsight.images.ink import framed

    return framed(image.convert("L"), _DRAWN_SIDE, Resampling.BICUBIC, 3.0)


def _question(gallery: Gallery, answer: Answer) -> Question:
    from firstsight.drawing.lookalikes import Alike, Question

    rivals = [each for each in (answer.nearest, answer.runner_up) if each is not None]
    alike: list[Alike] = [
        Alike(each.thing, _kept(gallery, each.photo), each.distance) for each in rivals
    ]
    return Question(
        answer.asked.image(),
        Path(answer.picture).name,  # a sheet has no room for a path
        alike,
        decision=answer.decision,
        thing=answer.thing,
        probability=answer.probability,
    )


def _kept(gallery: Gallery, photo: int) -> Image.Image | None:
    encoded = gallery.picture(photo)
    return None if encoded is None else read_picture(encoded).image()


def _put(
    questions: Sequence[Question],
    draw: Callable[[], Image.Image],
    to: Path | None,
    in_terminal: bool,
) -> None:
    if in_terminal:
        from firstsight.drawing.terminal import TerminalStrip

        Console(file=sys.stderr, highlight=False).print(TerminalStrip(questions))
    if to is not None:
        from firstsight.drawing.sheet import save_sheet

        save_sheet(draw(), to)
