"""Probes and hooks of containers whose image is here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.supervisor.process import eventually, free_port
from tests.worlds.pods.pods import FAIL, MOUNT, PYTHON, VOLUME, container, pod, sidecar, told
from worlds.pods import UnsupportedPodError

if TYPE_CHECKING:
    from tests.worlds.pods.conftest import Make


def exec_probe(code: str) -> dict[str, object]:
    """A probe or hook that runs Python code."""
    return {"exec": {"command": [PYTHON, "-I", "-S", "-c", code]}}


def touch(name: str) -> str:
    """Code that leaves a file in the volume."""
    return f"import os; open(os.environ['SYRETTE_ROOT'] + '/v/{name}', 'w')"


def is_there(name: str) -> str:
    """Code that fails until the file is there."""
    return f"import os; os.stat(os.environ['SYRETTE_ROOT'] + '/v/{name}')"


def test_a_startup_probe_holds_the_next_container(make: Make) -> None:
    """A sidecar lets others start once its probe succeeds."""
    code = f"import time; time.sleep(0.3); {touch('up')}; time.sleep(600)"
    helper = sidecar("helper", code, startupProbe=exec_probe(is_there("up")), **MOUNT)
    check = container("check", is_there("up"), **MOUNT)
    runner = make(pod(container("app"), initContainers=[helper, check], **VOLUME))
    runner.start()

    assert told(runner, "started")[-1] == ("app", "started")


def test_hooks_run_around_a_life(make: Make) -> None:
    """`postStart` once it started, `preStop` before SIGTERM."""
    hooks = {"postStart": exec_probe(touch("started")), "preStop": exec_probe(touch("stopping"))}
    runner = make(pod(container("app", lifecycle=hooks, **MOUNT), **VOLUME))
    runner.start()
    directory = runner.directory("app", "/v")

    assert [path.name for path in directory.iterdir()] == ["started"]
    runner.stop()
    assert sorted(path.name for path in directory.iterdir()) == ["started", "stopping"]


def test_a_start_hook_that_fails_ends_the_container(make: Make) -> None:
    """The kubelet kills it, and its policy decides."""
    app = container("app", lifecycle={"postStart": exec_probe(FAIL)})
    runner = make(pod(app, restartPolicy="Never"))
    runner.start()

    assert runner.wait() == 137


def test_a_stop_hook_may_sleep(make: Make) -> None:
    """SIGTERM comes after it."""
    runner = make(pod(container("app", lifecycle={"preStop": {"sleep": {"seconds": 0.1}}})))
    runner.start()
    runner.stop()

    assert told(runner, "SIGTERM", "ended") == [("app", "SIGTERM"), ("app", "ended")]


def test_a_socket_that_listens_is_ready(make: Make) -> None:
    """`tcpSocket`, with the port by name."""
    port = free_port()
    code = f"""
import os, socket, time
while not os.path.exists(os.environ["SYRETTE_ROOT"] + "/v/listen"): time.sleep(0.01)
held = socket.create_server(("127.0.0.1", {port})); time.sleep(600)
"""
    app = container(
        "app",
        code,
        ports=[{"name": "http", "containerPort": port}],
        readinessProbe={"tcpSocket": {"port": "http"}},
        **MOUNT,
    )
    runner = make(pod(app, **VOLUME))
    runner.start()

    assert not runner.ready("app")
    (runner.directory("app", "/v") / "listen").touch()
    eventually(lambda: runner.ready("app"))


def test_a_probe_that_is_not_known_is_refused(make: Make) -> None:
    """Not taken for a success."""
    runner = make(pod(container("app", readinessProbe={"grpc": {"port": 1}})))
    runner.start()

    with pytest.raises(UnsupportedPodError, match="knows exec, httpGet and tcpSocket only"):
        runner.ready("app")


def test_readiness_is_asked_when_somebody_asks(make: Make) -> None:
    """By the container's own probe, and false while it does not run."""
    app = container("app", readinessProbe=exec_probe(is_there("ready")), **MOUNT)
    runner = make(pod(app, container("plain"), restartPolicy="Never", **VOLUME))

    assert not runner.ready("plain")
    runner.start()
    assert (runner.ready("app"), runner.ready("plain")) == (False, True)
    (runner.directory("app", "/v") / "ready").touch()
    assert runner.ready("app")
