from __future__ import annotations

import hashlib
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from firstsight.errors import PictureError, UsageError
from firstsight.images.decode import DecodeLimits, PictureLike
from firstsight.images.preprocess import Preprocessing
from firstsight.images.reading import Crop, read_picture

GREY = Preprocessing(size=32, invert=True)
COLOUR = Preprocessing(size=224, mode="rgb", fit="crop")
SIDEWAYS = 6  # the EXIF orientation of a camera held upright: stored rows are columns


def scene(width: int = 600, height: int = 500) -> Image.Image:
    """Smooth in colour, with a little grain: what JPEG and WebP are made for."""
    across, down = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    grain = np.random.default_rng(7).normal(0, 4, (height, width))
    bands = np.stack([across + grain, down + grain, 255 - across + grain], axis=2)
    return Image.fromarray(bands.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    stream = BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def sideways(image: Image.Image, file_format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    return encoded(image.transpose(Image.Transpose.ROTATE_90), file_format, exif=exif)


def decoded(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def apart(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    return float(np.abs(a.astype(float) - b).mean())


@pytest.mark.parametrize("seen", [GREY, COLOUR, Preprocessing(size=105, fit="pad")])
def test_pixels_are_those_of_the_preprocessing_for_every_form(
    seen: Preprocessing, tmp_path: Path
) -> None:
    jpeg = encoded(scene(), "JPEG")
    path = tmp_path / "scene.jpg"
    path.write_bytes(jpeg)
    clear = scene(80, 60)
    clear.putalpha(120)
    pictures: list[PictureLike] = [
        *(jpeg, path, str(path), sideways(scene()), encoded(clear, "PNG"), scene(70, 90), clear),
        *(encoded(clear.convert("P"), "GIF"), np.asarray(scene(40, 50).convert("L"))),
        encoded(scene().convert("CMYK"), "JPEG"),
    ]
    for picture in pictures:
        np.testing.assert_array_equal(read_picture(picture).pixels(seen), seen.pixels(picture))


def test_pixels_do_not_depend_on_what_was_asked_for_before() -> None:
    jpeg = encoded(scene(), "JPEG")
    reading = read_picture(jpeg)
    for seen in (COLOUR, GREY, COLOUR):
        reading.kept()
        np.testing.assert_array_equal(reading.pixels(seen), seen.pixels(jpeg))


def test_the_digest_is_of_the_encoded_bytes(tmp_path: Path) -> None:
    data = encoded(scene(30, 20), "PNG")
    path = tmp_path / "scene.png"
    path.write_bytes(data)
    for form in (data, path, BytesIO(data)):
        assert read_picture(form).digest == hashlib.sha256(data).hexdigest()


def test_an_array_and_its_image_share_a_digest_that_a_pixel_changes() -> None:
    image = scene(30, 20)
    pixels = np.array(image)
    digest = read_picture(pixels).digest
    assert digest == read_picture(image).digest
    # As many bytes, in another shape or with another meaning, are another picture.
    turned = read_picture(pixels.reshape(30, 20, 3)).digest
    assert read_picture(image.convert("P")).digest != read_picture(image.convert("L")).digest
    pixels[3, 4, 1] ^= 1
    assert len({digest, turned, read_picture(pixels).digest}) == 3


def test_a_reading_stays_what_it_was_when_the_array_changes_later() -> None:
    pixels = np.array(scene(30, 20))
    reading = read_picture(pixels)
    before = GREY.pixels(pixels)
    pixels[:] = 0
    np.testing.assert_array_equal(reading.pixels(GREY), before)


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_size_is_that_of_the_upright_picture(file_format: str) -> None:
    assert read_picture(sideways(scene(90, 60), file_format)).size == (90, 60)
    assert read_picture(encoded(scene(), file_format)).size == (600, 500)


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_crop_is_that_part_of_the_upright_picture(file_format: str) -> None:
    options = {"quality": 95, "subsampling": 0} if file_format == "JPEG" else {}
    image = scene()
    image.paste((255, 255, 255), (300, 100, 450, 300))
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    stored = image.transpose(Image.Transpose.ROTATE_90)
    reading = read_picture(
        encoded(stored, file_format, exif=exif, **options), crop=(250, 80, 600, 330)
    )
    assert reading.size == (350, 250)
    part = np.asarray(image)[80:330, 250:600]
    for seen in (GREY, COLOUR):
        assert apart(reading.pixels(seen), seen.pixels(np.ascontiguousarray(part))) < 2
    assert reading.image().size == (350, 250)


def test_a_small_crop_of_a_large_jpeg_is_not_reduced_first() -> None:
    stripes = np.zeros((1600, 1600), np.uint8)
    stripes[:, ::2] = 255  # gone at half size
    data = encoded(Image.fromarray(stripes), "JPEG", quality=95)
    seen = Preprocessing(size=32)
    assert seen.pixels(data).std() < 10
    assert read_picture(data, crop=(320, 640, 352, 672)).pixels(seen).std() > 100


def test_crops_of_one_picture_are_different_photos() -> None:
    data = encoded(scene(30, 20), "PNG")
    whole, left, right = (
        read_picture(data, crop=crop).digest
        for crop in [(0, 0, 30, 20), (0, 0, 15, 20), (15, 0, 30, 20)]
    )
    assert whole == read_picture(data).digest
    assert len({whole, left, right}) == 3


@pytest.mark.parametrize(
    "crop", [(-1, 0, 5, 5), (5, 5, 5, 9), (9, 0, 3, 9), (0.5, 0, 3, 3), (1, 2, 3)]
)
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_crop_that_is_none_of_any_picture_is_refused(crop: Any, file_format: str) -> None:
    with pytest.raises(UsageError, match=r"the crop .*left, top, right, bottom"):
        read_picture(encoded(scene(30, 20), file_format), crop=crop)


@pytest.mark.parametrize("crop", [(0, 0, 31, 20), (0, 0, 30, 21), (40, 0, 50, 20)])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_a_picture_too_small_for_the_crop_is_the_picture_s_own_trouble(
    crop: Crop, file_format: str
) -> None:
    with pytest.raises(PictureError, match=r"is no part of .*30 x 20 pixels when upright"):
        read_picture(encoded(scene(30, 20), file_format), crop=crop)


def test_the_kept_copy_is_small_upright_and_knows_nothing_else() -> None:
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    exif.get_ifd(0x8825)[1] = "N"  # where it was taken
    stored = scene(800, 600).transpose(Image.Transpose.ROTATE_90)
    data = encoded(stored, "JPEG", exif=exif, icc_profile=b"p" * 200, comment=b"at my home")
    kept = read_picture(data).kept()
    copy = decoded(kept)
    assert (copy.format, copy.mode, copy.size) == ("JPEG", "RGB", (400, 300))
    assert not {"exif", "icc_profile", "xmp", "comment"} & set(copy.info)
    assert b"home" not in kept
    assert apart(np.asarray(copy), np.asarray(scene(800, 600).resize((400, 300)))) < 4


def test_a_drawing_is_kept_without_loss() -> None:
    drawing = np.full((105, 105), 255, np.uint8)
    drawing[20:80, 50:54] = 0
    copy = decoded(read_picture(drawing).kept())
    assert copy.format == "PNG"
    np.testing.assert_array_equal(np.asarray(copy), np.stack([drawing] * 3, axis=2))


def test_no_png_above_64_kib_is_kept() -> None:
    # Sixteen shades in random order: a PNG of at least four bits a pixel, 72 kB.
    shades = np.arange(0, 256, 16, dtype=np.uint8)
    noise = np.random.default_rng(1).choice(shades, (380, 380))
    kept = read_picture(noise).kept()
    assert decoded(kept).format == "JPEG"


def test_a_small_picture_is_kept_at_its_own_size() -> None:
    assert decoded(read_picture(scene(50, 40)).kept()).size == (50, 40)
    assert decoded(read_picture(encoded(scene(50, 40), "JPEG")).kept()).size == (50, 40)
    assert decoded(read_picture(scene(4000, 3)).kept()).size == (400, 1)


@pytest.mark.parametrize("seen", [GREY, COLOUR])
@pytest.mark.parametrize("size", [(900, 600), (1400, 1400), (400, 390)])
def test_the_kept_copy_is_never_smaller_than_wanted_whatever_the_model_saw(
    seen: Preprocessing, size: tuple[int, int]
) -> None:
    reading = read_picture(encoded(scene(*size), "JPEG"))
    reading.pixels(seen)
    assert 384 <= max(decoded(reading.kept()).size) < 2 * 384


def test_a_photo_embedded_from_its_kept_copy_looks_the_same_to_a_model() -> None:
    photo = encoded(scene(1216, 912), "JPEG", quality=90)
    reading = read_picture(photo)
    again = read_picture(reading.kept()).pixels(COLOUR)
    assert apart(again, reading.pixels(COLOUR)) < 1  # of 255 levels, on the mean


def test_transparent_paper_is_white_in_the_kept_copy() -> None:
    drawing = Image.new("LA", (1000, 500), (0, 0))
    drawing.paste((0, 255), (400, 200, 600, 300))
    seen = np.asarray(decoded(read_picture(encoded(drawing, "PNG")).kept()))
    assert seen.shape == (250, 500, 3)
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[125, 250].tolist() == [0, 0, 0]


def test_standard_input_is_read_under_the_limits() -> None:
    program = (
        "import sys\n"
        "from firstsight.errors import FirstsightError\n"
        "from firstsight.images.decode import DecodeLimits\n"
        "from firstsight.images.reading import read_picture\n"
        "try:\n"
        "    reading = read_picture('-', limits=DecodeLimits(max_bytes=int(sys.argv[1])))\n"
        "    print(reading.name, reading.size, reading.digest)\n"
        "except FirstsightError as refusal:\n"
        "    print(refusal)\n"
    )
    data = encoded(scene(30, 20), "PNG")

    def told(max_bytes: int, given: bytes) -> str:
        command = [sys.executable, "-c", program, str(max_bytes)]
        done = subprocess.run(command, input=given, capture_output=True, check=True, timeout=60)
        return done.stdout.decode().strip()

    digest = hashlib.sha256(data).hexdigest()
    assert told(10**6, data) == f"standard input (30, 20) {digest}"
    assert "standard input is larger than" in told(100, data)
    assert "standard input is empty" in told(100, b"")


def test_standard_input_that_nobody_connected_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input"):
        read_picture("-")


def test_a_dash_can_still_be_a_files_name(tmp_path: Path) -> None:
    path = tmp_path / "-"
    path.write_bytes(encoded(scene(30, 20), "PNG"))
    assert read_picture(path).size == (30, 20)


@pytest.mark.parametrize("picture", [b"", b"nothing of the kind", "no/such.jpg", None])
def test_what_is_no_picture_is_refused_at_once(picture: Any) -> None:
    with pytest.raises(PictureError):
        read_picture(picture)


def test_a_jpeg_cut_short_is_refused_when_its_pixels_are_wanted() -> None:
    data = encoded(scene(), "JPEG")
    reading = read_picture(data[: len(data) // 2], name="the mug")
    for want in (lambda: reading.pixels(GREY), reading.kept, reading.image):
        with pytest.raises(PictureError, match=r"the mug is damaged or cut short"):
            want()


def test_limits_hold_before_anything_is_decoded() -> None:
    limits = DecodeLimits(max_pixels=599)
    for picture in (encoded(scene(30, 20), "PNG"), encoded(scene(30, 20), "JPEG"), scene(30, 20)):
        with pytest.raises(PictureError, match="30 x 20 pixels, more than the 599"):
            read_picture(picture, limits=limits)
