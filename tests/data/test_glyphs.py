from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from firstsight.data.alphabets import POINTS_PER_STROKE, compose_alphabet, draw_style
from firstsight.data.glyphs import draw_alphabets, draw_hands, ink, write_character
from firstsight.data.packed import PackedPictures
from firstsight.errors import UsageError
from firstsight.images.preprocess import Preprocessing

FULL_SIZE = Preprocessing(size=105)
SMALL = Preprocessing(size=28)


@pytest.fixture(scope="module")
def glyphs() -> PackedPictures:
    return draw_alphabets(FULL_SIZE, n_alphabets=3, n_characters=12, n_drawers=6, seed=5)


def test_drawings_are_numbered_by_character_alphabet_and_drawer(glyphs: PackedPictures) -> None:
    assert glyphs.pixels.shape == (3 * 12 * 6, 105, 105, 1)
    assert glyphs.labels.tolist() == [number // 6 for number in range(216)]
    assert glyphs.drawers.tolist() == [number % 6 for number in range(216)]
    assert glyphs.groups.tolist() == [number // 72 for number in range(216)]
    assert glyphs.class_names[13] == "alphabet02/character02"
    assert glyphs.group_names == ("alphabet01", "alphabet02", "alphabet03")


def test_drawings_are_black_ink_on_white_paper_with_a_margin(glyphs: PackedPictures) -> None:
    assert set(np.unique(glyphs.pixels).tolist()) == {0, 255}
    share_of_ink = (np.asarray(glyphs.pixels) == 0).mean(axis=(1, 2, 3))
    assert share_of_ink.min() > 0.002
    assert share_of_ink.max() < 0.4
    assert (glyphs.pixels[:, [0, -1]] == 255).all()
    assert (glyphs.pixels[:, :, [0, -1]] == 255).all()


def test_the_same_seed_draws_the_same_pictures_and_another_seed_others() -> None:
    def draw(seed: int) -> PackedPictures:
        return draw_alphabets(SMALL, n_alphabets=2, n_characters=3, n_drawers=2, seed=seed)

    assert draw(1).fingerprint == draw(1).fingerprint
    assert draw(1).fingerprint != draw(2).fingerprint


def test_fewer_alphabets_are_the_first_of_more() -> None:
    few = draw_alphabets(SMALL, n_alphabets=1, n_characters=4, n_drawers=3)
    more = draw_alphabets(SMALL, n_alphabets=3, n_characters=4, n_drawers=3)
    assert np.array_equal(few.pixels, more.pixels[: len(few)])


def test_no_two_drawings_are_the_same(glyphs: PackedPictures) -> None:
    assert len({picture.tobytes() for picture in glyphs.pixels}) == len(glyphs)


def blurred(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N, 15 * 15) the share of ink in blocks of 7 x 7 pixels, of unit length."""
    dark = (pixels[..., 0] == 0).astype(np.float64)
    blocks = dark.reshape(len(dark), 15, 7, 15, 7).mean(axis=(2, 4)).reshape(len(dark), -1)
    lengths: NDArray[np.float64] = np.linalg.norm(blocks, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = blocks / lengths
    return scaled


def test_drawings_of_one_character_are_more_alike_than_those_of_two(
    glyphs: PackedPictures,
) -> None:
    shape = blurred(np.asarray(glyphs.pixels))
    likeness = shape @ shape.T
    same_character = glyphs.labels[:, None] == glyphs.labels
    same_alphabet = glyphs.groups[:, None] == glyphs.groups
    other_drawing = ~np.eye(len(glyphs), dtype=bool)
    of_one = likeness[same_character & other_drawing].mean()
    of_two = likeness[same_alphabet & ~same_character].mean()
    assert of_one > of_two + 0.1


def test_pictures_come_at_the_size_and_in_the_mode_asked_for() -> None:
    pictures = draw_alphabets(
        Preprocessing(size=32, mode="rgb"), n_alphabets=1, n_characters=2, n_drawers=2
    )
    assert pictures.pixels.shape == (4, 32, 32, 3)


def test_progress_counts_drawings() -> None:
    told: list[tuple[int, int]] = []
    draw_alphabets(
        SMALL,
        n_alphabets=2,
        n_characters=3,
        n_drawers=4,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(12, 24), (24, 24)]


@pytest.mark.parametrize("counts", [(0, 3, 3), (3, 0, 3), (3, 3, 0)])
def test_counts_below_one_are_refused(counts: tuple[int, int, int]) -> None:
    n_alphabets, n_characters, n_drawers = counts
    with pytest.raises(UsageError, match="at least one of each"):
        draw_alphabets(
            SMALL, n_alphabets=n_alphabets, n_characters=n_characters, n_drawers=n_drawers
        )


@pytest.mark.parametrize("seed", range(8))
def test_characters_of_an_alphabet_are_strokes_in_a_box_and_all_different(seed: int) -> None:
    rng = np.random.default_rng(seed)
    characters = compose_alphabet(draw_style(rng), 20, rng)
    assert len(characters) == 20
    for character in characters:
        assert character.shape[1:] == (POINTS_PER_STROKE, 2)
        assert 1 <= len(character) <= 6
        assert np.isfinite(character).all()
        assert np.abs(character).max() <= 1 + 1e-9
    for number, one in enumerate(characters):
        for other in characters[:number]:
            assert one.shape != other.shape or not np.allclose(one, other)


def test_every_hand_keeps_the_character_on_the_paper() -> None:
    rng = np.random.default_rng(0)
    character = compose_alphabet(draw_style(rng), 1, rng)[0]
    written = write_character(character, draw_hands(500, rng), rng)
    assert written.shape == (500, len(character), POINTS_PER_STROKE, 2)
    assert written.min() >= 4 - 1e-9
    assert written.max() <= 101 + 1e-9


def test_a_pen_of_four_pixels_draws_a_line_four_pixels_wide() -> None:
    x = np.linspace(20.0, 80.0, POINTS_PER_STROKE)
    stroke = np.stack([x, np.full_like(x, 50.0)], axis=1)
    picture = ink(stroke[None], 4.0)
    assert abs(int((picture[:, 50] == 0).sum()) - 4) <= 1
    assert (picture[:, 10] == 255).all()
    assert (picture[:, 95] == 255).all()
