"""Containers that fail: tries, restarts by policy and rule, and what is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.supervisor.process import eventually
from tests.worlds.pods.pods import DONE, FAIL, FOREVER, MOUNT, VOLUME, container, pod, sidecar, told
from worlds.pods import ContainerConfigError, PodFailedError
from worlds.pods.order import Phase

if TYPE_CHECKING:
    from tests.worlds.pods.conftest import Make

# Fails until it was started a third time; its volume remembers.
THIRD_TIME = """
import os, sys
with open(os.environ["SYRETTE_ROOT"] + "/v/starts", "a") as file:
    file.write("x")
    if file.tell() < 3:
        open(os.environ["SYRETTE_ROOT"] + "/dev/termination-log", "w").write("not yet")
        sys.exit(7)
"""


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


def test_a_restart_that_cannot_be_is_told(make: Make) -> None:
    """What a real pod would hang in later is raised when the block is left."""
    source = {"volumeName": "v", "path": "app.env", "key": "A"}
    env = [{"name": "A", "valueFrom": {"fileKeyRef": source}}]
    write = "import os; open(os.environ['SYRETTE_ROOT'] + '/v/app.env', 'w').write(\"A='1'\")"
    app = container("app", env=env, **MOUNT)
    init = container("init", write, **MOUNT)
    runner = make(pod(app, initContainers=[init], **VOLUME), back_off=0.01)
    runner.start()
    (runner.directory("app", "/v") / "app.env").unlink()
    runner.kill("app")
    eventually(lambda: runner.containers["app"].phase is Phase.ENDED)

    with pytest.raises(ContainerConfigError, match=r"couldn't parse env file `app\.env`"), runner:
        pass
    assert runner.containers["app"].starts == 1


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
