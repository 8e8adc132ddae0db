from __future__ import annotations

import csv
import importlib.util
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from firstsight.errors import PictureError, UsageError
from firstsight.images.decode import DecodeLimits, decode, picture_name
from firstsight.images.reading import read_picture

FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("GIF", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("PPM", {}),
    ("AVIF", {}),
]
# What no one can read here, and what is not on the list of formats.
REFUSED = {
    "bomb_30000x30000_1bit.png",
    "broken.png",
    "crash-4f085cc12ece8cde18758d42608bed6a2a2cfb1c.tif",
    "decompression_bomb.ico",
    "empty.jpg",
    "header_2e9x2e9.png",
    "hopper.psd",
    "html_named.png",
    "negative_size.ppm",
    "oom-225817ca0f8c663be7ab4b9e717b02c661e66834.tif",
    "photo_truncated_10pct.jpg",
    "photo_truncated_50pct.jpg",
    "photo_truncated_90pct.jpg",
    "text_named.jpg",
    "timeout-c60a3d7314213624607bfb3e38d551a8b24a7435.dds",
    "truncated_jpeg.jpg",
    "unknown_compression_method.png",
    "zero_width.gif",
}


def checkers() -> NDArray[np.uint8]:
    """(48, 64, 3): 12 x 16 random tiles of 4 px."""
    tiles = np.random.default_rng(5).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    return tiles.repeat(4, axis=0).repeat(4, axis=1)


def encoded(image: Image.Image, file_format: str = "PNG", **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def grey(picture: Any, **options: Any) -> NDArray[np.uint8]:
    return np.asarray(decode(picture, mode="grey", **options))


def rgb(picture: Any, **options: Any) -> NDArray[np.uint8]:
    return np.asarray(decode(picture, mode="rgb", **options))


def test_every_form_of_a_picture_gives_the_same_pixels(tmp_path: Path) -> None:
    pixels = checkers()
    data = encoded(Image.fromarray(pixels))
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    with path.open("rb") as stream:
        forms = [path, str(path), data, BytesIO(data), stream, Image.open(path), pixels]
        for form in forms:
            np.testing.assert_array_equal(rgb(form), pixels)


def test_arrays_of_one_three_and_four_channels_are_pictures() -> None:
    flat = np.array([[0, 100], [200, 255]], np.uint8)
    np.testing.assert_array_equal(grey(flat), flat)
    np.testing.assert_array_equal(grey(flat[:, :, None]), flat)
    np.testing.assert_array_equal(rgb(np.stack([flat] * 3, axis=2)), np.stack([flat] * 3, axis=2))
    clear = np.zeros((2, 2, 4), np.uint8)
    np.testing.assert_array_equal(rgb(clear), np.full((2, 2, 3), 255))


def test_a_given_image_or_array_stays_as_it_was() -> None:
    pixels = checkers()
    image = Image.fromarray(pixels)
    result = decode(image, mode="rgb")
    result.paste((0, 0, 0), (0, 0, 64, 48))
    np.testing.assert_array_equal(np.asarray(image), checkers())
    np.testing.assert_array_equal(pixels, checkers())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_orientation_is_undone(orientation: int, file_format: str) -> None:
    upright = np.zeros((32, 64), np.uint8)
    upright[:16, :32] = 250
    upright[:16, 32:] = 90
    # What a camera held that way stores, by the EXIF specification's rows and columns.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), file_format, exif=exif)
    seen = grey(data)
    assert seen.shape == (32, 64)
    assert np.abs(seen.astype(int) - upright).mean() < 5


@pytest.mark.parametrize("nonsense", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"\x01" * 40])
def test_broken_exif_does_not_spoil_a_good_picture(nonsense: bytes) -> None:
    pixels = checkers()
    np.testing.assert_array_equal(rgb(encoded(Image.fromarray(pixels), exif=nonsense)), pixels)


@pytest.mark.parametrize("orientation", [0, 9, "6", (6, 6)])
def test_an_orientation_that_does_not_exist_means_upright(orientation: Any) -> None:
    image = Image.fromarray(checkers())
    image.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(rgb(image), checkers())


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    for file_format in ("GIF", "PNG", "WEBP", "TIFF"):
        options: dict[str, Any] = {"lossless": True} if file_format == "WEBP" else {}
        data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
        np.testing.assert_array_equal(rgb(data), np.full((8, 8, 3), (255, 0, 0)))


@pytest.mark.parametrize(("hint", "expected"), [(None, 800), (200, 400), (100, 200), (300, 800)])
def test_jpeg_is_decoded_small_but_at_least_twice_as_large_as_wanted(
    hint: int | None, expected: int
) -> None:
    data = encoded(Image.new("RGB", (1200, 800), (10, 200, 30)), "JPEG")
    image = decode(data, mode="rgb", short_side_hint=hint)
    assert image.size == (expected * 3 // 2, expected)
    assert np.abs(np.asarray(image).astype(int) - (10, 200, 30)).max() <= 3


def test_too_many_bytes_are_refused_unread(tmp_path: Path) -> None:
    limits = DecodeLimits(max_bytes=100)
    path = tmp_path / "large.png"
    path.write_bytes(b"\0" * 101)
    for picture in (path, path.read_bytes(), BytesIO(path.read_bytes())):
        with pytest.raises(PictureError, match=r"larger than .* MiB.*make it smaller"):
            decode(picture, mode="grey", limits=limits)


def test_too_many_pixels_are_refused_undecoded() -> None:
    data = encoded(Image.new("L", (100, 100)))
    whole = DecodeLimits(max_pixels=10_000)
    assert decode(data, mode="grey", limits=whole).size == (100, 100)
    with pytest.raises(PictureError, match=r"100 x 100 pixels, more than the 9,999"):
        decode(data[:60], mode="grey", limits=DecodeLimits(max_pixels=9_999))
    with pytest.raises(PictureError, match="more than"):
        decode(np.zeros((100, 100), np.uint8), mode="grey", limits=DecodeLimits(max_pixels=9_999))


def test_large_pictures_within_the_limit_cause_no_warning() -> None:
    data = encoded(Image.new("1", (10_000, 9_100), 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(data, mode="grey").size == (10_000, 9_100)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "PPM"])
def test_our_limit_counts_and_not_pillows(
    file_format: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    data = encoded(Image.new("RGB", (40, 30)), file_format)
    exact, less = DecodeLimits(max_pixels=1200), DecodeLimits(max_pixels=1199)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode(data, mode="grey", limits=exact).size == (40, 30)
        reading = read_picture(data, limits=exact, crop=(0, 0, 39, 30))
        assert reading.image().size == (39, 30)
    with pytest.raises(PictureError, match=r"1,199 .*max_pixels \(--max-megapixels\)"):
        decode(data, mode="grey", limits=less)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_pillows_limit_is_back_after_many_threads_read_large_pictures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    pictures = [encoded(Image.new("L", (20 + n, 30)), "TIFF") for n in range(40)]
    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(lambda each: decode(each, mode="grey").size, pictures))
    assert sizes == [(20 + n, 30) for n in range(40)]
    assert Image.MAX_IMAGE_PIXELS == 100


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        DecodeLimits(max_pixels=0)


@pytest.mark.parametrize("most", ["9", None, float("nan"), float("inf"), 2.5, True])
def test_limits_are_whole_numbers(most: Any) -> None:
    with pytest.raises(UsageError, match="whole numbers"):
        DecodeLimits(max_bytes=most)
    with pytest.raises(UsageError, match="whole numbers"):
        DecodeLimits(max_pixels=most)


@pytest.mark.parametrize("limits", [5, None, {"max_pixels": 5}])
def test_what_are_no_limits_is_not_taken_for_damage(limits: Any) -> None:
    picture = Image.new("L", (5, 5))
    for read in (partial(decode, mode="grey"), read_picture):
        with pytest.raises(UsageError, match="give DecodeLimits"):
            read(picture, limits=limits)


@pytest.mark.parametrize(
    ("picture", "complaint"),
    [
        (b"", "empty"),
        (b"GIF89a", "no picture that can be read|damaged"),
        ("no/such/picture.jpg", "no/such/picture.jpg could not be read"),
        ("nul\0byte.jpg", "could not be read"),
        (".", "not a file"),
        (StringIO("text"), "binary mode"),
        (None, "NoneType"),
        (np.zeros((2, 2)), "float64"),
        (np.zeros((0, 5), np.uint8), "no pixels"),
        (np.zeros((2, 2, 2), np.uint8), r"\(2, 2, 2\)"),
        (np.zeros(4, np.uint8), r"\(4,\)"),
    ],
)
def test_what_is_no_picture_is_refused_in_one_sentence(picture: Any, complaint: str) -> None:
    with pytest.raises(PictureError, match=complaint) as refusal:
        decode(picture, mode="rgb")
    assert "\n" not in str(refusal.value)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jpg"
    os.mkfifo(pipe)
    with pytest.raises(PictureError, match="not a file"):
        decode(pipe, mode="grey")


def test_errors_name_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "mug.jpg"
    path.write_bytes(b"no picture")
    with pytest.raises(PictureError, match=str(path)):
        decode(path, mode="grey")
    with path.open("rb") as stream, pytest.raises(PictureError, match=str(path)):
        decode(stream, mode="grey")
    with pytest.raises(PictureError, match="a picture of 10 bytes"):
        decode(path.read_bytes(), mode="grey")
    with pytest.raises(PictureError, match="the blue mug"):
        decode(path.read_bytes(), mode="grey", name="the blue mug")
    assert picture_name(Image.new("L", (1, 1))) == "a picture without a name"


@pytest.mark.parametrize(("file_format", "options"), FORMATS)
def test_a_picture_cut_short_is_refused_or_whole(file_format: str, options: dict[str, Any]) -> None:
    data = encoded(Image.fromarray(checkers()), file_format, **options)
    whole = rgb(data)
    for length in np.linspace(0, len(data) - 1, 40).astype(int):
        try:
            seen = rgb(data[:length])
        except PictureError:
            continue
        np.testing.assert_array_equal(seen, whole)


@pytest.mark.parametrize(("file_format", "options"), FORMATS)
def test_damaged_bytes_give_a_picture_or_a_picture_error(
    file_format: str, options: dict[str, Any]
) -> None:
    rng = np.random.default_rng(11)
    original = np.frombuffer(encoded(Image.fromarray(checkers()), file_format, **options), np.uint8)
    # Headers are where damage does most, so half of it goes there.
    limits = DecodeLimits(max_pixels=4_000_000)
    for attempt in range(60):
        damaged = original.copy()
        reach = len(damaged) if attempt % 2 else min(64, len(damaged))
        places = rng.integers(0, reach, rng.integers(1, 9))
        damaged[places] = rng.integers(0, 256, len(places), dtype=np.uint8)
        try:
            image = decode(damaged.tobytes(), mode="grey", limits=limits)
        except PictureError as refusal:
            assert str(refusal).startswith("a picture of ")
        else:
            assert image.mode == "L"
            assert image.width * image.height <= 4_000_000


def test_random_bytes_are_refused() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        with pytest.raises(PictureError):
            decode(rng.bytes(int(rng.integers(1, 300))), mode="rgb")


def test_pillows_global_state_is_left_alone() -> None:
    before = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    decode(checkers(), mode="grey")
    decode(encoded(Image.fromarray(checkers()), "JPEG"), mode="grey", short_side_hint=8)
    after = (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
    assert after == before


def test_many_threads_decode_side_by_side() -> None:
    pixels = [np.roll(checkers(), shift, axis=1) for shift in range(8)]
    data = [encoded(Image.fromarray(each)) for each in pixels]
    start = threading.Barrier(8)

    def decode_often(number: int) -> bool:
        start.wait(timeout=30)
        return all(np.array_equal(rgb(data[number]), pixels[number]) for _ in range(25))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(decode_often, range(8)))


@pytest.mark.skipif(
    importlib.util.find_spec("pillow_heif") is not None, reason="pillow-heif is installed"
)
def test_heic_names_the_package_that_reads_it() -> None:
    with pytest.raises(PictureError, match="pip install pillow-heif"):
        decode(b"\0\0\0\x18ftypheic" + b"\0" * 100, mode="rgb")


def hard_pictures(data_root: Path) -> list[Path]:
    folder = data_root / "hard-images"
    with (folder / "MANIFEST.tsv").open(encoding="utf-8", newline="") as table:
        return [folder / row["path"] for row in csv.DictReader(table, delimiter="\t")]


def test_every_hard_picture_is_decoded_or_refused_as_it_should_be(data_root: Path) -> None:
    paths = hard_pictures(data_root)
    assert len(paths) >= 50
    readable_heic = importlib.util.find_spec("pillow_heif") is not None
    refused = REFUSED if readable_heic else REFUSED | {"zPug_3.heic", "truncated.heic"}
    seen = set()
    for path in paths:
        try:
            image = decode(path, mode="rgb")
        except PictureError as refusal:
            assert str(path) in str(refusal)
            seen.add(path.name)
        else:
            assert image.mode == "RGB"
            assert decode(path, mode="grey").size == image.size
    assert seen == refused


def test_one_photo_in_many_encodings_looks_the_same(data_root: Path) -> None:
    folder = data_root / "hard-images"
    photo = rgb(folder / "photo_progressive.jpg").astype(float)
    for name in ("photo_16bit_rgb.png", "photo_cmyk.jpg", "photo_palette.png", "фото ナ 1.jpg"):
        assert np.abs(rgb(folder / name) - photo).mean() < 7, name
    shade = grey(folder / "photo_progressive.jpg").astype(float)
    assert np.abs(grey(folder / "photo_16bit_grey.png") - shade).mean() < 3


def test_one_scene_held_three_ways_comes_out_upright(data_root: Path) -> None:
    folder = data_root / "hard-images"
    scenes = [rgb(folder / f"Landscape_{way}.jpg").astype(float) for way in (1, 3, 6)]
    for scene in scenes:
        assert scene.shape == (1200, 1800, 3)
        # The orientation's number is written in the middle, and small.
        assert np.abs(scene - scenes[0]).mean() < 6


def test_one_face_in_many_formats_looks_the_same(data_root: Path) -> None:
    folder = data_root / "hard-images"
    face = rgb(folder / "hopper.jpg").astype(float)
    for name in ("hopper.webp", "png_named.jpg", "hopper.gif", "hopper_orientation_8.webp"):
        assert np.abs(rgb(folder / name) - face).mean() < 12, name
