"""Private files: 0600, replaced by rename, read back only when they are ours alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from injector import files
from injector.errors import PublicationError

LIMIT = 100


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(LIMIT))])
def test_what_was_written_is_read(tmp_path: Path, data: bytes) -> None:
    """Up to the limit."""
    files.write_private(tmp_path / "state", data)

    assert files.read_private(tmp_path / "state", LIMIT) == data


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_only_the_owner_may_read(tmp_path: Path, umask: int) -> None:
    """Whatever the umask, and whatever the mode of the file that is replaced."""
    (tmp_path / "state").write_text("old")
    (tmp_path / "state").chmod(0o666)
    before = os.umask(umask)
    try:
        files.write_private(tmp_path / "state", b"x")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_reader_keeps_the_file_that_it_opened(tmp_path: Path) -> None:
    """Writing replaces the file, and never changes one."""
    files.write_private(tmp_path / "state", b"old")
    with (tmp_path / "state").open("rb") as reader:
        files.write_private(tmp_path / "state", b"a new and longer one")

        assert reader.read() == b"old"


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """Neither at the file's name nor at the one that is written first."""
    target = tmp_path / "target"
    target.write_text("theirs")
    (tmp_path / "state").symlink_to(target)
    (tmp_path / "..state.new").symlink_to(target)
    files.write_private(tmp_path / "state", b"ours")

    assert target.read_text() == "theirs"
    assert not (tmp_path / "state").is_symlink()
    assert files.read_private(tmp_path / "state", LIMIT) == b"ours"


def test_a_link_is_not_read(tmp_path: Path) -> None:
    """Though it leads to a private file of ours."""
    files.write_private(tmp_path / "real", b"x")
    (tmp_path / "state").symlink_to("real")

    assert files.read_private(tmp_path / "state", LIMIT) is None


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o644, 0o610])
def test_what_others_may_touch_is_not_read(tmp_path: Path, mode: int) -> None:
    """Reading, writing or passing it."""
    files.write_private(tmp_path / "state", b"x")
    (tmp_path / "state").chmod(mode)

    assert files.read_private(tmp_path / "state", LIMIT) is None


def test_what_is_of_another_owner_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We are somebody else than who wrote it."""
    files.write_private(tmp_path / "state", b"x")
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / "state").stat().st_uid + 1)

    assert files.read_private(tmp_path / "state", LIMIT) is None


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    """One byte more than the limit; a sparse file of a terabyte costs nothing."""
    files.write_private(tmp_path / "state", b"x" * (LIMIT + 1))
    files.write_private(tmp_path / "huge", b"")
    os.truncate(tmp_path / "huge", 1 << 40)

    assert files.read_private(tmp_path / "state", LIMIT) is None
    assert files.read_private(tmp_path / "huge", LIMIT) is None


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A directory, a pipe that nobody writes to, and nothing at all."""
    (tmp_path / "directory").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    found = [files.read_private(tmp_path / n, LIMIT) for n in ("directory", "pipe", "none")]

    assert found == [None, None, None]


@pytest.mark.parametrize("name", ["state", "..state.new"])
def test_a_directory_in_its_place_is_an_error(tmp_path: Path, name: str) -> None:
    """The error names the volume, and nothing half written is left."""
    (tmp_path / name).mkdir()
    with pytest.raises(PublicationError, match=f"^{tmp_path}: "):
        files.write_private(tmp_path / "state", b"x")

    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_volume_that_is_not_there_is_an_error() -> None:
    """No directory is made."""
    with pytest.raises(PublicationError, match="No such file"):
        files.write_private(Path("/nonexistent/state"), b"x")
