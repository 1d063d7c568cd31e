"""Volumes that cannot be written: a clear error, the old set intact, and then recovery."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from injector import files
from injector.contract.reasons import Reason
from injector.errors import PublicationError
from tests.injector.files.volume import current, ours, rendered, seen, sets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
OLD = {"same": "old", "shared/x": "old", "gone/y": "old"}
NEW = {"same": "new", "shared/x": "new", "fresh": "new"}


def test_a_full_volume_keeps_the_old_set_and_recovers(tmp_path: Path) -> None:
    """The kernel refuses a file half way; nothing is left of it, and a smaller set goes in."""
    (before, there), (error, left), (after, new) = _fill(tmp_path)[:3]

    assert (before, after) == ("", "")
    assert error.startswith(f"disk-full: {tmp_path}: ")
    assert "the old files stay" in error
    assert (
        left == there == {"sizes": {"small": 10, "deep/large": 4000}, "sets": 1, "ours": ["..data"]}
    )
    assert new["sizes"] == {"small": 10, "deep/large": 8000}


def test_a_full_volume_keeps_the_old_private_file(tmp_path: Path) -> None:
    """The same of the state: nothing half written stays."""
    (before, there), (error, left), (after, new) = _fill(tmp_path)[3:6]

    assert (before, after) == ("", "")
    assert error.startswith(f"disk-full: {tmp_path}: ")
    assert left == there
    assert (left["sizes"], new["sizes"]) == ({"state": 4000}, {"state": 8000})


def test_a_read_only_volume_is_named(tmp_path: Path) -> None:
    """Neither a set nor a private file goes in, and what is there stays."""
    (error, left), (private, _) = _fill(tmp_path)[6:]

    assert error.startswith(f"write-failed: {tmp_path}: ")
    assert private.startswith(f"write-failed: {tmp_path}: ")
    assert left["sizes"] == {"state": 8000}


def test_a_file_that_is_larger_than_allowed_is_no_space(tmp_path: Path) -> None:
    """A limit of the process or file system; the old set stays, and a smaller one goes in."""
    files.publish(tmp_path, rendered(OLD))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(PublicationError, match="File too large") as caught:
            files.publish(tmp_path, rendered({"same": "x" * 5000}))
        left = seen(tmp_path), len(sets(tmp_path))
        files.publish(tmp_path, rendered(NEW))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert caught.value.reason is Reason.DISK_FULL
    assert left == (OLD, 1)
    assert seen(tmp_path) == NEW


STEPS = [
    "made a directory",
    "wrote a file",
    "made a directory",
    "wrote a file",
    "opened a directory",
    "wrote a file",
    "opened a directory",
    "prepared a link",
    "prepared the switch",
]


@pytest.mark.parametrize("number", range(len(STEPS)))
def test_space_that_ends_at_any_step_before_the_switch(tmp_path: Path, number: int) -> None:
    """The error says so, the old set stays whole and alone, and the next publication succeeds."""
    files.publish(tmp_path, rendered(OLD))
    step, done = _failing(number)
    with pytest.raises(PublicationError, match="No space left on device") as caught:
        files.publish(tmp_path, rendered(NEW), step=step)
    left = seen(tmp_path), len(sets(tmp_path))
    files.publish(tmp_path, rendered(NEW))
    files.sweep(tmp_path)

    assert done[: number + 1] == STEPS[: number + 1]
    assert caught.value.reason is Reason.DISK_FULL
    assert left == (OLD, 1)
    assert (seen(tmp_path), len(sets(tmp_path)), ours(tmp_path)) == (NEW, 1, ["..data"])


@pytest.mark.parametrize("number", range(len(STEPS), len(STEPS) + 2))
def test_a_failure_after_the_switch_keeps_the_new_set(tmp_path: Path, number: int) -> None:
    """What was switched is published; names that are missing are placed the next time."""
    files.publish(tmp_path, rendered(OLD))
    step, done = _failing(number)
    with pytest.raises(PublicationError, match="No space left on device"):
        files.publish(tmp_path, rendered(NEW), step=step)
    left = current(tmp_path)
    again = files.publish(tmp_path, rendered(NEW))

    assert done[len(STEPS) : number + 1] == ["switched", "placed a link"][: number + 1 - len(STEPS)]
    assert (left, again) == (NEW, False)
    assert seen(tmp_path) == NEW


def test_a_missing_volume_is_named(tmp_path: Path) -> None:
    """By its path, for every door."""
    missing = tmp_path / "missing"
    doors: list[Callable[[], object]] = [
        lambda: files.publish(missing, rendered(NEW)),
        lambda: files.differs(missing, rendered(NEW)),
        lambda: files.sweep(missing),
        lambda: files.write_private(missing / "state", b""),
    ]
    reasons = []
    for door in doors:
        with pytest.raises(PublicationError, match=f"{missing}: No such file") as caught:
            door()
        reasons.append(caught.value.reason)

    assert reasons == [Reason.WRITE_FAILED] * 4


def test_a_file_in_the_place_of_a_volume(tmp_path: Path) -> None:
    """It is no directory, and stays."""
    place = tmp_path / "volume"
    place.write_text("theirs")
    with pytest.raises(PublicationError, match="Not a directory"):
        files.publish(place, rendered(NEW))

    assert place.read_text() == "theirs"


def test_a_volume_of_another_user() -> None:
    """Permission is denied, and nothing is there afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder)
        volume.chmod(0o555)
        with _powerless(), pytest.raises(PublicationError, match="Permission denied") as caught:
            files.publish(volume, rendered(NEW))
        left = list(volume.iterdir())
        volume.chmod(0o755)

    assert caught.value.reason is Reason.WRITE_FAILED
    assert left == []


def test_a_set_that_cannot_be_read_is_replaced() -> None:
    """Its files are of somebody else: what we cannot compare, we write again."""
    with tempfile.TemporaryDirectory() as folder:
        volume = Path(folder)
        volume.chmod(0o777)
        files.publish(volume, rendered(OLD))
        (volume / "..data" / "same").chmod(0o000)
        with _powerless():
            switched = files.publish(volume, rendered(OLD))
        found = seen(volume)

    assert switched
    assert found == OLD


@contextmanager
def _powerless() -> Iterator[None]:
    """Be a user like any other, for whom permissions count."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def _failing(number: int) -> tuple[Callable[[str], None], list[str]]:
    """Give a hook that finds no space after its n-th step, and the steps that were done."""
    done: list[str] = []

    def step(word: str) -> None:
        done.append(word)
        if len(done) == number + 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return step, done


def _fill(root: Path) -> list[tuple[str, dict[str, Any]]]:
    command = [sys.executable, "-m", "tests.injector.files.full", str(root)]
    alone = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run([*alone, "true"], check=False, capture_output=True).returncode == 0:
        command = [*alone, *command]
    ended = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)
    story: list[tuple[str, dict[str, Any]]] = json.loads(ended.stdout)
    return story
