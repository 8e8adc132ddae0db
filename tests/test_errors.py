from __future__ import annotations

import errno
from pathlib import Path

import pytest

from firstsight import errors
from firstsight.errors import FirstsightError, MissingExtraError, StorageError, UsageError, storing


def test_every_error_descends_from_one_class_and_ends_with_1_or_2() -> None:
    classes = [getattr(errors, name) for name in errors.__all__ if name != "storing"]
    for each in classes:
        assert issubclass(each, FirstsightError)
        assert each.exit_code == (2 if issubclass(each, UsageError) else 1)


def test_a_missing_extra_says_how_to_install_it() -> None:
    missing = MissingExtraError("serve", "the page")
    assert missing.extra == "serve"
    assert str(missing) == (
        "the page needs the extra 'serve'; install it with: pip install 'firstsight[serve]'"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_becomes_one_sentence() -> None:
    full = Path("/dev/full")
    with (
        pytest.raises(StorageError, match=r"^could not write /dev/full: the disk is full; free"),
        storing(full),
    ):
        full.write_bytes(b"no room")


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EFBIG, "files may not grow that large here; raise the limit"),
        (errno.EDQUOT, "the disk quota is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "permission was denied"),
    ],
)
def test_the_refusals_of_a_disk_become_one_sentence(number: int, reason: str) -> None:
    with pytest.raises(StorageError, match=rf"^could not write run: {reason}") as told:  # noqa: SIM117
        with storing(Path("run")):
            raise OSError(number, "as the system says it")
    assert isinstance(told.value.__cause__, OSError)


def test_other_errors_pass_through() -> None:
    with pytest.raises(FileNotFoundError), storing(Path("run")):
        raise FileNotFoundError(errno.ENOENT, "not there")
    with pytest.raises(ValueError, match="a fault of ours"), storing(Path("run")):
        raise ValueError("a fault of ours")
