"""How pods start, or say why they do not."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

from tests.injector.supervisor.process import eventually
from tests.pod.tier import INIT, SIDECAR, pod, python
from worlds import faults
from worlds.pods import PodPhase

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"
CANARY = "c4nary-of-the-start"


def test_init_waits_for_a_provider_that_is_down(tier: Tier, world: AwsWorld) -> None:
    """Retried inside the container until the provider is back; the application starts then."""
    world.put_secret("prod/db", "s3cret")
    world.go_down(service="secretsmanager", fault=faults.status(503))
    runner = tier.runner(pod({"file.db": DB, "refresh": "never"}))

    def come_back() -> None:
        eventually(lambda: "init is tried again" in runner.containers[INIT].log())
        world.come_back()

    healer = threading.Thread(target=come_back)
    healer.start()
    runner.start()
    healer.join()

    assert (runner.directory("app", "/secrets") / "db").read_text() == "s3cret"
    assert (runner.containers[INIT].restarts, runner.containers[INIT].exit_code) == (0, 0)
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1


def test_init_gives_up_and_the_kubelet_tries_again(tier: Tier, world: AwsWorld) -> None:
    """After `init-timeout` it ends as unavailable; a later start of the container succeeds."""
    world.put_secret("prod/db", "s3cret")
    world.go_down(service="secretsmanager", fault=faults.status(503))
    asked = {"file.db": DB, "refresh": "never", "init-timeout": "1s"}
    runner = tier.runner(pod(asked), init_restarts=9, back_off=0.01)

    def come_back() -> None:
        eventually(lambda: runner.containers[INIT].restarts > 0)
        world.come_back()

    healer = threading.Thread(target=come_back)
    healer.start()
    runner.start()
    healer.join()
    ends = [it.exit_code for it in runner.history if (it.container, it.what) == (INIT, "ended")]

    assert (ends[0], ends[-1]) == (14, 0)
    assert (runner.directory("app", "/secrets") / "db").read_text() == "s3cret"


@pytest.mark.parametrize(
    ("reference", "code", "words"),
    [
        (
            "aws-secretsmanager:prod/absent",
            13,
            ("not-found: aws-secretsmanager:prod/absent -> f", "eu-west-1", "GetSecretValue"),
        ),
        (
            "aws-secretsmanager:private/db",
            12,
            ("access-denied: aws-secretsmanager:private/db -> f", "eu-west-1", "GetSecretValue"),
        ),
        (
            "aws-secretsmanager:prod/db#nokey",
            15,
            ("aws-secretsmanager:prod/db#nokey -> f", "nokey", "user"),
        ),
    ],
)
def test_a_definite_no_ends_init_at_once(
    tier: Tier, world: AwsWorld, reference: str, code: int, words: tuple[str, ...]
) -> None:
    """Code of the class; the message names secret, region, step, cause and remedy, no value."""
    world.put_secret("prod/db", json.dumps({"user": CANARY}))
    world.put_secret("private/db", CANARY)
    runner = tier.runner(pod({"file.f": reference, "refresh": "never"}))
    failure = tier.failure(runner)

    assert failure.exit_code == code
    assert [word for word in words if word not in failure.termination_message] == []
    assert CANARY not in failure.termination_message + failure.log
    assert runner.containers["app"].pid is None
    assert runner.phase is PodPhase.FAILED
    assert not (runner.directory(INIT, "/run/syrette/syrette-secrets") / "..data").exists()


def test_a_denial_names_cause_and_remedy(tier: Tier, world: AwsWorld) -> None:
    """Everything that somebody needs who reads `kubectl describe pod`."""
    world.put_secret("private/db", CANARY)
    failure = tier.failure(
        tier.runner(pod({"file.f": "aws-secretsmanager:private/db", "refresh": "never"}))
    )
    (call,) = world.journal.calls("GetSecretValue")
    message = failure.termination_message

    assert message.startswith("access-denied: aws-secretsmanager:private/db -> f")
    assert "(aws-secretsmanager): GetSecretValue in eu-west-1: access denied" in message
    assert "assumed-role/web/syrette-shop-web may not secretsmanager:GetSecretValue" in message
    assert f"[AccessDeniedException, request {call.request_id}]; to do: allow the role" in message


def test_nothing_is_published_unless_everything_is_there(tier: Tier, world: AwsWorld) -> None:
    """One absent secret of two: no file at all."""
    world.put_secret("prod/db", "s3cret")
    asked = {"file.a": DB, "file.b": "aws-secretsmanager:prod/absent", "refresh": "never"}
    runner = tier.runner(pod(asked))
    failure = tier.failure(runner)

    assert failure.exit_code == 13
    assert list(runner.directory(INIT, "/run/syrette/syrette-secrets").iterdir()) == []


def test_an_optional_secret_may_be_absent(tier: Tier, world: AwsWorld) -> None:
    """The pod starts without that file."""
    world.put_secret("prod/db", "s3cret")
    items = f"- {{from: {DB}, file: a}}\n- {{from: {DB}x, file: b, optional: true}}"
    runner = tier.start(pod({"secrets": items, "refresh": "never"}))
    seen = [path.name for path in runner.directory("app", "/secrets").iterdir()]

    assert sorted(name for name in seen if not name.startswith("..")) == ["a"]


def test_a_job_ends_though_it_has_a_sidecar(tier: Tier, world: AwsWorld) -> None:
    """The native sidecar ends after the job's own container."""
    world.put_secret("prod/db", "s3cret")
    job = python("print(open(root + '/secrets/db').read()[:2]); time.sleep(0.2)")
    runner = tier.start(pod({"file.db": DB}, restartPolicy="OnFailure"), applications={"app": job})

    assert runner.wait() == 0
    assert runner.phase is PodPhase.SUCCEEDED
    assert runner.containers["app"].log() == "s3\n"
    assert [(it.container, it.what) for it in runner.history][-3:] == [
        ("app", "ended"),
        (SIDECAR, "SIGTERM"),
        (SIDECAR, "ended"),
    ]


def test_a_job_before_native_sidecars_has_init_only(tier: Tier, world: AwsWorld) -> None:
    """A classic sidecar would keep it from completing: the webhook warns and leaves it out."""
    world.put_secret("prod/db", "s3cret")
    document = pod({"file.db": DB, "sidecar": "classic"}, restartPolicy="Never")
    answer = tier.webhook.admit(document)
    runner = tier.start(document, applications={"app": python("os.stat(root + '/secrets/db')")})

    assert any("init only" in warning for warning in answer.warnings)
    assert set(runner.containers) == {INIT, "app"}
    assert runner.wait() == 0
