from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from firstsight.errors import ModelFolderError, PictureError, ShapeError, UsageError
from firstsight.images.preprocess import Preprocessing
from firstsight.model import Embedder, load
from firstsight.model.embedder import load_ahead
from firstsight.model.folder import ModelInfo, write_model_folder
from firstsight.similarity import WeightedL1

Pixels = npt.NDArray[np.uint8]
Tensors = dict[str, np.ndarray[Any, Any]]


@pytest.fixture
def embedder(tiny_folder: Path) -> Embedder:
    return load(tiny_folder, threads=1)


def some_pixels(n: int) -> Pixels:
    return np.random.default_rng(n).integers(0, 256, (n, 8, 8, 1), dtype=np.uint8)


def by_hand(pixels: Pixels, tensors: Tensors) -> npt.NDArray[np.float64]:
    """One picture at a time: ink is 1, minus 0.1, over 0.3, times the matrix, plus the bias."""
    rows = []
    for picture in pixels:
        ink = (1 - picture.astype(np.float64).ravel() / 255 - 0.1) / 0.3
        rows.append(ink @ tensors["weight"].astype(np.float64) + tensors["bias"])
    return np.array(rows).reshape(-1, 3)


@pytest.mark.parametrize("n", [0, 1, 2, 33])
def test_pixels_embed_as_worked_out_by_hand(
    embedder: Embedder, tiny_tensors: Tensors, n: int
) -> None:
    pixels = some_pixels(n)
    embeddings = embedder.embed_pixels(pixels, batch_size=16)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(embeddings, by_hand(pixels, tiny_tensors), rtol=1e-4, atol=1e-3)


def test_pictures_in_every_form_embed_alike_and_in_order(
    embedder: Embedder, tiny_tensors: Tensors, tmp_path: Path
) -> None:
    pixels = some_pixels(6)
    images = [Image.fromarray(picture[:, :, 0]) for picture in pixels]
    images[0].save(tmp_path / "zero.png")
    images[1].save(tmp_path / "one.png")
    encoded = io.BytesIO()
    images[2].save(encoded, "PNG")
    with (tmp_path / "one.png").open("rb") as stream:
        forms = [
            tmp_path / "zero.png",
            stream,
            encoded.getvalue(),
            images[3],
            pixels[4],
            str(tmp_path / "zero.png"),
        ]
        embeddings = embedder.embed(forms, batch_size=2)
    expected = by_hand(pixels[[0, 1, 2, 3, 4, 0]], tiny_tensors)
    np.testing.assert_allclose(embeddings, expected, rtol=1e-4, atol=1e-3)


def test_one_picture_gives_one_row_and_none_gives_none(
    embedder: Embedder, tiny_tensors: Tensors, tmp_path: Path
) -> None:
    pixels = some_pixels(1)
    expected = by_hand(pixels, tiny_tensors)
    image = Image.fromarray(pixels[0, :, :, 0])
    image.save(tmp_path / "a.png")
    single: list[Any] = [
        image,
        pixels[0],
        str(tmp_path / "a.png"),
        tmp_path / "a.png",
        (tmp_path / "a.png").read_bytes(),
        io.BytesIO((tmp_path / "a.png").read_bytes()),
    ]
    for picture in single:
        np.testing.assert_allclose(embedder.embed(picture), expected, rtol=1e-4, atol=1e-3)
    assert embedder.embed([]).shape == (0, 3)
    assert embedder.embed([]).dtype == np.float32


def test_an_array_of_four_dimensions_and_a_generator_are_many_pictures(
    embedder: Embedder,
) -> None:
    pixels = some_pixels(5)
    expected = embedder.embed_pixels(pixels)
    np.testing.assert_allclose(embedder.embed(pixels), expected, rtol=1e-5)
    np.testing.assert_allclose(embedder.embed(row for row in pixels), expected, rtol=1e-5)


def test_the_same_lazy_image_many_times_is_decoded_without_harm(
    embedder: Embedder, tmp_path: Path
) -> None:
    Image.fromarray(some_pixels(1)[0, :, :, 0]).resize((500, 500)).save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as lazy:
        embeddings = embedder.embed([lazy] * 40, batch_size=16)
    np.testing.assert_allclose(embeddings, embeddings[:1].repeat(40, axis=0), rtol=1e-5)


def test_one_bad_picture_among_many_is_named_with_its_position(
    embedder: Embedder, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"not a picture")
    pictures: list[Any] = [*some_pixels(9), bad]
    with pytest.raises(PictureError, match=r"^picture 10 of 10: .*bad\.png"):
        embedder.embed(pictures, batch_size=4)
    with pytest.raises(PictureError, match=r"bad\.png"):
        embedder.embed(bad)
    with pytest.raises(PictureError, match="picture 2 of 2"):
        embedder.embed([some_pixels(1)[0], b"also not"])


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 3), np.uint8),
        np.zeros((2, 1, 8, 8), np.uint8),
        np.zeros((2, 8, 8, 1), np.float32),
    ],
)
def test_pixels_of_another_shape_or_type_are_refused(embedder: Embedder, pixels: Any) -> None:
    with pytest.raises(ShapeError, match=r"wanted uint8 \(N, 8, 8, 1\)"):
        embedder.embed_pixels(pixels)


def test_distances_are_the_heads_own(embedder: Embedder) -> None:
    a = np.array([[0, 0, 0], [1, 2, 2]], np.float32)
    b = np.array([[0, 0, 0], [0, 0, 2], [1, 2, 2]], np.float32)
    expected = [[0, 2, 3], [3, np.sqrt(5), 0]]
    np.testing.assert_allclose(embedder.distance(a, b), expected, rtol=1e-6)
    assert embedder.info.head.kind == "euclidean"


def test_senseless_threads_and_batches_are_refused(embedder: Embedder, tiny_folder: Path) -> None:
    with pytest.raises(UsageError, match="threads is 0"):
        load(tiny_folder, threads=0)
    with pytest.raises(UsageError, match="batch_size is 0"):
        embedder.embed_pixels(some_pixels(1), batch_size=0)
    with pytest.raises(UsageError, match="batch_size is 0"):
        embedder.embed(list(some_pixels(2)), batch_size=0)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda i: replace(i, preprocessing=Preprocessing(size=9)), "pictures.*9, 9.*was wanted"),
        (lambda i: replace(i, preprocessing=Preprocessing(size=8, mode="rgb")), "3, 8, 8"),
        (lambda i: replace(i, embedding_size=4), "embeddings.*4.*was wanted"),
        (lambda i: replace(i, head=WeightedL1(np.ones(4, np.float32), 0.0)), "head does not fit"),
    ],
)
def test_a_network_that_does_not_fit_its_record_is_refused(
    tmp_path: Path,
    tiny_onnx: bytes,
    tiny_info: ModelInfo,
    change: Callable[[ModelInfo], ModelInfo],
    told: str,
) -> None:
    write_model_folder(tmp_path / "m", onnx=tiny_onnx, tensors=None, info=change(tiny_info))
    with pytest.raises(ModelFolderError, match=told):
        load(tmp_path / "m", threads=1)


@pytest.mark.parametrize("cut", [0, 200])
def test_what_onnx_runtime_refuses_is_told_once_and_quietly(
    tmp_path: Path,
    tiny_onnx: bytes,
    tiny_info: ModelInfo,
    cut: int,
    capfd: pytest.CaptureFixture[str],
) -> None:
    write_model_folder(tmp_path / "m", onnx=tiny_onnx[:cut], tensors=None, info=tiny_info)
    with pytest.raises(ModelFolderError, match=r"model\.onnx cannot serve"):
        load(tmp_path / "m", threads=1)
    assert capfd.readouterr() == ("", "")


def test_embeddings_that_are_not_finite_are_refused(
    tmp_path: Path, tiny_onnx: bytes, tiny_tensors: Tensors, tiny_info: ModelInfo
) -> None:
    bias = tiny_tensors["bias"].tobytes()
    poisoned = tiny_onnx.replace(bias, np.array([0.5, np.nan, 2], np.float32).tobytes())
    assert poisoned != tiny_onnx
    write_model_folder(tmp_path / "m", onnx=poisoned, tensors=None, info=tiny_info)
    with pytest.raises(ModelFolderError, match="not finite"):
        load(tmp_path / "m", threads=1).embed_pixels(some_pixels(1))


def test_importing_the_room_loads_neither_onnx_runtime_nor_torch() -> None:
    asked = "import sys, firstsight.model; print({'onnxruntime', 'torch'} & set(sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60
    )
    assert told.stdout.strip() == "set()"


def test_loading_a_model_writes_nothing_in_the_home_of_its_user_and_tells_nobody(
    tiny_folder: Path, tmp_path: Path
) -> None:
    """ONNX Runtime's own builds note a device and queue events for their makers, if let."""
    places = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA", "APPDATA", "USERPROFILE")
    home = tmp_path / "nobody"
    home.mkdir()
    code = (
        "import sys, numpy, firstsight\n"
        "one = numpy.zeros((1, 8, 8, 1), numpy.uint8)\n"
        "firstsight.load(sys.argv[1]).embed_pixels(one)\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tiny_folder)],
        env=os.environ | dict.fromkeys(places, str(home)),
        check=True,
    )
    assert list(home.rglob("*")) == []


def test_ahead_of_its_network_a_model_says_what_it_knows_and_at_its_use_what_is_wrong(
    tmp_path: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    write_model_folder(tmp_path / "m", onnx=tiny_onnx[:200], tensors=None, info=tiny_info)
    ahead = load_ahead(tmp_path / "m")
    assert ahead.info.name == tiny_info.name
    with pytest.raises(ModelFolderError, match=r"model\.onnx cannot serve"):
        ahead.embed_pixels(some_pixels(1))
    with pytest.raises(ModelFolderError, match="there is no model folder"):
        load_ahead(tmp_path / "n")


def test_another_session_is_of_the_same_network_whatever_lies_in_the_folder_by_then(
    tmp_path: Path, tiny_onnx: bytes, tiny_info: ModelInfo
) -> None:
    write_model_folder(tmp_path / "m", onnx=tiny_onnx, tensors=None, info=tiny_info)
    embedder = load(tmp_path / "m")
    (tmp_path / "m" / "model.onnx").write_bytes(b"another")
    pixels = some_pixels(3)
    assert np.array_equal(embedder.on_one_core.embed_pixels(pixels), embedder.embed_pixels(pixels))
