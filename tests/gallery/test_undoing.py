from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from firstsight.errors import GalleryError, NotInGallery, UsageError
from firstsight.gallery import history
from firstsight.gallery.gallery import Gallery

from .stores import MODEL, OTHER_MODEL, bytes_of, created, everything, held, photo, verdict


@pytest.mark.parametrize(
    ("change", "verb"),
    [
        (lambda g: g.enroll([("mug", photo(8)), ("new", photo(9))]), "enroll"),
        (lambda g: g.describe("mug", notes="x", tags=["y"]), "describe"),
        (lambda g: g.rename("mug", "x"), "rename"),
        (lambda g: g.move(1, "cup"), "move"),
        (lambda g: g.move(1, "new"), "move"),
        (lambda g: g.merge("mug", into="cup"), "merge"),
        (lambda g: g.remove("mug"), "remove"),
        (lambda g: g.remove_photo(1), "remove"),
        (lambda g: g.record(verdict("wrong", "mug", None)), "verdict"),
        (lambda g: g.withdraw(1), "withdraw"),
    ],
)
def test_each_change_is_one_step_and_undone_is_as_before(
    tmp_path: Path, change: Callable[[Gallery], object], verb: str
) -> None:
    with created(tmp_path / "g", mug=[1, 2], cup=[3]) as gallery:
        gallery.record(verdict("right", "mug", "mug"))
        before, steps, generation = everything(gallery), gallery.steps(), gallery.generation
        change(gallery)
        assert everything(gallery) != before
        assert [step.verb for step in gallery.steps()] == [verb, "verdict", "enroll"]
        (undone,) = gallery.undo()
        assert undone.verb == verb
        assert (everything(gallery), gallery.steps()) == (before, steps)
        assert gallery.generation == generation + 2
        assert gallery.check() == []


def test_unmerging_is_undone_too(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1, 2], cup=[3]) as gallery:
        gallery.record(verdict("other", "mug", "cup"))
        apart = everything(gallery)
        gallery.merge("cup", into="mug")
        merged = everything(gallery)
        gallery.unmerge("cup")
        assert everything(gallery) == apart
        gallery.undo()
        assert everything(gallery) == merged
        gallery.unmerge("cup")
        gallery.undo(2)
        assert everything(gallery) == apart


def test_several_are_undone_at_once_and_no_more_than_there_are(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.rename("mug", "cup")
        gallery.rename("cup", "pot")
        assert [step.told for step in gallery.undo(2)] == [
            "renamed 'cup' to 'pot'",
            "renamed 'mug' to 'cup'",
        ]
        assert held(gallery) == {"mug": [1]}
        assert len(gallery.undo(5)) == 1
        assert gallery.counts() == (0, 0)
        with pytest.raises(NotInGallery, match="nothing to undo"):
            gallery.undo()
        with pytest.raises(UsageError, match="-1 steps"):
            gallery.undo(-1)


def test_what_was_undone_leaves_no_rows(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        gallery.record(verdict("right", "mug", "mug"))
        gallery.undo(2)
        with sqlite3.connect(gallery.place / "gallery.sqlite") as raw:
            for table in ("thing", "photo", "vector", "verdict", "step", "effect"):
                assert raw.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,), table
        raw.close()


def test_ids_are_never_given_out_again(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1, 2]) as gallery:
        gallery.undo()
        gallery.enroll([("mug", photo(3))])
        assert [seen.id for seen in gallery.photos()] == [3]


def test_steps_older_than_the_last_thousand_are_dropped_with_what_only_they_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert history.MOST_STEPS == 1000
    monkeypatch.setattr(history, "MOST_STEPS", 3)
    with created(tmp_path / "g", mug=[1, 2], cup=[3]) as gallery:
        gallery.remove("mug")
        for notes in ("a", "b", "c"):
            gallery.describe("cup", notes=notes)
        assert [step.verb for step in gallery.steps()] == ["describe"] * 3
        assert gallery.check() == []
        with sqlite3.connect(gallery.place / "gallery.sqlite") as raw:
            assert raw.execute("SELECT name FROM thing").fetchall() == [("cup",)]
            assert raw.execute("SELECT id FROM photo").fetchall() == [(3,)]
            assert raw.execute("SELECT count(*) FROM vector").fetchone() == (1,)
        raw.close()
        assert len(gallery.undo(9)) == 3
        assert held(gallery) == {"cup": [3]}
        gallery.merge("cup", into=_enrolled(gallery, "pot", 5))
        for notes in ("a", "b", "c"):
            gallery.describe("pot", notes=notes)
        with pytest.raises(NotInGallery, match="lately"):
            gallery.unmerge("cup")


def _enrolled(gallery: Gallery, name: str, number: int) -> str:
    gallery.enroll([(name, photo(number))])
    return name


def test_what_needs_something_forgotten_is_not_undone_by_half(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1], pot=[2]) as gallery:
        gallery.enroll([("cup", photo(3))])
        gallery.move(2, "mug")
        gallery.move(2, "cup")
        gallery.describe("cup", notes="x")
        gallery.forget("mug")
        # Photo 2 cannot go back to the mug, so the cup that it is in cannot be un-enrolled.
        assert [step.verb for step in gallery.steps()] == ["describe", "enroll", "enroll"]
        before = everything(gallery)
        with pytest.raises(GalleryError, match="'enrolled 1 photo of 'cup'' cannot be undone"):
            gallery.undo(3)
        assert everything(gallery) == before
        assert gallery.check() == []
        assert len(gallery.undo()) == 1


def test_a_photo_without_a_vector_of_the_model_in_force_is_not_brought_back(
    tmp_path: Path,
) -> None:
    with created(tmp_path / "g", mug=[1, 2]) as gallery:
        gallery.remove_photo(2)
        gallery.stage(OTHER_MODEL, {1: [0.0] * OTHER_MODEL.embedding_size})  # type: ignore[dict-item]
        gallery.switch()
        with pytest.raises(GalleryError, match="embedded by another model, since"):
            gallery.undo()
        gallery.switch()
        gallery.undo()
        assert held(gallery) == {"mug": [1, 2]}


def test_a_step_of_a_foreign_file_cannot_change_other_tables(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1]) as gallery:
        with sqlite3.connect(gallery.place / "gallery.sqlite") as raw:
            raw.execute("UPDATE effect SET kind = 'gallery', field = 'name', row_id = 1")
        raw.close()
        with pytest.raises(GalleryError, match="a step changed 'name' of 'gallery'"):
            gallery.undo()
        assert gallery.info.name == "test"


NAMES = st.sampled_from(["mug", "cup", "pot", "pan"])
NUMBERS = st.integers(0, 7)


def test_only_the_last_steps_are_undone_by_their_numbers(tmp_path: Path) -> None:
    with created(tmp_path / "g", mug=[1], cup=[2]) as gallery:
        number = gallery.record(verdict("wrong", "mug", None))
        (new,) = gallery.enroll([("bowl", photo(3))])
        (judged,) = gallery.steps_that_made(verdicts=[number])
        (enrolled,) = gallery.steps_that_made(photos=[new.photo])
        assert gallery.steps_that_made(photos=[new.photo], verdicts=[number]) == [judged, enrolled]
        with pytest.raises(GalleryError, match="done since: enrolled 1 photo of 'bowl'"):
            gallery.undo_these([judged])
        assert len(gallery.verdicts()) == 1
        assert [step.id for step in gallery.undo_these([judged, enrolled])] == [enrolled, judged]
        for gone in ([judged], []):
            with pytest.raises(NotInGallery, match="taken back already"):
                gallery.undo_these(gone)
        assert (held(gallery), gallery.verdicts()) == ({"mug": [1], "cup": [2]}, [])


def test_changes_made_together_are_kept_or_left_together(tmp_path: Path) -> None:
    def rename(*pairs: tuple[str, str]) -> None:
        with gallery.together():
            for old, new in pairs:
                gallery.rename(old, new)

    with created(tmp_path / "g", mug=[1], cup=[2]) as gallery:
        with pytest.raises(NotInGallery):
            rename(("mug", "bowl"), ("nothing", "x"))
        assert set(held(gallery)) == {"mug", "cup"}
        rename(("mug", "bowl"), ("cup", "jar"))
        assert set(held(gallery)) == {"bowl", "jar"}
        with gallery.together():
            gallery.forget("bowl")
        assert b"bowl" not in bytes_of(tmp_path / "g")


class AnyChanges(RuleBasedStateMachine):
    """Whatever is done, undoing the last steps gives exactly what was there before them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.gallery = Gallery.create(self.folder / "g", name="g", model=MODEL)
        self.seen = [everything(self.gallery)]

    def teardown(self) -> None:
        self.gallery.undo(len(self.seen) - 1) if len(self.seen) > 1 else None
        assert everything(self.gallery) == self.seen[0]
        assert self.gallery.check() == []
        self.gallery.close()
        shutil.rmtree(self.folder)

    def _try(self, change: Callable[[], Any]) -> None:
        """A refused change changes nothing; another is one step, or none where it is empty."""
        before, n_steps = everything(self.gallery), len(self.gallery.steps(1000))
        try:
            change()
        except (GalleryError, UsageError):
            assert everything(self.gallery) == before
        n_more = len(self.gallery.steps(1000)) - n_steps
        assert n_more == (everything(self.gallery) != before)
        if n_more:
            self.seen.append(everything(self.gallery))

    @rule(entries=st.lists(st.tuples(NAMES, NUMBERS), min_size=1, max_size=4))
    def enroll(self, entries: list[tuple[str, int]]) -> None:
        self._try(lambda: self.gallery.enroll([(name, photo(n)) for name, n in entries]))

    @rule(old=NAMES, new=NAMES)
    def rename(self, old: str, new: str) -> None:
        self._try(lambda: self.gallery.rename(old, new))

    @rule(name=NAMES, into=NAMES)
    def merge(self, name: str, into: str) -> None:
        self._try(lambda: self.gallery.merge(name, into=into))

    @rule(name=NAMES)
    def unmerge(self, name: str) -> None:
        self._try(lambda: self.gallery.unmerge(name))

    @rule(which=NUMBERS, to=NAMES)
    def move(self, which: int, to: str) -> None:
        ids = [seen.id for seen in self.gallery.photos()]
        self._try(lambda: self.gallery.move(ids[which % len(ids)] if ids else 99, to))

    @rule(which=NUMBERS)
    def remove_photo(self, which: int) -> None:
        ids = [seen.id for seen in self.gallery.photos()]
        self._try(lambda: self.gallery.remove_photo(ids[which % len(ids)] if ids else 99))

    @rule(name=NAMES)
    def remove(self, name: str) -> None:
        self._try(lambda: self.gallery.remove(name))

    @rule(named=NAMES, truth=NAMES)
    def record(self, named: str, truth: str) -> None:
        kind = "right" if named == truth else "other"
        self._try(lambda: self.gallery.record(verdict(kind, named, truth)))  # type: ignore[arg-type]

    @rule(which=NUMBERS)
    def withdraw(self, which: int) -> None:
        ids = [kept.id for kept in self.gallery.verdicts()]
        self._try(lambda: self.gallery.withdraw(ids[which % len(ids)] if ids else 99))

    @precondition(lambda self: len(self.seen) > 1)
    @rule(n=st.integers(1, 4))
    def undo(self, n: int) -> None:
        n = min(n, len(self.seen) - 1)
        assert len(self.gallery.undo(n)) == n
        del self.seen[-n:]
        assert everything(self.gallery) == self.seen[-1]

    @invariant()
    def is_whole(self) -> None:
        assert self.gallery.check() == []


class AnyChangesAndForgetting(AnyChanges):
    """After a forget, undoing gives a whole gallery without what was forgotten, or refuses."""

    def teardown(self) -> None:
        self.gallery.close()
        shutil.rmtree(self.folder)

    @rule(name=NAMES)
    def forget(self, name: str) -> None:
        try:
            self.gallery.forget(name)
        except NotInGallery:
            return
        assert name not in held(self.gallery)
        assert not any(f"'{name}'" in step.told for step in self.gallery.steps(1000))

    @precondition(lambda self: len(self.seen) > 1)
    @rule(n=st.integers(1, 4))
    def undo(self, n: int) -> None:
        before = everything(self.gallery)
        try:
            self.gallery.undo(n)
        except GalleryError:
            assert everything(self.gallery) == before


_OFTEN = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestAnyChanges = AnyChanges.TestCase
TestAnyChanges.settings = _OFTEN
TestAnyChangesAndForgetting = AnyChangesAndForgetting.TestCase
TestAnyChangesAndForgetting.settings = _OFTEN
