"""When the supervisor starts workers, and what becomes of those that fail."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.injector.supervisor.process import Sidecar, alive, ask, eventually, free_port, line

if TYPE_CHECKING:
    from pathlib import Path

ONCE = "report()"
REPEATED = "report(next=0.02)"


def test_without_a_report_the_first_cycle_is_at_once(tmp_path: Path) -> None:
    """Nothing was left behind, so a worker starts, and the next waits for its time."""
    with Sidecar(tmp_path, ONCE).start() as sidecar:
        eventually(lambda: sidecar.journal and not sidecar.children)

        assert sidecar.journal == ["worker"]


def test_init_s_report_is_followed_without_a_worker(tmp_path: Path) -> None:
    """Init has just read everything: the sidecar waits for what init says is due."""
    port = free_port()
    sidecar = Sidecar(tmp_path, ONCE)
    (sidecar.session / "report").write_text(line(port=port))
    with sidecar.start():
        eventually(lambda: sidecar.number("VmRSS") and _listens(port))

        assert sidecar.journal == []


def test_an_old_report_is_due_by_the_time_that_has_passed(tmp_path: Path) -> None:
    """A report of an hour ago that said an hour is due now."""
    sidecar = Sidecar(tmp_path, ONCE)
    (sidecar.session / "report").write_text(line(next=3600.0, at=1_000_000.0))
    with sidecar.start():
        eventually(lambda: sidecar.journal == ["worker"])


def test_cycles_follow_each_other(tmp_path: Path) -> None:
    """Each worker says when the next one is due; none stays behind as a zombie."""
    with Sidecar(tmp_path, REPEATED).start() as sidecar:
        eventually(lambda: len(sidecar.journal) >= 4)
        sidecar.send(signal.SIGSTOP)

        assert len(sidecar.children) <= 1


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    """Kill -9, an exit code, no report: each only delays the next worker."""
    worker = """
number = sum(1 for _ in open(folder + "/journal"))
if number == 1: os.kill(os.getpid(), 9)
if number == 2: sys.exit(17)
if number > 3: report()
"""
    with Sidecar(tmp_path, worker).start(hurried=30.0) as sidecar:
        eventually(lambda: len(sidecar.journal) == 4)
        eventually(lambda: not sidecar.children)

        assert sidecar.process.poll() is None


def test_a_worker_that_cannot_be_started_does_not_end_the_sidecar(tmp_path: Path) -> None:
    """A command that is not there is an error of the moment, such as no memory."""
    command = str(tmp_path / "absent")
    sidecar = Sidecar(tmp_path, ONCE)
    with sidecar.run([str(tmp_path / "hurried.py"), str(tmp_path), "30", command]):
        assert sidecar.process.stderr is not None
        said = [sidecar.process.stderr.readline() for _ in range(7)]

        assert sum("cannot be started" in text for text in said) == 3
        assert sidecar.process.poll() is None


def test_a_hung_worker_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    """The whole process group ends at the deadline, and the next worker runs."""
    worker = """
if sum(1 for _ in open(folder + "/journal")) > 2: report(); sys.exit()
child = os.posix_spawn(sys.executable, [sys.executable, "-I", "-S", "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"], {})
note(f"child {child}")
time.sleep(600)
"""
    with Sidecar(tmp_path, worker).start(hurried=0.5) as sidecar:
        eventually(lambda: len(sidecar.journal) == 3)
        child = int(sidecar.journal[1].split()[1])
        eventually(lambda: not alive(child))

        assert sidecar.journal[2] == "worker"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "next=5",
        "next=5 at=1",
        "next=nan at=1\\n",
        "next=-1 at=1\\n",
        "next=x at=1\\n",
        "at=1\\n",
        "next=5 at=1 \\xe9\\n",
        "x" * 9000 + "\\n",
        "next=5 at=1\\nnext=6",
    ],
)
def test_a_broken_report_counts_as_a_failure(tmp_path: Path, text: str) -> None:
    """Whatever a dying worker wrote, it is started again and never misread."""
    worker = f"""
if sum(1 for _ in open(folder + "/journal")) > 1: report()
else: sys.stdout.buffer.write("{text}".encode("latin-1"))
"""
    with Sidecar(tmp_path, worker).start(hurried=30.0) as sidecar:
        eventually(lambda: len(sidecar.journal) == 2)


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_refreshes_now(tmp_path: Path, number: signal.Signals) -> None:
    """Both signals start a worker that reads everything."""
    with Sidecar(tmp_path, ONCE).start() as sidecar:
        eventually(lambda: sidecar.journal == ["worker"])
        sidecar.send(number)
        eventually(lambda: sidecar.journal == ["worker", "worker now"])


def test_a_signal_during_a_cycle_is_not_lost(tmp_path: Path) -> None:
    """A worker may be past the changed secret already: another one follows it."""
    worker = """
while words == ["worker"] and not os.path.exists(folder + "/go"): time.sleep(0.01)
report()
"""
    with Sidecar(tmp_path, worker).start() as sidecar:
        eventually(lambda: sidecar.journal == ["worker"])
        sidecar.send(signal.SIGHUP)
        (tmp_path / "go").touch()
        eventually(lambda: sidecar.journal == ["worker", "worker now"])


def test_a_worker_gets_our_variables_only(tmp_path: Path) -> None:
    """What else is in the sidecar's environment stays out of the worker's."""
    environment = {"SYRETTE_PLAN": "p", "AWS_REGION": "r", "LD_PRELOAD_": "x", "OTHER": "y"}
    worker = "note(' '.join(sorted(os.environ))); report()"
    with Sidecar(tmp_path, worker, environment=environment).start() as sidecar:
        eventually(lambda: len(sidecar.journal) == 2)
        names = [name for name in sidecar.journal[1].split() if not name.startswith("LC_")]

        assert names == ["AWS_REGION", "SYRETTE_PLAN", "SYRETTE_ROOT"]


def test_a_restart_is_an_exit_code(tmp_path: Path) -> None:
    """The kubelet restarts the pod's containers for that code."""
    with Sidecar(tmp_path, "report(restart=1)").start() as sidecar:
        assert sidecar.wait() == 97


def test_a_restart_is_not_asked_for_twice(tmp_path: Path) -> None:
    """What the predecessor was told is not done again by its successor."""
    sidecar = Sidecar(tmp_path, ONCE)
    (sidecar.session / "report").write_text(line(next=0.0, restart=1.0))
    with sidecar.start():
        eventually(lambda: sidecar.journal == ["worker"])

        assert sidecar.process.poll() is None


def _listens(port: int) -> bool:
    try:
        return ask(port) != b""
    except ConnectionRefusedError:
        return False
