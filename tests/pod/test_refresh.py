"""A pod that lives: rotations, outages, deaths of the sidecar, new tokens."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.injector.supervisor.process import ask, eventually, free_port, status_of
from tests.pod.tier import REFRESH, SIDECAR, pod
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld
    from worlds.pods import PodRunner

DB = "aws-secretsmanager:prod/db"
LOGIN = "AssumeRoleWithWebIdentity"


def pair(number: int) -> str:
    """A secret of two keys that belong together."""
    return json.dumps({"user": f"user-{number}", "password": f"password-{number}"})


@pytest.fixture
def port() -> int:
    """A free TCP port for the sidecar."""
    return free_port()


@pytest.fixture
def runner(tier: Tier, world: AwsWorld, port: int) -> PodRunner:
    """A running pod with both keys as files, read every second, and a metrics port."""
    world.put_secret("prod/db", pair(0))
    asked = {
        "file.user": f"{DB}#user",
        "file.password": f"{DB}#password",
        "metrics-port": str(port),
    }
    return tier.start(pod({**asked, **REFRESH}), back_off=0.01)


@pytest.fixture
def files(runner: PodRunner) -> Path:
    """Where the application sees them."""
    return runner.directory("app", "/secrets")


def status(port: int) -> dict[str, Any]:
    """What the sidecar says of itself; empty while its port is not open."""
    try:
        reply = ask(port, b"GET /status HTTP/1.1\r\n\r\n")
    except ConnectionError:
        return {}
    document: dict[str, Any] = json.loads(reply.partition(b"\r\n\r\n")[2])
    return document


def failures(port: int) -> int:
    """How many reads in a row have failed."""
    read = status(port).get("reads", {}).get(DB, {})
    return int(read.get("failures", 0))


def restarts(runner: PodRunner) -> dict[str, int]:
    """Of every container."""
    return {name: container.restarts for name, container in runner.containers.items()}


def test_a_rotation_is_published_by_the_running_sidecar(
    world: AwsWorld, runner: PodRunner, files: Path
) -> None:
    """Both files change together, with init's login."""
    before = (files / "..data").readlink()
    world.rotate("prod/db", pair(1))
    eventually(lambda: (files / "..data").readlink() != before)

    assert (files / "user").read_text() == "user-1"
    assert (files / "password").read_text() == "password-1"
    assert world.journal.count(LOGIN) == 1
    assert set(restarts(runner).values()) == {0}


def test_an_outage_of_ten_refreshes_changes_nothing(
    world: AwsWorld, runner: PodRunner, files: Path, port: int
) -> None:
    """Files stay and nothing restarts; when the provider is back, so are new values."""
    set_before = (files / "..data").readlink()
    world.rotate("prod/db", pair(1))
    world.go_down(service="secretsmanager", fault=faults.status(503))
    eventually(lambda: failures(port) >= 5)
    eventually(lambda: failures(port) >= 10)

    assert (files / "..data").readlink() == set_before
    assert (files / "user").read_text() == "user-0"
    assert status_of(ask(port)) == 200
    assert status(port)["secrets"][0]["reason"] == "unavailable"
    world.come_back()
    eventually(lambda: (files / "user").read_text() == "user-1")
    assert (files / "password").read_text() == "password-1"
    assert set(restarts(runner).values()) == {0}


def test_a_killed_sidecar_comes_back_without_a_login(
    world: AwsWorld, runner: PodRunner, files: Path
) -> None:
    """Kill -9: the kubelet restarts it, and it goes on with the session on its volume."""
    runner.kill(SIDECAR)
    world.rotate("prod/db", pair(1))
    eventually(lambda: (files / "user").read_text() == "user-1")

    assert restarts(runner) == {"syrette-init": 0, SIDECAR: 1, "app": 0}
    assert runner.containers[SIDECAR].exit_code == 137
    assert world.journal.count(LOGIN) == 1


def test_the_next_login_uses_the_token_of_that_moment(
    tier: Tier, world: AwsWorld, runner: PodRunner, files: Path
) -> None:
    """Session and first token have ended: only the token that the kubelet rotated in is good."""
    world.advance(2 * 3600)
    runner.rotate_tokens()
    world.rotate("prod/db", pair(1))
    eventually(lambda: (files / "user").read_text() == "user-1")
    logins = world.journal.calls(LOGIN)

    assert len(tier.tokens) == 2
    assert [logins[0].outcome, logins[-1].outcome] == ["ok", "ok"]
    assert len([login for login in logins if login.outcome == "ok"]) == 2
    assert restarts(runner)[SIDECAR] == 0


def test_a_hang_up_refreshes_now(tier: Tier, world: AwsWorld, port: int) -> None:
    """SIGHUP to the sidecar reads what would be due much later."""
    world.put_secret("prod/db", pair(0))
    asked = {"file.user": f"{DB}#user", "refresh": "12h", "metrics-port": str(port)}
    runner = tier.start(pod(asked))
    files = runner.directory("app", "/secrets")
    eventually(lambda: status(port))  # from then on it listens to signals, too
    world.rotate("prod/db", pair(1))
    runner.signal(SIDECAR, signal.SIGHUP)
    eventually(lambda: (files / "user").read_text() == "user-1")

    assert world.journal.count(LOGIN) == 1
