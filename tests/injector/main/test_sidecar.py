"""The whole sidecar: supervisor and workers as real processes, on the AWS world."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

import pytest

from injector.contract import names
from tests.injector.cycle.pod import Pod, file
from tests.injector.main.test_programs import command, run
from tests.injector.supervisor.process import (
    PATIENCE,
    SCRIPT,
    ask,
    eventually,
    free_port,
    status_of,
)
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"
SHORT = 0.5


class Sidecar:
    """The sidecar of a pod; `script` is run in place of the supervisor's."""

    def __init__(self, pod: Pod, script: tuple[str, ...] = (str(SCRIPT),)) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", *script, *command()],
            env=pod.environment,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)

    def stop(self, number: signal.Signals) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def pod(world: AwsWorld, tmp_path: Path) -> Pod:
    """A pod after init, with two files of one secret, refreshed all the time."""
    world.put_secret("prod/db", _pair(0))
    secrets = [file(f"{DB}#{key}", key, refresh=SHORT) for key in ("user", "password")]
    pod = Pod(world, tmp_path, *secrets, metrics_port=free_port(), max_stale=3600.0)
    assert run(pod.environment, "init").returncode == 0
    return pod


def test_a_rotation_reaches_the_files(world: AwsWorld, pod: Pod) -> None:
    """The running sidecar publishes what was rotated, with the sessions of init."""
    with Sidecar(pod):
        world.rotate("prod/db", _pair(1))
        eventually(lambda: pod.read("user") == "user-1")

    assert pod.read("password") == "password-1"
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_a_sidecar_that_was_killed_logs_in_no_more(world: AwsWorld, pod: Pod) -> None:
    """Kill -9 and start again: sessions and state are on their volume."""
    Sidecar(pod).stop(signal.SIGKILL)
    with Sidecar(pod) as sidecar:
        world.rotate("prod/db", _pair(1))
        eventually(lambda: pod.read("user") == "user-1")

        assert sidecar.stop(signal.SIGTERM) == 0
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_an_outage_leaves_everything_as_it_is(world: AwsWorld, pod: Pod) -> None:
    """Workers fail and go on; files stay, the port says why, and the recovery is seen."""
    with Sidecar(pod) as sidecar:
        world.go_down(service="secretsmanager", fault=faults.status(503))
        eventually(lambda: _failures(pod) > 0)

        assert pod.read("user") == "user-0"
        assert pod.status["secrets"][0]["reason"] == "unavailable"
        assert status_of(ask(pod.plan.metrics_port)) == 200
        world.come_back()
        world.rotate("prod/db", _pair(1))
        sidecar.process.send_signal(signal.SIGHUP)
        eventually(lambda: pod.read("user") == "user-1")


def test_a_worker_killed_at_any_moment_leaves_a_whole_set(world: AwsWorld, pod: Pod) -> None:
    """Kill -9 early and late in its life: both files are always of one version."""
    for number in range(1, 16):
        world.rotate("prod/db", _pair(number))
        worker = subprocess.Popen(
            command("worker", "now"),
            env=pod.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(0.03 * number)
        worker.kill()
        worker.wait(PATIENCE)
        user, password = pod.read("user"), pod.read("password")

        assert user.removeprefix("user-") == password.removeprefix("password-")
    done = run(pod.environment, "worker", "now")

    assert (done.returncode, pod.read("user")) == (0, "user-15")
    left = [path.name for path in pod.volume().iterdir() if path.name.startswith("..")]
    assert len(left) == 2
    assert names.PAYLOAD_LINK in left


def _pair(number: int) -> str:
    return json.dumps({"user": f"user-{number}", "password": f"password-{number}"})


def _failures(pod: Pod) -> int:
    """Ask the port; 0 while it does not listen yet."""
    try:
        reply = ask(pod.plan.metrics_port, b"GET /status HTTP/1.1\r\n\r\n")
    except ConnectionError:
        return 0
    failures: int = json.loads(reply.partition(b"\r\n\r\n")[2])["reads"][DB]["failures"]
    return failures
