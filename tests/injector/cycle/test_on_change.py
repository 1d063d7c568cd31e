"""When the application is told: after a publication that changed something, never on the first."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from injector import cycle
from injector.contract.plan import Action
from injector.contract.reasons import Reason
from injector.edges import Edges
from injector.errors import InjectorError
from injector.state import State
from injector.worker import replica
from tests.injector.cycle.pod import UID, Pod, file, machine

if TYPE_CHECKING:
    from pathlib import Path

    from injector.cycle import CycleReport
    from worlds.aws import AwsWorld

DB, URL = "aws-secretsmanager:prod/db", "aws-ssm:/prod/url"
RELOAD = Action("http", method="POST", url="http://127.0.0.1:1/reload")
HANGUP = Action("signal", signal="SIGHUP", process="app")
QUARTER = 900.0


@dataclass
class Application:
    """Takes what it is told, or fails as often as it should."""

    told: list[Action] = field(default_factory=list)
    failing: int = 0

    def tell(self, action: Action) -> None:
        """Note an action."""
        if self.failing:
            self.failing -= 1
            raise InjectorError(Reason.ACTION_FAILED, "no process `app`")
        self.told.append(action)


class Cycles:
    """Runs cycles of one pod in memory, keeping the state as workers do."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod
        self.application = Application()
        with machine(pod.time) as here:
            sessions = here.open_sessions(pod.settings, here)
            edges = Edges(sessions, pod.settings.volume, clock=pod.time)
            self.state: State = cycle.run(pod.plan, State(), edges).state

    def run(self, after: float = QUARTER) -> CycleReport:
        """Run the next one."""
        self.pod.time.now += after
        with machine(self.pod.time) as here:
            edges = Edges(
                here.open_sessions(self.pod.settings, here),
                self.pod.settings.volume,
                act=self.application.tell,
                replica=0.5,
                clock=self.pod.time,
                draw=lambda: 0.5,
            )
            report = cycle.run(self.pod.plan, self.state, edges)
        self.state = report.state
        return report


@pytest.fixture
def cycles(world: AwsWorld, tmp_path: Path) -> Cycles:
    """A pod that reloads for its secret, and gets a signal for its parameter."""
    world.put_secret("prod/db", "one")
    world.put_parameter("/prod/url", "first")
    secrets = file(DB, "db", on_change=RELOAD), file(URL, "url", on_change=HANGUP)
    return Cycles(Pod(world, tmp_path, *secrets))


def test_the_first_publication_tells_nobody(cycles: Cycles) -> None:
    """The application starts after it."""
    cycles.run()

    assert cycles.application.told == []


def test_a_change_tells_of_itself_only(world: AwsWorld, cycles: Cycles) -> None:
    """The secret moved, the parameter did not: one action, once."""
    world.rotate("prod/db", "two")
    cycles.run()
    cycles.run()

    assert cycles.application.told == [RELOAD]


def test_one_action_for_many_secrets_is_one(world: AwsWorld, tmp_path: Path) -> None:
    """Two files that changed together reload the application once."""
    world.put_secret("prod/db", '{"user": "a", "password": "b"}')
    names = ("user", "password")
    secrets = [file(f"{DB}#{name}", name, on_change=RELOAD) for name in names]
    cycles = Cycles(Pod(world, tmp_path, *secrets))
    world.rotate("prod/db", '{"user": "c", "password": "d"}')
    cycles.run()

    assert cycles.application.told == [RELOAD]


def test_an_action_that_failed_is_done_in_the_next_cycle(world: AwsWorld, cycles: Cycles) -> None:
    """It stays pending, is reported, and is done when the application can take it."""
    cycles.application.failing = 1
    world.rotate("prod/db", "two")
    report = cycles.run()

    assert list(report.untold or {}) == [RELOAD]
    assert report.state.pending == {0}
    cycles.run()

    assert cycles.application.told == [RELOAD]
    assert cycles.state.pending == frozenset()


def test_a_worker_killed_after_the_switch_forgets_nothing(world: AwsWorld, cycles: Cycles) -> None:
    """The action is written down before the switch; the next worker does it."""
    noted: list[State] = []
    world.rotate("prod/db", "two")
    cycles.pod.time.now += QUARTER
    with machine(cycles.pod.time) as here:
        sessions = here.open_sessions(cycles.pod.settings, here)
        volume, save = cycles.pod.settings.volume, noted.append
        edges = Edges(sessions, volume, act=_killed, save=save, clock=cycles.pod.time)
        with pytest.raises(_KilledError, match="kill"):
            cycle.run(cycles.pod.plan, cycles.state, edges)
    cycles.state = noted[-1]
    cycles.run(60.0)

    assert cycles.application.told == [RELOAD]


def test_an_action_waits_for_its_volume(world: AwsWorld, cycles: Cycles) -> None:
    """Nobody is told of files that are not there yet."""
    world.rotate("prod/db", "two")
    away = cycles.pod.volume().rename(cycles.pod.volume().with_name("away"))
    cycles.run()

    assert cycles.application.told == []
    away.rename(cycles.pod.volume())
    cycles.run(30.0)

    assert cycles.application.told == [RELOAD]


def test_a_lost_state_tells_when_files_differ(world: AwsWorld, cycles: Cycles) -> None:
    """Without state a worker sees from the volume that the application has older files."""
    world.rotate("prod/db", "two")
    cycles.state = State()
    cycles.run()

    assert cycles.application.told == [RELOAD, HANGUP]


def test_a_lost_state_is_silent_when_files_are_the_same(cycles: Cycles) -> None:
    """The same content again is no change."""
    cycles.state = State()
    cycles.run()

    assert cycles.application.told == []


def test_a_restart_waits_for_its_replica_s_turn(world: AwsWorld, tmp_path: Path) -> None:
    """Half of the spread for a replica in the middle; then once."""
    world.put_secret("prod/db", "one")
    secret = file(DB, "db", on_change=Action("restart"))
    cycles = Cycles(Pod(world, tmp_path, secret, restart_spread=60.0))
    world.rotate("prod/db", "two")
    report = cycles.run()

    assert not report.restart
    assert report.next == pytest.approx(30.0, abs=0.1)
    assert cycles.run(30.0).restart
    assert not cycles.run(30.0).restart


def test_replicas_have_different_turns() -> None:
    """A pod's turn is fixed and in [0, 1)."""
    turns = {replica(f"{UID}-{number}") for number in range(100)}

    assert len(turns) == 100
    assert all(0 <= turn < 1 for turn in turns)


def test_init_leaves_nothing_pending(cycles: Cycles) -> None:
    """After a restart of all containers the application starts with the new files."""
    cycles.state = replace(cycles.state, pending=frozenset({0, 1}))
    pod = cycles.pod
    with machine(pod.time) as here:
        edges = Edges(here.open_sessions(pod.settings, here), pod.settings.volume, clock=pod.time)
        report = cycle.run(pod.plan, cycles.state, edges)

    assert report.state.pending == frozenset()


class _KilledError(BaseException):
    """Stands for kill -9."""


def _killed(_: Action) -> None:
    msg = "kill -9"
    raise _KilledError(msg)


def test_an_action_that_failed_does_not_wait_for_the_next_refresh(
    world: AwsWorld, tmp_path: Path
) -> None:
    """The application may be up again in a minute, and the next read is due in a day."""
    world.put_secret("prod/db", "one")
    cycles = Cycles(Pod(world, tmp_path, file(DB, "db", on_change=RELOAD, refresh=86_400.0)))
    cycles.application.failing = 1
    world.rotate("prod/db", "two")
    report = cycles.run(100_000.0)

    assert report.next == cycle.ACT_AGAIN
    assert cycles.run(report.next).next > cycle.ACT_AGAIN
    assert cycles.application.told == [RELOAD]


@pytest.mark.parametrize("action", [RELOAD, Action("restart")])
def test_what_is_published_already_is_no_change(
    world: AwsWorld, tmp_path: Path, action: Action
) -> None:
    """A state that could not be written is older than the files: they are not told of again."""
    world.put_secret("prod/db", "one")
    cycles = Cycles(Pod(world, tmp_path, file(DB, "db", on_change=action)))
    old = cycles.state
    world.rotate("prod/db", "two")
    first = cycles.run()
    cycles.state = old
    second = cycles.run()

    assert [first.restart, second.restart] == [action.kind == "restart", False]
    assert cycles.application.told == ([RELOAD] if action is RELOAD else [])


def test_a_restart_is_not_put_off_by_later_changes(world: AwsWorld, tmp_path: Path) -> None:
    """A neighbour that changes all the time must not keep a replica from its turn."""
    world.put_secret("prod/db", "one")
    world.put_parameter("/prod/url", "first")
    secrets = file(DB, "db", on_change=Action("restart")), file(URL, "url")
    cycles = Cycles(Pod(world, tmp_path, *secrets, restart_spread=4 * QUARTER))
    world.rotate("prod/db", "two")
    restarts = []
    for number in range(4):
        world.put_parameter("/prod/url", f"next {number}")
        restarts.append(cycles.run().restart)

    assert restarts == [False, False, True, False]


def test_a_clock_set_back_does_not_put_off_a_restart(world: AwsWorld, tmp_path: Path) -> None:
    """A restart that was wanted tomorrow is wanted now."""
    world.put_secret("prod/db", "one")
    secret = file(DB, "db", on_change=Action("restart"))
    cycles = Cycles(Pod(world, tmp_path, secret, restart_spread=60.0))
    world.rotate("prod/db", "two")
    cycles.run()
    report = cycles.run(-86_400.0)

    assert report.next <= 60.0
    assert cycles.run(report.next).restart
