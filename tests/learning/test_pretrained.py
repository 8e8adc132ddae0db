from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from rich.console import Console
from torch import nn

from firstsight.app.pretrained import make_pretrained
from firstsight.errors import UsageError
from firstsight.images.preprocess import Preprocessing
from firstsight.learning.networks.backbones import Backbone, build_backbone
from firstsight.learning.networks.pooled import PooledTower
from firstsight.learning.training.export import export_onnx, halved
from firstsight.model.embedder import load


def run(onnx: bytes, pictures: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["embeddings"], {"pictures": pictures.numpy()})[0])


def test_half_stored_weights_halve_the_file_and_answer_as_the_rounded_ones() -> None:
    torch.manual_seed(0)
    tower = PooledTower(nn.Sequential(nn.Conv2d(3, 512, 8), nn.ReLU()), 512, unit_sphere=True)
    seen = Preprocessing(size=16, mode="rgb")
    whole, half = export_onnx(tower, seen), export_onnx(tower, seen, half=True)
    assert len(half) < 0.55 * len(whole)
    assert len(halved(whole, seen)) < 0.55 * len(whole)
    with torch.no_grad():
        for weights in tower.parameters():
            if weights.dim() > 1:
                weights.copy_(weights.half().float())
        pictures = torch.rand(3, 3, 16, 16)
        for stored in (half, halved(whole, seen)):
            assert np.allclose(run(stored, pictures), tower(pictures).numpy(), atol=1e-6)


def test_an_exported_network_does_not_tell_where_it_was_made() -> None:
    tower = PooledTower(nn.Sequential(nn.Conv2d(3, 8, 3)), 8)
    onnx = export_onnx(tower, Preprocessing(size=8, mode="rgb"))
    assert b"forward" not in onnx
    assert b".py" not in onnx


@pytest.mark.parametrize(
    ("backbone", "n_layers", "n_channels"),
    # As far as the pools, or the uneven paddings with kernels of 3 and 5; whole networks are
    # compared in the same way whenever one is exported.
    [("squeezenet1_1", 6, 128), ("squeezenet1_0", 7, 256), ("efficientnet_lite0", 5, 40)],
)
def test_rounded_up_pools_and_uneven_padding_survive_the_export(
    backbone: Backbone, n_layers: int, n_channels: int
) -> None:
    torch.manual_seed(0)
    features = build_backbone(backbone).features[:n_layers]
    assert isinstance(features, nn.Sequential)
    tower = PooledTower(features, n_channels).eval()
    onnx = export_onnx(tower, Preprocessing(size=60, mode="rgb"))
    pictures = torch.rand(5, 3, 60, 60)
    with torch.no_grad():
        ours = tower(pictures).numpy()
    assert np.abs(run(onnx, pictures) - ours).max() <= 1e-4 * np.abs(ours).max()


def test_a_published_network_becomes_a_model_centred_on_a_folder(
    data_root: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for name in ("a/1.png", "a/2.png", "b/1.png"):
        (tmp_path / "pictures" / name).parent.mkdir(parents=True, exist_ok=True)
        noise = rng.integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "pictures" / name)
    said = Console(file=StringIO())
    made = make_pretrained(
        "squeezenet1_1", tmp_path / "model", centre_on=tmp_path / "pictures", console=said
    )
    model = load(made, threads=1)
    assert model.info.name == "model"
    assert model.info.embedding_size == 512
    assert "3 unlabelled pictures" in model.info.recipe["data"]["train"]
    assert "BSD-3-Clause" in model.info.made_by["licence"]
    embeddings = model.embed(sorted((tmp_path / "pictures").rglob("*.png")))
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    # Seen from their own mean, pictures lie on all sides of it; uncentred, all cosines are high.
    assert (embeddings @ embeddings.T).min() < 0


def test_an_unknown_backbone_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'resnet50'; choose one of squeezenet1_0"):
        make_pretrained("resnet50", tmp_path / "model")
