from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from firstsight.data.audit import Audit, Finding, audit
from firstsight.data.catalogue import read_parts
from firstsight.data.folder import read_folder
from firstsight.data.manifest import Manifest


def photo(seed: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Blobs of colour, as unlike another seed's as two photographs are."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def things(root: Path, **counts: int) -> Path:
    """root/NAME/NUMBER.png, no two alike."""
    for place, (name, count) in enumerate(counts.items()):
        (root / name).mkdir(parents=True)
        for number in range(count):
            photo(100 * place + number).save(root / name / f"{number}.png")
    return root


def audited(*parts: tuple[str, Manifest]) -> Audit:
    return audit("things", dict(parts), lambda done, total: None)


def of_kind(found: Audit, kind: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.kind == kind]


def test_a_good_folder_gives_nothing_to_say(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    manifest = read_folder(things(tmp_path, cup=3, mug=2))
    found = audit("things", {"": manifest}, lambda *each: told.append(each))
    assert (found.findings, found.is_sound, found.parts) == ((), True, ())
    assert (found.n_pictures, found.n_classes) == (5, 2)
    assert told == [(5, 5)]


def test_the_same_file_twice_in_a_class_is_a_remark(tmp_path: Path) -> None:
    root = things(tmp_path, cup=2, mug=2)
    for copy in ("8", "9"):
        shutil.copy(root / "cup/0.png", root / f"cup/{copy}.png")
    found = audited(("", read_folder(root)))
    (finding,) = found.findings
    assert (finding.kind, finding.unsound, found.is_sound) == ("same file", False, True)
    assert finding.pictures == tuple(str(root / f"cup/{name}.png") for name in (0, 8, 9))
    assert finding.told.startswith(f"in one class: {root}/cup/0.png (cup) and ")


def test_the_same_file_under_two_classes_or_in_two_parts_is_unsound(tmp_path: Path) -> None:
    train = things(tmp_path / "train", cup=2, mug=2)
    test = things(tmp_path / "test", cup=0, pot=0)
    photo(1000).save(test / "cup/a.png")
    photo(1001).save(test / "pot/b.png")
    shutil.copy(train / "cup/0.png", train / "mug/9.png")
    shutil.copy(train / "cup/1.png", test / "cup/9.png")
    shutil.copy(train / "mug/1.png", test / "pot/9.png")
    found = audited(("train", read_folder(train)), ("test", read_folder(test)))
    assert not found.is_sound
    assert [finding.told.split(":")[0] for finding in of_kind(found, "same file")] == [
        "under two classes",
        "in two parts",
        "in two parts and under two classes",
    ]
    assert all(finding.unsound for finding in of_kind(found, "same file"))
    (shared,) = of_kind(found, "shared classes")
    assert shared.told.startswith("train, test have 1 classes in common")
    assert not shared.unsound
    assert found.findings[0].unsound  # they come first


def test_any_two_of_several_parts_may_share_classes(tmp_path: Path) -> None:
    parts = [
        (name, read_folder(things(tmp_path / name, **classes)))
        for name, classes in (
            ("train", {"cup": 2, "mug": 2}),
            ("val", {"pan": 2, "pot": 2}),
            ("test", {"cup": 2, "mug": 2}),
        )
    ]
    (shared,) = of_kind(audited(*parts), "shared classes")
    assert shared.told.startswith("train, test have 2 classes in common")


def test_pictures_saved_again_are_near_duplicates_and_a_remark(tmp_path: Path) -> None:
    root = things(tmp_path, cup=3, mug=3)
    again = Image.open(root / "cup/1.png").resize((48, 36))
    again.save(root / "mug/again.jpg", quality=60)
    found = audited(("", read_folder(root)))
    (finding,) = found.findings
    assert (finding.kind, finding.unsound) == ("near duplicate", False)
    assert finding.told.startswith("under two classes: ")
    assert {Path(name).name for name in finding.pictures} == {"1.png", "again.jpg"}


def test_turned_by_its_tag_a_picture_is_still_the_same(tmp_path: Path) -> None:
    root = things(tmp_path, cup=2, mug=2)
    tag = Image.Exif()
    tag[0x0112] = 6  # a quarter turn clockwise makes it upright
    upright = Image.open(root / "cup/0.png")
    turned = upright.transpose(Image.Transpose.ROTATE_90)
    turned.save(root / "cup/turned.jpg", exif=tag, quality=95)
    (finding,) = audited(("", read_folder(root))).findings
    assert {Path(name).name for name in finding.pictures} == {"0.png", "turned.jpg"}


def test_unreadable_files_are_each_named_and_do_not_count(tmp_path: Path) -> None:
    root = things(tmp_path, cup=2, mug=2, pot=2)
    (root / "cup/0.png").write_bytes(b"no picture")
    (root / "pot/0.png").write_bytes(b"")
    (root / "pot/1.png").write_bytes((root / "pot/1.png").read_bytes()[:200])
    found = audited(("", read_folder(root)))
    unreadable = of_kind(found, "unreadable")
    assert [Path(finding.pictures[0]).relative_to(root).as_posix() for finding in unreadable] == [
        "cup/0.png",
        "pot/0.png",
        "pot/1.png",
    ]
    assert all(finding.told.startswith(finding.pictures[0]) for finding in unreadable)
    few = [finding.told for finding in of_kind(found, "few pictures")]
    assert few == [
        "1 classes have two pictures or more, and learning needs two such classes",
        "cup has one picture; training leaves it out",
        "pot has no picture that can be read; training leaves it out",
    ]
    assert not found.is_sound


def test_odd_pictures_are_told_beside_the_usual_ones(tmp_path: Path) -> None:
    root = things(tmp_path, cup=9, mug=9)
    photo(900, (20, 30)).save(root / "cup/tiny.png")
    photo(901, (200, 30)).save(root / "cup/narrow.png")
    photo(902).convert("L").save(root / "cup/grey.png")
    photo(903).convert("L").convert("RGB").save(root / "cup/grey as colour.jpg")
    photo(904).convert("CMYK").save(root / "mug/print.jpg")
    photo(905).convert("P", palette=Image.Palette.ADAPTIVE).save(root / "mug/palette.png")
    deep = np.asarray(photo(906).convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(root / "mug/deep.png")
    frames = [photo(907), photo(908)]
    frames[0].save(root / "mug/film.webp", save_all=True, append_images=frames[1:], lossless=True)
    found = audited(("", read_folder(root)))
    told = [(finding.kind, Path(finding.pictures[0]).stem) for finding in found.findings]
    assert sorted(told) == [
        ("animated", "film"),
        ("grey among colour", "deep"),
        ("grey among colour", "grey"),
        ("grey among colour", "grey as colour"),
        ("narrow", "narrow"),
        ("odd mode", "deep"),
        ("odd mode", "palette"),
        ("odd mode", "print"),
        ("tiny", "tiny"),
    ]
    assert found.is_sound


def test_what_all_pictures_are_like_is_not_odd(tmp_path: Path) -> None:
    root = things(tmp_path, cup=3, mug=3)
    for file in sorted(root.rglob("*.png")):
        Image.open(file).convert("L").convert("P").save(file)
    assert audited(("", read_folder(root))).findings == ()


def test_as_json_it_says_whether_it_is_sound(tmp_path: Path) -> None:
    record = audited(("", read_folder(things(tmp_path, cup=1, mug=2)))).to_json()
    assert record["sound"] is False
    assert record["counts"] == {"few pictures": 2}
    assert record["findings"][0]["unsound"] is True


def test_the_hard_pictures_are_all_read_or_named(data_root: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        shutil.copytree(data_root / "hard-images", tmp_path / name)
    found = audited(("", read_folder(tmp_path)))
    counts = found.counts()
    unreadable = {Path(each.pictures[0]).name for each in of_kind(found, "unreadable")}
    assert {"empty.jpg", "text_named.jpg", "photo_truncated_50pct.jpg"} <= unreadable
    assert "photo_cmyk.jpg" not in unreadable
    narrow = {Path(each.pictures[0]).name for each in of_kind(found, "tiny")}
    assert {"extreme_aspect.png", "one_pixel.png"} <= narrow
    assert {Path(each.pictures[0]).name for each in of_kind(found, "animated")} == {
        "iss634.apng",
        "iss634.webp",
    }
    assert counts["same file"] * 2 + counts["unreadable"] == found.n_pictures
    assert not found.is_sound  # every picture is under two classes


def test_the_snacks_repeat_fifteen_pictures_all_of_pineapples(data_root: Path) -> None:
    parts = read_parts("snacks")
    found = audit("snacks", parts, lambda done, total: None)
    assert (found.n_pictures, found.n_classes) == (6745, 20)
    assert found.parts == ("train", "val", "test")
    same = of_kind(found, "same file")
    files = (path for path in (data_root / "snacks").rglob("*.jpg"))
    digests = Counter(hashlib.sha256(path.read_bytes()).digest() for path in files)
    assert len(same) == sum(count > 1 for count in digests.values()) == 15
    assert all("/pineapple/" in name for finding in same for name in finding.pictures)
    where = Counter(
        "/".join(sorted(Path(name).parts[-3] for name in finding.pictures)) for finding in same
    )
    assert where == {"train/train": 11, "train/val": 2, "test/train": 2}
    assert sum(finding.unsound for finding in found.findings) == 4
    # All five were looked at: one photo edited, or two taken in a row.
    near = {
        frozenset(Path(name).stem for name in each.pictures)
        for each in of_kind(found, "near duplicate")
    }
    assert near == {
        frozenset({"32db8ae89c7e8b11", "7da8dbb34ffc2af4"}),
        frozenset({"1a8b28fc64bf8e0d", "f636c371d7583cdc"}),
        frozenset({"0bbecfead37f3b87", "36b635414ea79c28"}),
        frozenset({"371f6ff733f91f07", "020b460c723a7f41"}),
        frozenset({"4a4872fc8c3fe24f", "64cf3791811a8d33"}),
    }
