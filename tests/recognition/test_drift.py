"""When a large gallery is another: a few numbers of it tell, and then thresholds are made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firstsight.gallery.records import NewPhoto, PhotoVectors
from firstsight.recognition.drift import KEPT, drift, sketch
from firstsight.recognition.recognizer import Recognizer

N_THINGS, EACH = 420, 5  # more photos than are always estimated anew


def photos_of(pairs: list[tuple[int, int]]) -> PhotoVectors:
    """Of (thing, photo) pairs."""
    ordered = np.array(sorted(pairs))
    things, starts = np.unique(ordered[:, 0], return_index=True)
    vectors = np.zeros((len(ordered), 1), np.float32)
    return PhotoVectors(ordered[:, 1], vectors, things, starts.astype(np.int64))


def test_small_galleries_are_told_exactly() -> None:
    before = [(thing, 10 * thing + photo) for thing in range(10) for photo in range(9)]
    assert drift(sketch(photos_of(before)), sketch(photos_of(before))) == 0
    # Nine photos of ninety moved.
    moved = [(3 if thing == 4 else thing, photo) for thing, photo in before]
    assert drift(sketch(photos_of(before)), sketch(photos_of(moved))) == pytest.approx(9 / 90)
    # Ten came.
    more = [*before, *((11, 200 + photo) for photo in range(10))]
    assert drift(sketch(photos_of(before)), sketch(photos_of(more))) == pytest.approx(10 / 100)
    others = [(thing + 100, photo + 1000) for thing, photo in before]
    assert drift(sketch(photos_of(before)), sketch(photos_of(others))) == 1


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_of_large_ones_a_few_photos_tell(share: float) -> None:
    before = [(photo // 7, photo) for photo in range(50_000)]
    n_more = round(50_000 * share)
    more = [*before, *((9_000 + photo, 60_000 + photo) for photo in range(n_more))]
    kept = sketch(photos_of(before))
    assert len(kept) == KEPT
    moved = [(thing + 1 if photo < n_more else thing, photo) for thing, photo in before]
    exact = n_more / (50_000 + n_more)
    # Four standard deviations of a share among KEPT photos.
    spread = 4 * (exact * (1 - exact) / KEPT) ** 0.5
    assert drift(kept, sketch(photos_of(more))) == pytest.approx(exact, abs=spread)
    assert drift(kept, sketch(photos_of(moved))) == pytest.approx(share, abs=1.2 * spread)


def fill(recognizer: Recognizer, name: str, common: float) -> None:
    """Things whose vectors have a direction in common, which makes them lie closer together."""
    rng = np.random.default_rng(0)
    size = recognizer.gallery.info.model.embedding_size
    directions = rng.normal(size=(N_THINGS + 1, size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    centres = common * directions[0] + (1 - common) * directions[1:]
    recognizer.gallery.enroll(
        [
            (
                f"{name} {thing}",
                NewPhoto(
                    digest=f"{name} {thing} {photo}",
                    source="a camera",
                    width_px=1,
                    height_px=1,
                    vector=(centre + 0.001 * rng.normal(size=size)).astype(np.float32),
                    kept=None,
                ),
            )
            for thing, centre in enumerate(centres)
            for photo in range(EACH)
        ]
    )


def test_thresholds_of_a_large_gallery_follow_its_photos(tmp_path: Path) -> None:
    with Recognizer.open(tmp_path / "things") as recognizer:
        fill(recognizer, "far", 0.0)
        far = recognizer.estimate()
        assert far.n_photos == N_THINGS * EACH
        assert far.threshold is not None
        recognizer.gallery.remove("far 0")
        assert recognizer.estimate().n_things == N_THINGS  # hardly another gallery
        for thing in range(1, N_THINGS):
            recognizer.gallery.remove(f"far {thing}")
        fill(recognizer, "near", 0.6)
        near = recognizer.estimate()
        assert near.threshold is not None
        assert near.threshold < far.threshold / 2
    with Recognizer.open_existing(tmp_path / "things") as recognizer:
        assert recognizer.estimate() == near  # as it was kept
        merged = [f"near {thing}" for thing in range(N_THINGS)]
        for each in merged[10:]:
            recognizer.gallery.merge(each, into=merged[int(each.split()[1]) % 10])
        assert recognizer.estimate().n_things == 10
