"""How pods end: who gets SIGTERM when, and what the sidecar does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.injector.supervisor.process import eventually
from tests.pod.tier import INIT, SIDECAR, pod, python

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld
    from worlds.pods import PodRunner

DB = "aws-secretsmanager:prod/db"
# Drains for a moment, and reads its secret to the last.
DRAINING = """
def end(*_):
    time.sleep(0.3)
    print(open(root + "/secrets/db").read(), flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(600)
"""


def ends(runner: PodRunner) -> list[tuple[str, str]]:
    """Signals and ends, in order, once init was over."""
    told = [(it.container, it.what) for it in runner.history if it.what != "started"]
    return [it for it in told if it[0] != INIT]


def test_a_native_sidecar_ends_after_the_application(tier: Tier, world: AwsWorld) -> None:
    """The application still has its secrets while it drains."""
    world.put_secret("prod/db", "s3cret")
    runner = tier.start(pod({"file.db": DB}), applications={"app": python(DRAINING)})
    app = runner.containers["app"]
    eventually(lambda: app.log() == "up\n")
    runner.stop()

    assert ends(runner) == [
        ("app", "SIGTERM"),
        ("app", "ended"),
        (SIDECAR, "SIGTERM"),
        (SIDECAR, "ended"),
    ]
    assert (app.log(), app.exit_code) == ("up\ns3cret\n", 0)


def test_a_classic_sidecar_ends_with_the_application(tier: Tier, world: AwsWorld) -> None:
    """It is a regular container: SIGTERM reaches both at once, and files stay to the end."""
    world.put_secret("prod/db", "s3cret")
    asked = {"file.db": DB, "sidecar": "classic"}
    runner = tier.start(pod(asked), applications={"app": python(DRAINING)})
    app = runner.containers["app"]
    eventually(lambda: app.log() == "up\n")
    runner.stop()

    assert runner.pod.container(SIDECAR).kind == "regular"
    assert ends(runner)[:2] == [("app", "SIGTERM"), (SIDECAR, "SIGTERM")]
    assert ends(runner)[-1] == ("app", "ended")
    assert (app.log(), app.exit_code) == ("up\ns3cret\n", 0)


def test_the_sidecar_ends_well(tier: Tier, world: AwsWorld) -> None:
    """Exit code 0, without SIGKILL and with nothing left behind."""
    world.put_secret("prod/db", "s3cret")
    runner = tier.start(pod({"file.db": DB, "refresh": "1s"}))
    world.rotate("prod/db", "next")
    # A worker has run: the supervisor listens to signals.
    eventually(lambda: (runner.directory("app", "/secrets") / "db").read_text() == "next")
    runner.stop()

    assert runner.containers[SIDECAR].exit_code == 0
    assert (SIDECAR, "SIGKILL") not in ends(runner)
