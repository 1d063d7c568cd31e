"""Signals to a process of the pod: by name, of our own uid, the one that rules the others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from injector.actions import Teller
from injector.contract.plan import Action
from injector.contract.reasons import Reason
from injector.errors import InjectorError
from tests.injector.supervisor.process import eventually

HANGUP = Action("signal", signal="SIGHUP", process="app")


@dataclass
class Processes:
    """A process file system, and what was sent to whom."""

    folder: Path
    sent: list[tuple[int, int]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    refusing: bool = False

    def add(self, pid: int, comm: str, *, parent: int = 1, uid: int = -1, state: str = "S") -> None:
        """Let a process run; our own uid unless another is given."""
        directory = self.folder / str(pid)
        directory.mkdir()
        (directory / "comm").write_text(f"{comm}\n")
        ids = os.geteuid() if uid < 0 else uid
        lines = [f"Name:\t{comm}", f"State:\t{state} (x)", f"PPid:\t{parent}"]
        lines.append(f"Uid:\t{ids}\t{ids}\t{ids}\t{ids}")
        (directory / "status").write_text("\n".join(lines) + "\n")

    def kill(self, pid: int, number: int) -> None:
        """Take a signal."""
        if self.refusing:
            raise PermissionError(1, "Operation not permitted")
        self.sent.append((pid, number))

    @property
    def teller(self) -> Teller:
        """Carries out actions among these processes."""
        return Teller(self.folder, sleep=self.slept.append, kill=self.kill)


@pytest.fixture
def processes(tmp_path: Path) -> Processes:
    """The pod's pause process and a shell."""
    made = Processes(tmp_path)
    made.add(1, "pause", parent=0, uid=65535)
    made.add(7, "sh")
    (tmp_path / "self").mkdir()
    return made


def test_a_process_gets_its_signal(processes: Processes) -> None:
    """By its name in /proc."""
    processes.add(20, "app")
    processes.teller.tell(HANGUP)

    assert processes.sent == [(20, signal.SIGHUP)]


def test_only_the_master_of_a_server_is_signalled(processes: Processes) -> None:
    """Its workers have the same name and would take the signal for their own."""
    processes.add(20, "app")
    processes.add(21, "app", parent=20)
    processes.add(22, "app", parent=20)
    processes.teller.tell(HANGUP)

    assert processes.sent == [(20, signal.SIGHUP)]


def test_each_container_s_process_is_signalled(processes: Processes) -> None:
    """Two containers that run the same program both read the files."""
    processes.add(20, "app")
    processes.add(30, "app")
    processes.teller.tell(HANGUP)

    assert sorted(processes.sent) == [(20, signal.SIGHUP), (30, signal.SIGHUP)]


def test_linux_cuts_names(processes: Processes) -> None:
    """A name of more than 15 characters is looked for as the kernel keeps it."""
    processes.add(20, "application-ser")
    processes.teller.tell(Action("signal", signal="SIGUSR2", process="application-server"))

    assert processes.sent == [(20, signal.SIGUSR2)]


def test_processes_of_another_uid_are_not_ours(processes: Processes) -> None:
    """A process of somebody else that has the name is left alone, and the failure says so."""
    processes.add(20, "app", uid=12345)

    with pytest.raises(InjectorError, match=f"no process `app` of uid {os.geteuid()}") as caught:
        processes.teller.tell(HANGUP)
    assert caught.value.reason is Reason.ACTION_FAILED
    assert processes.slept == [1.0, 2.0]


def test_our_own_processes_are_never_signalled(processes: Processes) -> None:
    """An application that is called python3 like us must not make us refresh for ever."""
    processes.add(os.getpid(), "python3")
    processes.add(os.getppid(), "python3")
    processes.add(20, "python3")
    processes.teller.tell(Action("signal", signal="SIGHUP", process="python3"))

    assert processes.sent == [(20, signal.SIGHUP)]


def test_a_zombie_is_no_process(processes: Processes) -> None:
    """What has ended cannot be told."""
    processes.add(20, "app", state="Z")

    with pytest.raises(InjectorError, match="no process"):
        processes.teller.tell(HANGUP)


def test_a_process_that_comes_late_is_found(processes: Processes) -> None:
    """A restarting application is looked for again."""
    sleep = processes.slept

    class Late(list[float]):
        def append(self, seconds: float, /) -> None:
            processes.add(20, "app")
            sleep.append(seconds)

    teller = Teller(processes.folder, sleep=Late().append, kill=processes.kill)
    teller.tell(HANGUP)

    assert processes.sent == [(20, signal.SIGHUP)]


def test_a_refused_signal_is_a_failure(processes: Processes) -> None:
    """Without the capability the kernel says no."""
    processes.add(20, "app")
    processes.refusing = True

    with pytest.raises(InjectorError, match="SIGHUP to `app` failed: Operation not permitted"):
        processes.teller.tell(HANGUP)


def test_an_unknown_signal_is_a_failure(processes: Processes) -> None:
    """Only names of signal(7) on this machine."""
    with pytest.raises(InjectorError, match="there is no signal SIGNOPE"):
        processes.teller.tell(Action("signal", signal="SIGNOPE", process="app"))


def test_a_real_process_is_told() -> None:
    """The real /proc and the real kill."""
    script = (
        "import signal, time\n"
        "open('/proc/self/comm', 'w').write('syrette-app')\n"
        "signal.signal(signal.SIGUSR1, lambda *_: exit(7))\n"
        "while True: time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-I", "-c", script]) as process:
        comm = Path(f"/proc/{process.pid}/comm")
        status = Path(f"/proc/{process.pid}/status")
        eventually(lambda: comm.read_text() == "syrette-app\n")
        eventually(lambda: int(_field(status, "SigCgt"), 16) & 1 << signal.SIGUSR1 - 1)
        Teller(sleep=lambda _: None).tell(Action("signal", signal="SIGUSR1", process="syrette-app"))

        assert process.wait(30) == 7


def _field(status: Path, name: str) -> str:
    lines = status.read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))
