"""How init fails: the exit code says the class, the message says what to change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract import names
from injector.contract.reasons import ExitCode
from tests.injector.cycle.pod import Pod, file, variable
from worlds import faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from injector.contract.plan import Secret
    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"


def _plain(_world: AwsWorld, _pod: Pod) -> None:
    return None


def _without_policies(_world: AwsWorld, pod: Pod) -> None:
    pod.role.set_policies()


def _without_token(_world: AwsWorld, pod: Pod) -> None:
    (pod.settings.root / names.TOKEN_DIRECTORY[1:] / "sts.amazonaws.com").unlink()


def _foreign(world: AwsWorld, pod: Pod) -> None:
    token = world.issuer.mint("shop", "other", "sts.amazonaws.com")
    (pod.settings.root / names.TOKEN_DIRECTORY[1:] / "sts.amazonaws.com").write_text(token)


def _down(world: AwsWorld, _pod: Pod) -> None:
    world.go_down()


def _throttled(world: AwsWorld, _pod: Pod) -> None:
    world.faults.add(faults.throttled(), on="GetSecretValue")


def _without_volume(_world: AwsWorld, pod: Pod) -> None:
    pod.volume().rmdir()


def _without_region(_world: AwsWorld, pod: Pod) -> None:
    stores = (
        replace(
            store,
            settings={name: kept for name, kept in store.settings.items() if name != "region"},
        )
        for store in pod.plan.stores
    )
    pod.plan = replace(pod.plan, stores=tuple(stores))


@pytest.mark.parametrize(
    ("secret", "spoil", "expected"),
    [
        (file("aws-secretsmanager:absent"), _plain, (ExitCode.NOT_FOUND, ["not-found", "absent"])),
        (
            file(DB),
            _without_policies,
            (
                ExitCode.DENIED,
                [
                    "access-denied: aws-secretsmanager:prod/db -> prod/db (aws-secretsmanager)",
                    "GetSecretValue in eu-west-1",
                    "AccessDeniedException, request ",
                    "to do: ",
                ],
            ),
        ),
        (file(DB), _without_token, (ExitCode.IDENTITY, ["gave up after 120 s: token-unavailable"])),
        (
            file(DB),
            _foreign,
            (
                ExitCode.IDENTITY,
                ["identity-denied", "AssumeRoleWithWebIdentity", "system:serviceaccount:shop:web"],
            ),
        ),
        (file(DB), _down, (ExitCode.UNAVAILABLE, ["gave up after 120 s", "NetworkPolicy"])),
        (file(DB), _throttled, (ExitCode.UNAVAILABLE, ["throttled", "ThrottlingException"])),
        (
            file(f"{DB}#absent"),
            _plain,
            (ExitCode.RENDER, ["selector-not-found", "its keys are: `password`, `user`"]),
        ),
        (variable(DB, "DB"), _plain, (ExitCode.RENDER, ["unsafe-variable", "the variable DB"])),
        (file(DB), _without_volume, (ExitCode.WRITE, ["write-failed", "syrette-secrets"])),
        (file(DB), _without_region, (ExitCode.CONFIGURATION, ["invalid-store", "no region"])),
    ],
)
def test_each_class_has_its_code_and_its_words(
    world: AwsWorld,
    tmp_path: Path,
    secret: Secret,
    spoil: Callable[[AwsWorld, Pod], object],
    expected: tuple[int, list[str]],
) -> None:
    """One line names the secret, the target, the step, the cause and the remedy."""
    world.put_secret("prod/db", """{"user": "c4nary'", "password": "c4nary"}""")
    pod = Pod(world, tmp_path, secret)
    spoil(world, pod)
    outcome = pod.init()

    assert outcome.exit_code == expected[0]
    assert [word for word in expected[1] if word not in outcome.message] == []
    assert "c4nary" not in outcome.message


def test_a_cause_that_is_shared_is_told_once(world: AwsWorld, tmp_path: Path) -> None:
    """A login that fails for 100 secrets is one explanation and names, within 4 KiB."""
    secrets = [file(f"aws-secretsmanager:prod/{number}") for number in range(100)]
    pod = Pod(world, tmp_path, *secrets)
    _foreign(world, pod)
    outcome = pod.init()
    lines = outcome.message.splitlines()

    assert len(outcome.message.encode()) <= 4096
    assert "to do: the trust policy" in lines[0]
    assert lines[1].endswith("as aws-secretsmanager:prod/0")
    assert lines[-1].startswith("… and ")


def test_what_must_be_changed_comes_before_what_may_pass(world: AwsWorld, tmp_path: Path) -> None:
    """A definite no is the first line and gives the code, whatever the plan's order."""
    world.put_secret("prod/db", "x")
    world.put_parameter("/denied", "x")
    pod = Pod(world, tmp_path, file(DB), file("aws-ssm:/absent", "p"))
    world.go_down(service="secretsmanager", fault=faults.status(503))
    outcome = pod.init()

    assert outcome.exit_code == ExitCode.NOT_FOUND
    assert outcome.message.startswith("not-found: aws-ssm:/absent -> p (aws-ssm)")
    assert "unavailable: aws-secretsmanager:prod/db" in outcome.message


def test_both_regions_causes_are_told(world: AwsWorld, tmp_path: Path) -> None:
    """When primary and failover fail, the message has what each of them said."""
    world.put_secret("prod/db", "x", replicas=["eu-central-1"])
    pod = Pod(world, tmp_path, file(DB))
    pod.plan = pod.with_stores(**{"failover-region": "eu-central-1"})
    world.go_down(service="secretsmanager", fault=faults.status(503))
    outcome = pod.init()

    assert "eu-west-1: " in outcome.message
    assert "eu-central-1: " in outcome.message
