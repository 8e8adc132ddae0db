from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from firstsight.data.catalogue import KNOWN_NAMES, read_manifest
from firstsight.data.sources import (
    KnownFile,
    cache_folder,
    contents_hash,
    known_datasets,
    known_file,
    locate,
)
from firstsight.errors import DataError, DataUnavailable

MEMBERS = {"toy/b.png": b"second", "toy/a.png": b"first", "toy/labels.txt": b"a b"}


def framed(*parts: bytes) -> str:
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


TOY_CONTENTS = framed(b"toy/a.png", b"first", b"toy/b.png", b"second", b"toy/labels.txt", b"a b")
TOY = KnownFile(name="toy.zip", address="below/toy.zip", n_files=3, contents=TOY_CONTENTS)


def zip_members(
    path: Path, members: dict[str, bytes] = MEMBERS, compression: int = ZIP_DEFLATED
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with ZipFile(path, "w", compression) as archive:
        for member, body in members.items():
            archive.writestr(member, body)
    return path


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


def refusing_address() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def test_the_contents_hash_is_taken_over_sorted_names_and_bodies(tmp_path: Path) -> None:
    assert contents_hash(zip_members(tmp_path / "toy.zip")) == TOY_CONTENTS


def test_zipping_the_same_pictures_again_keeps_the_contents_hash(tmp_path: Path) -> None:
    noise = {"__MACOSX/toy/._a.png": b"x", "toy/.DS_Store": b"y", "toy/": b""}
    again = {**noise, **dict(sorted(MEMBERS.items()))}
    path = zip_members(tmp_path / "again.zip", again, ZIP_STORED)
    assert contents_hash(path) == TOY_CONTENTS


def test_moving_bytes_from_a_name_to_its_body_changes_the_contents_hash(tmp_path: Path) -> None:
    one = contents_hash(zip_members(tmp_path / "1.zip", {"a.png": b"b.pngc"}))
    two = contents_hash(zip_members(tmp_path / "2.zip", {"a.png": b"", "b.png": b"c"}))
    assert one != two


@pytest.mark.parametrize(
    "name",
    [
        "images_background.zip",
        "images_evaluation.zip",
        "images_background_small1.zip",
        "images_background_small2.zip",
        "all_runs.zip",
    ],
)
def test_the_real_zips_are_genuine(
    name: str, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(data_root))
    assert locate(name) == data_root / "omniglot" / name
    with ZipFile(data_root / "omniglot" / name) as archive:
        files = [member for member in archive.namelist() if member.endswith((".png", ".txt"))]
    assert len(files) == known_file(name).n_files


def test_the_named_data_folder_comes_before_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zip_members(cache_folder() / "data" / "toy.zip")
    assert locate(TOY) == cache_folder() / "data" / "toy.zip"
    own = zip_members(tmp_path / "mine" / "omniglot" / "toy.zip")
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "mine"))
    assert locate(TOY) == own


def test_an_unpacked_folder_serves_as_well_as_the_zip(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = tmp_path / "mine" / "omniglot" / "toy"
    unpacked.mkdir(parents=True)
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "mine"))
    assert locate(TOY) == unpacked


def test_a_zip_with_other_contents_is_refused_with_the_remedy() -> None:
    zip_members(cache_folder() / "data" / "toy.zip", {"toy/a.png": b"other"})
    with pytest.raises(DataError, match=r"holds 1 pictures .* expected 3 .*; delete it"):
        locate(TOY)


def test_a_damaged_zip_is_refused_with_the_remedy() -> None:
    path = zip_members(cache_folder() / "data" / "toy.zip", compression=ZIP_STORED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(DataError, match=r"is damaged .*; delete it"):
        locate(TOY)
    path.write_bytes(whole.replace(b"second", b"sEcond", 1))
    with pytest.raises(DataError, match=r"is damaged .*CRC"):
        locate(TOY)


def test_a_member_that_claims_to_be_huge_is_not_read(tmp_path: Path) -> None:
    path = zip_members(tmp_path / "huge.zip", {"a.png": bytes(2**20 + 1)})
    with pytest.raises(DataError, match="claims 1,048,577 bytes"):
        contents_hash(path)


def test_a_missing_zip_cannot_be_hashed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        contents_hash(tmp_path / "none.zip")


def test_a_verified_zip_is_remembered_until_it_changes() -> None:
    path = zip_members(cache_folder() / "data" / "toy.zip", compression=ZIP_STORED)
    locate(TOY)
    note = (cache_folder() / "data" / "verified.json").stat().st_mtime_ns
    locate(TOY)
    assert (cache_folder() / "data" / "verified.json").stat().st_mtime_ns == note
    zip_members(path, {"toy/a.png": b"other"})
    with pytest.raises(DataError, match="not the genuine"):
        locate(TOY)


def test_a_spoilt_memory_only_costs_a_second_verification() -> None:
    path = zip_members(cache_folder() / "data" / "toy.zip")
    (cache_folder() / "data" / "verified.json").write_text("{spoilt")
    assert locate(TOY) == path
    (cache_folder() / "data" / "verified.json").write_text("[1]")
    assert locate(TOY) == path


def test_a_file_found_nowhere_is_downloaded_once(served: tuple[Path, str]) -> None:
    folder, address = served
    zip_members(folder / "below" / "toy.zip")
    told: list[tuple[int, int]] = []
    path = locate(
        TOY, base_address=address, progress=lambda done, total: told.append((done, total))
    )
    size = (folder / "below" / "toy.zip").stat().st_size
    assert path == cache_folder() / "data" / "toy.zip"
    assert contents_hash(path) == TOY_CONTENTS
    assert told[-1] == (size, size)
    (folder / "below" / "toy.zip").unlink()
    assert locate(TOY, base_address=address) == path


@pytest.mark.parametrize("body", [b"<html>please log in</html>", None])
def test_a_download_of_something_else_leaves_nothing_behind(
    served: tuple[Path, str], body: bytes | None
) -> None:
    folder, address = served
    if body is None:
        zip_members(folder / "below" / "toy.zip", {"toy/a.png": b"other"})
    else:
        (folder / "below").mkdir()
        (folder / "below" / "toy.zip").write_bytes(body)
    with pytest.raises(DataError, match=r"not the genuine toy\.zip and was not kept"):
        locate(TOY, base_address=address)
    assert list((cache_folder() / "data").iterdir()) == []


def test_a_refused_connection_fails_fast_and_names_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "mine"))
    address = refusing_address()
    begun = monotonic()
    with pytest.raises(DataUnavailable) as refusal:
        locate(TOY, base_address=address)
    assert monotonic() - begun < 5
    message = str(refusal.value)
    for place in (tmp_path / "mine" / "omniglot", cache_folder() / "data", address):
        assert str(place) in message
    assert "set FIRSTSIGHT_DATA" in message
    assert list((cache_folder() / "data").iterdir()) == []


def test_an_address_that_does_not_exist_is_unavailable(served: tuple[Path, str]) -> None:
    with pytest.raises(DataUnavailable, match="HTTP 404"):
        locate(TOY, base_address=served[1])


def test_offline_nobody_is_asked(served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, address = served
    zip_members(folder / "below" / "toy.zip")
    monkeypatch.setenv("FIRSTSIGHT_OFFLINE", "1")
    with pytest.raises(DataUnavailable, match="FIRSTSIGHT_OFFLINE"):
        locate(TOY, base_address=address)
    monkeypatch.setenv("FIRSTSIGHT_OFFLINE", "0")
    assert locate(TOY, base_address=address).is_file()


def test_an_unknown_file_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(DataUnavailable, match=r"images_background\.zip"):
        locate("images_foreground.zip")


def test_known_datasets_say_where_they_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "mine" / "omniglot" / "images_background.zip"
    zip_members(place)
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "mine"))
    known = {dataset.name: dataset for dataset in known_datasets()}
    assert known["omniglot:background"].place == str(place)
    assert known["omniglot:background"].count == 19_280
    assert known["omniglot:evaluation"].place is None
    assert known["omniglot:evaluation"].licence == "MIT"
    assert known["glyphs"].place is not None
    assert {"digits", "omniglot:minimal1", "omniglot:minimal2", "omniglot:runs"} <= set(known)


def test_every_set_that_can_be_named_is_listed_with_its_pictures(
    data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(data_root))
    known = {dataset.name: dataset for dataset in known_datasets()}
    assert set(known) == {*KNOWN_NAMES, "omniglot:runs"}
    for name in ("omniglot:vinyals-train", "omniglot:koch-validation", "omniglot:koch-test"):
        manifest = read_manifest(name)
        assert known[name].count == len(manifest)
        for source in manifest.sources[:: len(manifest) // 2]:
            assert str(source.path) in str(known[name].place)


def test_a_part_cut_out_of_two_sets_is_here_where_both_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zip_members(tmp_path / "mine" / "omniglot" / "images_background.zip")
    monkeypatch.setenv("FIRSTSIGHT_DATA", str(tmp_path / "mine"))
    monkeypatch.setenv("FIRSTSIGHT_CACHE", str(tmp_path / "cache"))
    known = {dataset.name: dataset for dataset in known_datasets()}
    assert known["omniglot:koch-train"].place is not None
    assert known["omniglot:vinyals-train"].place is None
    assert known["omniglot:vinyals-train"].address.endswith("images_evaluation.zip")
