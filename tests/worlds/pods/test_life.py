"""Whole lives of pods, as processes: starts, failures, restarts, ends."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.injector.supervisor.process import eventually
from tests.worlds.pods.pods import DONE, FOREVER, PYTHON, container, pod, sidecar, told
from worlds.pods import Application, PodFailedError, PodPhase
from worlds.pods.order import Phase

if TYPE_CHECKING:
    from tests.worlds.pods.conftest import Make

FAIL = "import sys; sys.exit(3)"
# Says when it is told to end, and takes its time.
SLOW = """
import signal, sys, time
def end(*_):
    time.sleep(0.2); sys.exit(0)
signal.signal(signal.SIGTERM, end); print("up", flush=True); time.sleep(600)
"""
STUBBORN = SLOW.replace("time.sleep(0.2); sys.exit(0)", "pass").replace(
    "time.sleep(600)", "[time.sleep(1) for _ in range(600)]"
)
# Fails until it was started a third time; its volume remembers.
THIRD_TIME = """
import os, sys
with open(os.environ["SYRETTE_ROOT"] + "/v/starts", "a") as file:
    file.write("x")
    if file.tell() < 3:
        open(os.environ["SYRETTE_ROOT"] + "/dev/termination-log", "w").write("not yet")
        sys.exit(7)
"""
MOUNT: dict[str, Any] = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
VOLUME = {"volumes": [{"name": "v", "emptyDir": {}}]}


def exec_probe(code: str) -> dict[str, object]:
    """A probe or hook that runs Python code."""
    return {"exec": {"command": [PYTHON, "-I", "-S", "-c", code]}}


def touch(name: str) -> str:
    """Code that leaves a file in the volume."""
    return f"import os; open(os.environ['SYRETTE_ROOT'] + '/v/{name}', 'w')"


def is_there(name: str) -> str:
    """Code that fails until the file is there."""
    return f"import os; os.stat(os.environ['SYRETTE_ROOT'] + '/v/{name}')"


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


def test_a_startup_probe_holds_the_next_container(make: Make) -> None:
    """A sidecar lets others start once its probe succeeds."""
    code = f"import time; time.sleep(0.3); {touch('up')}; time.sleep(600)"
    helper = sidecar("helper", code, startupProbe=exec_probe(is_there("up")), **MOUNT)
    check = container("check", is_there("up"), **MOUNT)
    runner = make(pod(container("app"), initContainers=[helper, check], **VOLUME))
    runner.start()

    assert told(runner, "started")[-1] == ("app", "started")


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


def test_an_init_container_that_fails_is_the_pod_s_failure(make: Make) -> None:
    """Code, last words and log are told; sidecars before it are ended, the others never start."""
    code = """
import os, sys
print("line of the log", flush=True)
open(os.environ["SYRETTE_ROOT"] + "/dev/termination-log", "w").write("last words")
sys.exit(3)
"""
    runner = make(pod(container("app"), initContainers=[sidecar("proxy"), container("init", code)]))
    with pytest.raises(PodFailedError, match="init ended with 3: last words") as caught:
        runner.start()

    assert (caught.value.container, caught.value.exit_code) == ("init", 3)
    assert caught.value.termination_message == "last words"
    assert caught.value.log == "line of the log\n"
    assert runner.wait() == 0
    assert ("app", "started") not in told(runner)
    assert told(runner)[-1] == ("proxy", "ended")


@pytest.mark.parametrize("policy", ["Always", "OnFailure"])
def test_an_init_container_is_tried_again(make: Make, policy: str) -> None:
    """With back-off, until it succeeds; each try has an empty termination message."""
    init = container("init", THIRD_TIME, **MOUNT)
    app = container("app", FOREVER)
    runner = make(
        pod(app, initContainers=[init], restartPolicy=policy, **VOLUME),
        init_restarts=5,
        back_off=0.01,
    )
    runner.start()

    assert runner.containers["init"].restarts == 2
    assert runner.containers["init"].exit_code == 0
    assert runner.containers["init"].termination_message == ""


def test_tries_of_an_init_container_are_bounded(make: Make) -> None:
    """The kubelet would go on for ever; a test does not."""
    init = container("init", FAIL)
    runner = make(pod(container("app"), initContainers=[init]), init_restarts=2, back_off=0.01)

    with pytest.raises(PodFailedError, match="init ended with 3"):
        runner.start()

    assert runner.containers["init"].restarts == 2


def test_never_is_for_init_containers_too(make: Make) -> None:
    """One failure is the pod's."""
    init = container("init", FAIL)
    runner = make(
        pod(container("app"), initContainers=[init], restartPolicy="Never"), init_restarts=9
    )

    with pytest.raises(PodFailedError, match="init ended with 3"):
        runner.start()

    assert runner.containers["init"].restarts == 0


def test_a_container_that_was_killed_comes_back(make: Make) -> None:
    """Restarted alone, on the same file system, with its log continued."""
    code = "import time; print('up', flush=True); time.sleep(600)"
    runner = make(pod(container("app"), initContainers=[sidecar("proxy", code)]), back_off=0.01)
    runner.start()
    proxy = runner.containers["proxy"]
    eventually(lambda: proxy.log() == "up\n")
    runner.kill("proxy")
    eventually(lambda: proxy.log() == "up\nup\n")

    assert (proxy.restarts, proxy.exit_code) == (1, 137)
    assert runner.containers["app"].restarts == 0


def test_a_container_waits_for_its_back_off(make: Make) -> None:
    """After a failure it is not started again at once, and stopping does not wait for it."""
    runner = make(pod(container("app", FAIL)), back_off=600)
    runner.start()
    app = runner.containers["app"]
    eventually(lambda: (app.exit_code, app.phase) == (3, Phase.WAITING))
    runner.stop()

    assert (app.restarts, app.phase) == (0, Phase.ENDED)


def test_a_rule_restarts_all_containers_in_place(make: Make) -> None:
    """Exit code 97 of one: all are killed, init runs again, volumes stay."""
    code = """
import os, sys, time
path = os.environ["SYRETTE_ROOT"] + "/v/asked"
if not os.path.exists(path):
    while not os.path.exists(path + ".now"): time.sleep(0.01)
    open(path, "w"); sys.exit(97)
time.sleep(600)
"""
    exits = {"operator": "In", "values": [97]}
    helper = sidecar(
        "helper",
        code,
        restartPolicyRules=[{"action": "RestartAllContainers", "exitCodes": exits}],
        **MOUNT,
    )
    runner = make(
        pod(container("app", **MOUNT), initContainers=[container("init", DONE), helper], **VOLUME)
    )
    runner.start()
    (runner.directory("app", "/v") / "asked.now").touch()
    eventually(lambda: runner.containers["app"].restarts == 1)

    assert {name: it.restarts for name, it in runner.containers.items()} == {
        "init": 1,
        "helper": 1,
        "app": 1,
    }
    assert told(runner)[-6:] == [
        ("app", "SIGKILL"),
        ("app", "ended"),
        ("init", "started"),
        ("init", "ended"),
        ("helper", "started"),
        ("app", "started"),
    ]


def test_hooks_run_around_a_life(make: Make) -> None:
    """`postStart` once it started, `preStop` before SIGTERM."""
    hooks = {"postStart": exec_probe(touch("started")), "preStop": exec_probe(touch("stopping"))}
    runner = make(pod(container("app", lifecycle=hooks, **MOUNT), **VOLUME))
    runner.start()
    directory = runner.directory("app", "/v")

    assert [path.name for path in directory.iterdir()] == ["started"]
    runner.stop()
    assert sorted(path.name for path in directory.iterdir()) == ["started", "stopping"]


def test_readiness_is_asked_when_somebody_asks(make: Make) -> None:
    """By the container's own probe, and false while it does not run."""
    app = container("app", readinessProbe=exec_probe(is_there("ready")), **MOUNT)
    runner = make(pod(app, container("plain"), restartPolicy="Never", **VOLUME))

    assert not runner.ready("plain")
    runner.start()
    assert (runner.ready("app"), runner.ready("plain")) == (False, True)
    (runner.directory("app", "/v") / "ready").touch()
    assert runner.ready("app")


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


def test_a_last_message_may_come_from_the_log(make: Make) -> None:
    """`FallbackToLogsOnError`, and the path that the pod gives."""
    fields = {"terminationMessagePolicy": "FallbackToLogsOnError"}
    other = {"terminationMessagePath": "/tmp/x/last"}  # noqa: S108 - in the container
    write = "import os; open(os.environ['SYRETTE_ROOT'] + '/tmp/x/last', 'w').write('y' * 5000)"
    runner = make(
        pod(
            container("app", "print('oh'); raise SystemExit(1)", **fields),
            container("web", write, **other),
            restartPolicy="Never",
        )
    )
    runner.start()
    runner.wait()

    assert runner.containers["app"].termination_message == "oh\n"
    assert runner.containers["web"].termination_message == "y" * 4096


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
