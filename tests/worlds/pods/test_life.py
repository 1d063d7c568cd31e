"""Whole lives of pods, as processes: starts and ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.injector.supervisor.process import eventually
from tests.worlds.pods.pods import DONE, FAIL, container, pod, sidecar, told
from worlds.pods import Application, PodPhase

if TYPE_CHECKING:
    from tests.worlds.pods.conftest import Make

# Says when it is up, and takes its time when it is told to end.
SLOW = """
import signal, sys, time
def end(*_):
    time.sleep(0.2); sys.exit(0)
signal.signal(signal.SIGTERM, end); print("up", flush=True); time.sleep(600)
"""
STUBBORN = SLOW.replace("time.sleep(0.2); sys.exit(0)", "pass").replace(
    "time.sleep(600)", "[time.sleep(1) for _ in range(600)]"
)


def test_containers_start_in_order(make: Make) -> None:
    """Init containers one after the other, a sidecar in its turn, regular ones at the end."""
    runner = make(
        pod(
            container("app"),
            container("web"),
            initContainers=[container("one", DONE), sidecar("proxy"), container("two", DONE)],
        )
    )
    runner.start()

    assert told(runner) == [
        ("one", "started"),
        ("one", "ended"),
        ("proxy", "started"),
        ("two", "started"),
        ("two", "ended"),
        ("app", "started"),
        ("web", "started"),
    ]
    assert runner.phase is PodPhase.RUNNING
    assert runner.containers["one"].exit_code == 0
    assert runner.containers["one"].pid is None
    assert runner.containers["app"].process is not None


def test_everything_ends_in_kubernetes_order(make: Make) -> None:
    """Regular containers together; once they ended the sidecars, the last one first."""
    runner = make(
        pod(
            container("app", SLOW),
            container("web", SLOW),
            initContainers=[sidecar("one", SLOW), sidecar("two", SLOW)],
        )
    )
    runner.start()
    eventually(lambda: all(it.log() == "up\n" for it in runner.containers.values()))
    runner.stop()
    ends = told(runner, "SIGTERM", "ended")

    assert ends[:2] == [("app", "SIGTERM"), ("web", "SIGTERM")]
    assert sorted(ends[2:4]) == [("app", "ended"), ("web", "ended")]
    assert ends[4:] == [("two", "SIGTERM"), ("two", "ended"), ("one", "SIGTERM"), ("one", "ended")]
    assert {it.exit_code for it in runner.containers.values()} == {0}
    assert runner.containers["app"].restarts == 0


def test_the_grace_period_ends_with_sigkill(make: Make) -> None:
    """What does not listen is killed, as 128 and the signal's number."""
    runner = make(pod(container("app", STUBBORN), initContainers=[sidecar("proxy", STUBBORN)]))
    runner.start()
    eventually(lambda: all(it.log() == "up\n" for it in runner.containers.values()))
    runner.stop(0.2)

    assert told(runner, "SIGTERM", "SIGKILL", "ended") == [
        ("app", "SIGTERM"),
        ("app", "SIGKILL"),
        ("app", "ended"),
        ("proxy", "SIGTERM"),
        ("proxy", "SIGKILL"),
        ("proxy", "ended"),
    ]
    assert runner.containers["app"].exit_code == 137


def test_a_job_ends_its_sidecars(make: Make) -> None:
    """When the regular containers are done, so is the pod."""
    runner = make(
        pod(container("job", DONE), initContainers=[sidecar("proxy")], restartPolicy="Never")
    )
    runner.start()

    assert runner.wait() == 0
    assert runner.phase is PodPhase.SUCCEEDED
    assert told(runner)[-3:] == [("job", "ended"), ("proxy", "SIGTERM"), ("proxy", "ended")]


def test_a_job_that_fails_fails_the_pod(make: Make) -> None:
    """`Never` is never, and the exit code is told."""
    runner = make(pod(container("job", FAIL), restartPolicy="Never"))
    runner.start()

    assert runner.wait("job") == 3
    assert (runner.wait(), runner.phase) == (3, PodPhase.FAILED)


def test_nothing_of_a_container_outlives_it(make: Make) -> None:
    """Children in other process groups end with the first process, as in a PID namespace."""
    code = """
import os, time
child = os.posix_spawn("/bin/sleep", ["sleep", "600"], {}, setpgroup=0)
print(child, flush=True); time.sleep(600)
"""
    runner = make(pod(container("app", code), restartPolicy="Never"))
    runner.start()
    log = runner.containers["app"].log
    eventually(lambda: log().endswith("\n"))
    child = int(log())
    runner.kill("app")
    runner.wait("app")

    eventually(lambda: not _lives(child))


def test_a_signal_reaches_the_first_process(make: Make) -> None:
    """Any signal by number."""
    code = "import signal; print('up', flush=True); print(signal.sigwait({signal.SIGUSR1}).name)"
    blocked = f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]); {code}"
    runner = make(pod(container("app", blocked), restartPolicy="Never"))
    runner.start()
    eventually(lambda: "up" in runner.containers["app"].log())
    runner.signal("app", signal.SIGUSR1)

    assert runner.wait() == 0
    assert runner.containers["app"].log() == "up\nSIGUSR1\n"


def test_other_images_have_stand_ins(make: Make) -> None:
    """A built-in one that waits, one that ends for an init container, or what the test gives."""
    given = Application([sys.executable, "-I", "-S", "-c", "import os; print(os.environ['A'])"])
    documents: list[dict[str, Any]] = [
        {"name": "app", "image": "app:1", "command": ["/bin/server"]},
        {"name": "job", "image": "job:1", "env": [{"name": "A", "value": "1"}]},
    ]
    init = {"name": "migrate", "image": "app:1", "args": ["migrate"]}
    runner = make(
        pod(*documents, initContainers=[init], restartPolicy="Never"), applications={"job": given}
    )
    runner.start()

    assert runner.containers["migrate"].exit_code == 0
    assert runner.wait("job") == 0
    assert runner.containers["job"].log() == "1\n"
    assert runner.ready("app")


def test_a_stand_in_needs_its_container(make: Make) -> None:
    """A name that the pod does not have is a mistake of the test."""
    with pytest.raises(ValueError, match="the pod has no container web"):
        make(pod(container("app")), applications={"web": Application(["/bin/true"])})


def test_stop_ends_a_pod_that_still_starts(make: Make) -> None:
    """An init container that runs gets SIGTERM like the application."""
    runner = make(pod(container("app"), initContainers=[container("init")]))
    with pytest.raises(TimeoutError, match="did not start: init, app waited"):
        runner.start(0.5)

    assert told(runner, "started", "ended") == [("init", "started"), ("init", "ended")]
    assert runner.wait() == 0


def test_leaving_the_block_ends_the_pod(make: Make) -> None:
    """Whatever happens in a test, no process stays."""
    with make(pod(container("app"))) as runner:
        runner.start()
        pid = runner.containers["app"].pid
    assert pid is not None

    assert not _lives(pid)
    assert told(runner)[-1] == ("app", "ended")


def _lives(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    state = subprocess.run(
        ["/bin/ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return state.stdout.strip()[:1] not in {"", "Z"}
