"""The programs as the pod starts them: real processes, exit codes, termination message, signals."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from injector.contract import codec, names
from injector.contract.plan import Plan
from injector.contract.reasons import ExitCode, Reason
from injector.errors import InjectorError
from injector.settings import load
from tests.injector.cycle.pod import Pod, file
from tests.injector.supervisor.process import PATIENCE, ROOT, SCRIPT, eventually
from worlds import faults

if TYPE_CHECKING:
    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"
CANARY = "c4nary-7f3e"
# As names.INIT_COMMAND, with the checkout as the place where the package is.
_RUN = f"""
import runpy, sys
sys.path.append({str(ROOT)!r})
runpy.run_module("injector", run_name="__main__", alter_sys=True)
"""


def command(*words: str) -> list[str]:
    """Give the command line of a program."""
    return [sys.executable, "-I", "-c", _RUN, *words]


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        command(*words),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def message(root: Path) -> str:
    """Give the termination message."""
    return (root / names.TERMINATION_MESSAGE_PATH[1:]).read_text()


def test_init_and_a_worker_from_end_to_end(world: AwsWorld, tmp_path: Path) -> None:
    """Init publishes; a worker starts from its sessions, says one line and changes nothing."""
    world.put_secret("prod/db", CANARY)
    pod = Pod(world, tmp_path, file(DB))
    first = run(pod.environment, "init")
    second = run(pod.environment, "worker", "now")

    assert (first.returncode, first.stdout) == (0, "")
    assert pod.read("prod/db") == CANARY
    assert second.returncode == 0
    assert second.stdout.startswith("next=")
    assert second.stdout.count("\n") == 1
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_init_that_fails_leaves_code_and_message(world: AwsWorld, tmp_path: Path) -> None:
    """The kubelet finds both; the log is JSON lines."""
    pod = Pod(world, tmp_path, file("aws-secretsmanager:absent"))
    done = run(pod.environment, "init")
    lines = [json.loads(line) for line in done.stderr.splitlines()]

    assert done.returncode == ExitCode.NOT_FOUND
    assert message(tmp_path).startswith("not-found: aws-secretsmanager:absent -> absent")
    assert lines[0]["reason"] == "not-found"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({names.PLAN_VARIABLE: ""}, "invalid-settings: SYRETTE_PLAN is not set"),
        ({names.POD_UID_VARIABLE: ""}, "invalid-settings: SYRETTE_POD_UID is not set"),
        ({names.PLAN_VARIABLE: "{"}, "invalid-plan: SYRETTE_PLAN: the plan is no JSON"),
        ({names.PLAN_VARIABLE: '{"version": 99}'}, "use one image for webhook and injector"),
    ],
)
def test_a_wrong_environment_is_told(
    world: AwsWorld, tmp_path: Path, change: dict[str, str], words: str
) -> None:
    """What the webhook did not write, or wrote for another version, is named."""
    pod = Pod(world, tmp_path, file(DB))
    done = run(pod.environment | change, "init")

    assert done.returncode == ExitCode.CONFIGURATION
    assert words in message(tmp_path)


def test_a_relative_root_is_refused() -> None:
    """Paths must not depend on where a process happens to run."""
    with pytest.raises(InjectorError, match="must be an absolute path") as caught:
        load({names.ROOT_VARIABLE: "here"})

    assert caught.value.reason is Reason.INVALID_SETTINGS


def test_without_a_root_paths_are_the_pod_s() -> None:
    """In a pod nothing stands in front of the paths of the contract."""
    environment = {
        names.PLAN_VARIABLE: codec.dump(Plan((), (), ())),
        names.POD_NAME_VARIABLE: "p",
        names.POD_UID_VARIABLE: "u",
        names.NAMESPACE_VARIABLE: "n",
        names.SERVICE_ACCOUNT_VARIABLE: "s",
    }
    settings = load(environment)

    assert settings.session_directory == Path(names.SESSION_DIRECTORY)
    assert settings.volume("v") == Path(names.volume_directory("v"))
    assert settings.identity.root == ""


@pytest.mark.parametrize("words", [(), ("help",), ("worker", "later"), ("init", "now")])
def test_other_words_are_refused(words: tuple[str, ...]) -> None:
    """Only four programs exist."""
    done = run({}, *words)

    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_revoke_ends_well(world: AwsWorld, tmp_path: Path) -> None:
    """AWS sessions end by themselves: there is nothing to give back."""
    assert run(Pod(world, tmp_path, file(DB)).environment, "revoke").returncode == 0


def test_sidecar_becomes_the_supervisor(tmp_path: Path) -> None:
    """The word is another way to start it: same process, small interpreter."""
    environment = {names.ROOT_VARIABLE: str(tmp_path)}
    quiet = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(60)"]
    with subprocess.Popen(command("sidecar", *quiet), env=environment, stderr=-3) as process:
        try:
            words = Path(f"/proc/{process.pid}/cmdline")
            eventually(lambda: str(SCRIPT).encode() in words.read_bytes())
            eventually(lambda: Path(f"/proc/{process.pid}/task").exists())
        finally:
            process.send_signal(signal.SIGKILL)


def test_init_ends_at_sigterm(world: AwsWorld, tmp_path: Path) -> None:
    """A pod that is deleted while init retries does not wait for the grace period."""
    pod = Pod(world, tmp_path, file(DB))
    world.go_down(service="sts", fault=faults.status(503))
    with subprocess.Popen(command("init"), env=pod.environment, stderr=-3) as process:
        eventually(world.journal.actions)
        process.terminate()

        assert process.wait(PATIENCE) == 128 + signal.SIGTERM


def test_no_value_is_anywhere_but_in_its_file(world: AwsWorld, tmp_path: Path) -> None:
    """Not in logs, message, status, metrics or report; what must hold it is ours alone."""
    world.put_secret("prod/db", json.dumps({"password": CANARY}))
    world.put_secret("prod/odd", CANARY)
    good = file(f"{DB}#password", "password")
    pod = Pod(world, tmp_path, good, file("aws-secretsmanager:prod/odd#x", "odd"))
    outputs = [run(pod.environment, "init")]
    told = message(tmp_path)
    pod.plan = replace(pod.plan, secrets=(good,), log_level="debug")
    outputs += [run(pod.environment, "init"), run(pod.environment, "worker", "now")]
    world.rotate("prod/db", CANARY)
    outputs.append(run(pod.environment, "worker", "now"))
    session = pod.settings.session_directory
    served = [(session / name).read_text() for name in ("status.json", "metrics.prom", "report")]

    assert [done.returncode for done in outputs] == [ExitCode.RENDER, 0, 0, 0]
    assert pod.read("password") == CANARY
    assert all(CANARY not in text for text in (told, *served))
    assert all(CANARY not in done.stdout + done.stderr for done in outputs)
    assert {path.stat().st_mode & 0o777 for path in session.iterdir()} == {0o600}


def test_a_crash_leaves_no_core(world: AwsWorld, tmp_path: Path) -> None:
    """Neither as a file nor through the node's handler: the limit is 1 byte, before any secret."""
    world.put_secret("prod/db", CANARY)
    world.go_down(service="secretsmanager", fault=faults.latency(PATIENCE))
    pod = Pod(world, tmp_path, file(DB))
    with subprocess.Popen(command("init"), env=pod.environment, stderr=subprocess.DEVNULL) as init:
        eventually(lambda: world.journal.count("AssumeRoleWithWebIdentity"))
        limits = resource.prlimit(init.pid, resource.RLIMIT_CORE)
        init.kill()

    assert limits == (1, 1)
