"""`firstsight enroll`, `identify`, `verify`, `search`, `confirm`, `deny`."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstsight.app import recognising
from firstsight.app.cli.speaking import print_json
from firstsight.app.cli.telling import (
    RATES_OF_THE_FIRST,
    answer_line,
    comparison_line,
    enrollment_line,
    estimate_lines,
    match_line,
)
from firstsight.app.remarks import remark
from firstsight.errors import FirstsightError, UsageError

__all__ = ["Asking", "confirm", "deny", "enroll", "identify", "search", "verify", "why"]


@dataclass(frozen=True)
class Asking:
    """What every question has in common.

    crop: "left,top,right,bottom" in pixels. false_accepts: share of strangers that may get a name.
    closed_set: every picture shows one of the things. second_look: see `Policy`.
    """

    gallery: str
    model: str | None = None
    false_accepts: float = 0.01
    crop: str | None = None
    max_mib: float = 50
    max_megapixels: float = 200
    closed_set: bool = False
    second_look: bool = True

    @property
    def policy(self):  # type: ignore[no-untyped-def]
        from firstsight.images.decode import DecodeLimits
        from firstsight.recognition.recognizer import Policy

        limits = DecodeLimits(
            max_bytes=int(self.max_mib * 2**20), max_pixels=int(self.max_megapixels * 1e6)
        )
        return Policy(self.false_accepts, limits, self.closed_set, self.second_look)

    @property
    def box(self) -> tuple[int, int, int, int] | None:
        if self.crop is None:
            return None
        try:
            left, top, right, bottom = (int(each) for each in self.crop.split(","))
        except ValueError:
            raise UsageError(
                f"--crop is {self.crop!r}; give left,top,right,bottom in pixels, as 10,20,200,180"
            ) from None
        return left, top, right, bottom

    def open(self, *, read_only: bool = False):  # type: ignore[no-untyped-def]
        from firstsight.recognition.recognizer import Recognizer

        return Recognizer.open_existing(
            self.gallery, model=self.model, policy=self.policy, read_only=read_only
        )


def enroll(
    what: str,
    pictures: list[str],
    asking: Asking,
    *,
    keeps_pictures: bool,
    careful: bool,
    all_or_nothing: bool,
    check: bool,
    as_json: bool,
) -> None:
    entries = _entries(what, pictures, asking.gallery)
    box = asking.box
    with recognising.open_or_make(
        asking.gallery, model=asking.model, policy=asking.policy, keeps_pictures=keeps_pictures
    ) as recognizer:
        results, told = [], None
        for result in recognising.enroll(
            recognizer,
            entries,
            crop=box,
            careful=careful,
            partial=not all_or_nothing,
            keep=not check,
        ):
            results.append(result)
            for sentence in result.advice:
                remark(f"{result.picture}: {sentence}")
            if result.trouble and result.trouble != told:  # of all that were left out, once
                remark(result.trouble)
            told = result.trouble
            _put(result.to_json() if as_json else enrollment_line(result))
    failed = [each for each in results if not each.done and each.status != "checked"]
    if failed:
        were = "would not be" if check else "were not"
        raise FirstsightError(f"{len(failed)} of {len(results)} pictures {were} enrolled")


def _entries(what: str, pictures: list[str], gallery: str) -> list[tuple[Any, str]]:
    from firstsight.gallery.names import thing_name
    from firstsight.gallery.places import gallery_option, gallery_place
    from firstsight.images.listing import PICTURE_EXTENSIONS, list_pictures

    if pictures:
        if Path(what).suffix.lower() in PICTURE_EXTENSIONS and Path(what).is_file():
            raise UsageError(
                f"{what} is a picture where the thing's name was wanted; give a name first, then "
                "its pictures, or a folder"
            )
        if _is_one_of_folders(what, pictures):
            raise UsageError(
                f"{what} is a folder where the thing's name was wanted; to enroll several folders, "
                "each under its own name, give the one that holds them: firstsight enroll "
                f"{shlex.quote(str(Path(what).parent))}{gallery_option(gallery_place(gallery))}"
            )
        name = thing_name(what)
        return [(picture, name) for picture in recognising.listed(pictures)]
    if not what:
        raise UsageError("the name is empty; give a name and at least one picture, or a folder")
    if not Path(what).is_dir():
        raise UsageError(
            f"{what!r} is no folder; give a name and at least one picture, or a folder with one "
            "sub-folder a thing (or one picture a thing)"
        )
    return list(list_pictures(Path(what)))


def _is_one_of_folders(what: str, pictures: list[str]) -> bool:
    """Whether a shell made all of them of one pattern: my/* is my/banana my/cake my/grape.

    A folder in the working folder may have a thing's name by chance, and one other hold its photos.
    """
    folder = Path(what)
    if not folder.is_dir():
        return False
    beside = [
        path for path in map(Path, pictures) if path.parent == folder.parent and path != folder
    ]
    return bool(beside) if what != folder.name else sum(path.is_dir() for path in beside) > 1


def identify(
    pictures: list[str], asking: Asking, *, sheet: Path | None, show: bool, as_json: bool
) -> None:
    listed, troubles = recognising.readable(pictures)
    box = asking.box
    if sheet is not None:
        from firstsight.drawing.sheet import require_place

        require_place(sheet, listed)
    n_unreadable, n_unknown, looked_again = 0, 0, False
    with asking.open() as recognizer:
        estimate, drawn = None, []
        for answer in recognising.identify(recognizer, listed, crop=box):
            if hasattr(answer, "trouble"):
                n_unreadable += 1
                remark(answer.trouble)
            else:
                estimate = answer.estimate
                n_unknown += answer.decision == "unknown"
                looked_again |= answer.nearest.agreeing is not None
                if sheet or show:
                    drawn.append(answer)
            _put(answer.to_json() if as_json else answer_line(answer))
        if estimate is not None and not as_json:
            for sentence in estimate_lines(estimate, closed_set=asking.closed_set):
                remark(sentence)
            if looked_again and not asking.closed_set:
                remark(RATES_OF_THE_FIRST)
            if n_unknown and not asking.closed_set:
                remark("if every picture shows one of the things, say so: --closed-set")
        if drawn:
            from firstsight.app.picturing import draw_answers

            draw_answers(recognizer, drawn, to=sheet, in_terminal=show)
    if n_unreadable:
        troubles.append(f"{n_unreadable} of {len(listed)} pictures could not be read")
    if troubles:
        raise FirstsightError("; ".join(troubles))


def verify(
    a: str,
    b: str,
    asking: Asking,
    *,
    false_matches: float | None,
    gallery_model: bool,
    as_json: bool,
) -> None:
    from firstsight.recognition.comparing import DEFAULT_MODEL, verify

    if a == b == "-":
        raise UsageError("standard input can be one of the two pictures, not both")
    first, second = recognising.one(a), recognising.one(b)
    if gallery_model:
        with asking.open(read_only=True) as recognizer:
            compared = recognizer.verify(first, second, false_matches=false_matches)
    else:
        compared = verify(
            first,
            second,
            model=asking.model or DEFAULT_MODEL,
            false_matches=false_matches,
            limits=asking.policy.limits,
            second_look=asking.second_look,
        )
    if as_json:
        print_json(compared.to_json())
    else:
        print(comparison_line(compared))  # noqa: T201


def search(
    picture: str,
    asking: Asking,
    *,
    k: int,
    one_per_thing: bool,
    truth: str | None,
    sheet: Path | None,
    show: bool,
    as_json: bool,
) -> None:
    box, wanted = asking.box, recognising.one(picture)
    if sheet is not None:
        from firstsight.drawing.sheet import require_place

        require_place(sheet, [wanted])
    with asking.open() as recognizer:
        if truth is not None:
            truth = recognizer.gallery.thing(truth).name
        asked = recognizer.read(wanted, crop=box)
        matches = recognizer.search(asked, k, one_per_thing=one_per_thing)
        if as_json:
            print_json([match.to_json() for match in matches])
        else:
            _put_lines(match_line(match) for match in matches)
        if sheet or show:
            from firstsight.app.picturing import draw_matches

            draw_matches(
                recognizer,
                asked,
                matches,
                one_per_thing=one_per_thing,
                truth=truth,
                to=sheet,
                in_terminal=show,
            )


def why(picture: str, asking: Asking, *, to: Path, as_json: bool) -> None:
    from firstsight.app.picturing import explain
    from firstsight.drawing.sheet import require_place, save_sheet
    from firstsight.drawing.why import why_sentence, why_sheet

    wanted = recognising.one(picture)
    require_place(to, [wanted])
    box = asking.box
    with asking.open() as recognizer:
        asked = recognizer.read(wanted, crop=box)
        answer = recognizer.identify(asked)
        match = explain(recognizer, asked, answer, shows_progress=True)
    save_sheet(why_sheet(match), to)
    if as_json:
        print_json({"answer": answer.to_json(), "why": why_sentence(match), "sheet": str(to)})
    else:
        _put(answer_line(answer))
        _put(why_sentence(match))
        remark(f"drawn: {to}")


def confirm(picture: str, asking: Asking, *, as_json: bool) -> None:
    with asking.open() as recognizer:
        answer = recognizer.identify(recognising.one(picture), crop=asking.box)
        number = recognizer.confirm(answer)
        _told(recognizer, number, f"right: it is {answer.nearest.thing!r}", as_json=as_json)


def deny(picture: str, truth: str | None, asking: Asking, *, as_json: bool) -> None:
    with asking.open() as recognizer:
        answer = recognizer.identify(recognising.one(picture), crop=asking.box)
        number = recognizer.deny(answer, truth)
        what = f"it is {truth!r}" if truth else "it is none of them"
        said = "unknown" if answer.thing is None else repr(answer.thing)
        word = "right" if answer.thing is None and truth is None else f"not {said}"
        _told(recognizer, number, f"{word}: {what}", as_json=as_json)


def _told(recognizer: Any, number: int, sentence: str, *, as_json: bool) -> None:
    """What a verdict was, and what it did to the threshold."""
    recognizer.settle()
    estimate = recognizer.estimate()
    if as_json:
        print_json({"verdict": number, "estimate": estimate.to_json()})
        return
    print(f"noted as verdict {number}: {sentence}")  # noqa: T201
    for line in estimate_lines(estimate):
        remark(line)


def _put(value: dict[str, Any] | str) -> None:
    """One line, now: whoever reads a pipe should not wait for the last picture."""
    line = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _put_lines(lines: Iterable[str]) -> None:
    for line in lines:
        _put(line)
