"""What is left on the session volume: private, whole, and ignored with a reason when it is not."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from injector import diagnostics, handover, snapshots, state
from injector.contract import references
from injector.contract.plan import Plan
from injector.cycle import CycleReport
from injector.handover import Handover
from injector.settings import Settings
from injector.state import ReadState, State
from injector.supervision import Report as Line
from tests.injector.cycle.pod import VOLUME, file
from tests.injector.sessions.logins import IDENTITY, Clock, Logins, base, cache_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DB = references.parse("aws-secretsmanager:prod/db")
PLAN = Plan((file(str(DB), "db"),), (), (VOLUME,), max_stale=60.0)
NOW = 1_764_000_000.0
DONE = CycleReport(
    State({DB: ReadState(succeeded_at=NOW)}, published_at=NOW), complete=True, fetched={}, next=9.0
)
FILES = ["metrics.prom", "report", "sessions", "state", "status.json"]


class Volume:
    """A session volume, and the log of who uses it."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(PLAN, "a1b2", IDENTITY, "c0ffee", root)
        self.directory = self.settings.session_directory
        self.directory.mkdir(parents=True)
        self.logins = Logins(Clock(NOW))
        self._log = os.open(root / "log", os.O_WRONLY | os.O_CREAT)
        self._lines = root / "log"
        self.handover = Handover(self.settings, diagnostics.Log(descriptor=self._log))

    @property
    def log(self) -> list[dict[str, Any]]:
        """What was logged."""
        return [json.loads(line) for line in self._lines.read_text().splitlines()]

    def leave(self, done: CycleReport = DONE) -> str:
        """Log in, and leave everything; gives the supervisor's line."""
        cache = cache_of(self.logins)
        cache.get(base())
        return self.handover.leave(done, cache, NOW).line(PLAN)

    def take(self) -> tuple[State, int]:
        """Take everything in another process; gives the state, and how many logins there were."""
        cache = cache_of(self.logins)
        found = self.handover.take(cache)
        cache.get(base())
        return found, len(self.logins.journal)


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    """An empty session volume."""
    return Volume(tmp_path)


def test_what_one_process_leaves_the_next_one_takes(volume: Volume) -> None:
    """The state and the sessions, without a second login and without a word."""
    line = volume.leave()

    assert volume.take() == (DONE.state, 1)
    assert volume.log == []
    assert (volume.directory / "report").read_text() == line


def test_nothing_but_our_files_is_left_and_nobody_else_reads_them(volume: Volume) -> None:
    """Five files of mode 0600."""
    volume.leave()
    found = sorted(volume.directory.iterdir())

    assert [path.name for path in found] == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}


def test_an_empty_volume_is_a_first_start(volume: Volume) -> None:
    """There is nothing to take, and nothing to complain about."""
    assert volume.take() == (State(), 1)
    assert volume.log == []


def test_the_report_says_what_the_supervisor_needs(volume: Volume) -> None:
    """When to go on, from when on it is stale, and whether there is something to give back."""
    plain = Line(volume.leave().encode())
    volume.logins.tenured = True
    other = Line(volume.leave(replace(DONE, restart=True)).encode())

    assert (plain.stale_at, plain.revoke, plain.restart) == (NOW + 60, False, False)
    assert (other.revoke, other.restart) == (True, True)


def _damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def _huge_number(path: Path) -> None:
    text = path.read_text()
    path.write_text(text.replace(str(NOW), "9" * 400))


def _foreign(path: Path) -> None:
    path.write_text(path.read_text().replace("c0ffee", "another"))


def _open(path: Path) -> None:
    path.chmod(0o644)


def _link(path: Path) -> None:
    path.rename(path.with_name("real"))
    path.symlink_to("real")


def _dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_damage, "snapshot-damaged"),
        (_huge_number, "snapshot-damaged"),
        (_foreign, "snapshot-foreign"),
        (_open, "snapshot-foreign"),
        (_link, "snapshot-foreign"),
        (_dangling, "snapshot-foreign"),
        (_directory, "snapshot-foreign"),
    ],
)
@pytest.mark.parametrize("name", [handover.STATE_FILE, handover.SESSIONS_FILE])
def test_a_file_that_is_not_ours_is_ignored_with_a_reason(
    volume: Volume, name: str, spoil: Callable[[Path], None], reason: str
) -> None:
    """And only that one; the next login or read is then made again."""
    volume.leave()
    spoil(volume.directory / name)
    found, logins = volume.take()

    assert (found == State()) == (name == "state")
    assert logins == (2 if name == "sessions" else 1)
    assert [(line["file"], line["reason"]) for line in volume.log] == [(name, reason)]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_written_is_said_and_ends_nothing(volume: Volume, name: str) -> None:
    """The others are written all the same."""
    (volume.directory / name).mkdir()
    volume.leave()
    written = [path.name for path in sorted(volume.directory.iterdir()) if path.is_file()]

    assert written == [other for other in FILES if other != name]
    assert {line["file"] for line in volume.log} == {name}
    assert all("Is a directory" in line["cause"] for line in volume.log)


def test_a_volume_that_is_not_there_ends_nothing(volume: Volume) -> None:
    """Every file is told, and the process goes on."""
    volume.directory.rmdir()
    volume.leave()

    assert sorted({line["file"] for line in volume.log}) == FILES
    assert volume.take()[0] == State()


def test_no_value_of_a_secret_is_logged(volume: Volume) -> None:
    """Whatever the files hold."""
    volume.leave()
    (volume.directory / "sessions").write_text('{"token": "c4nary')
    (volume.directory / "state").write_text('{"value": "c4nary')
    volume.take()

    assert len(volume.log) == 2
    assert "c4nary" not in str(volume.log)


def test_bounds_are_above_what_we_write() -> None:
    """A file that is not ours must not fill the memory of a worker."""
    assert snapshots.MAX_BYTES <= state.MAX_BYTES <= 64 * 2**20


def test_a_worker_that_is_killed_while_it_writes_has_settled_nothing(volume: Volume) -> None:
    """The state comes last: a restart that nobody heard of stays pending."""
    volume.handover.save(replace(DONE.state, pending=frozenset({0})))
    (volume.directory / "report").mkdir()
    killed = replace(volume.handover, log=_Killed())
    with pytest.raises(_KilledError, match="kill"):
        killed.leave(DONE, cache_of(volume.logins), NOW)

    assert volume.handover.take(cache_of(volume.logins)).pending == {0}


class _KilledError(Exception):
    """In place of SIGKILL."""


class _Killed(diagnostics.Log):
    """A log whose first line is the last thing that a process does."""

    def write(self, *_: object, **__: object) -> None:
        """End."""
        msg = "kill"
        raise _KilledError(msg)
