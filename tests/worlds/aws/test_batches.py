"""BatchGetSecretValue: one call, one permission on everything, one outcome for each secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.worlds.aws.cloud import AWAY, HOME, allow, policy, refuses, statement, trust

if TYPE_CHECKING:
    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role

BATCH = "secretsmanager:BatchGetSecretValue"
GET = "secretsmanager:GetSecretValue"


@pytest.fixture
def role(world: AwsWorld) -> Role:
    """A role that may read what is below `prod/`, in batches too."""
    arn = f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:prod/*"
    return world.account().role("web", trust(HOME), allow(GET, on=arn), allow(BATCH))


@pytest.fixture
def secrets(world: AwsWorld, client: Clients, role: Role) -> Any:  # noqa: ANN401
    """A client for that role, with three secrets to read."""
    for name in ("prod/a", "prod/b", "test/c"):
        world.put_secret(name, f"value of {name}")
    return client("secretsmanager", world.access_key(role))


def test_many_are_read_at_once(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """In an order that is not that of the request; texts, bytes and ARNs alike."""
    cert = world.put_secret("prod/cert", b"\x00\xff")

    reply = secrets.batch_get_secret_value(SecretIdList=["prod/a", "prod/b", cert.arn])

    found = {one["Name"]: one for one in reply["SecretValues"]}
    assert [one["Name"] for one in reply["SecretValues"]] != ["prod/a", "prod/b", "prod/cert"]
    assert found["prod/a"]["SecretString"] == "value of prod/a"
    assert found["prod/cert"]["SecretBinary"] == b"\x00\xff"
    assert found["prod/cert"]["ARN"] == cert.arn
    assert found["prod/b"]["VersionStages"] == ["AWSCURRENT"]
    assert reply["Errors"] == []


def test_each_failure_is_its_own(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """Those that can be read are read; the journal has an outcome for each."""
    world.put_secret("prod/gone", "x")
    world.delete("prod/gone")
    names = ["prod/a", "test/c", "prod/nothing", "prod/gone"]

    reply = secrets.batch_get_secret_value(SecretIdList=names)

    assert [one["Name"] for one in reply["SecretValues"]] == ["prod/a"]
    assert {one["SecretId"]: one["ErrorCode"] for one in reply["Errors"]} == {
        "test/c": "AccessDeniedException",
        "prod/nothing": "ResourceNotFoundException",
        "prod/gone": "InvalidRequestException",
    }
    assert all(one["Message"] for one in reply["Errors"])
    (entry,) = world.journal.entries
    assert (entry.outcome, entry.resources) == ("ok", tuple(names))
    assert dict(entry.items) == {
        "prod/a": "ok",
        "test/c": "AccessDeniedException",
        "prod/nothing": "ResourceNotFoundException",
        "prod/gone": "InvalidRequestException",
    }
    assert "value of" not in repr(entry)


def test_a_secret_asked_for_twice_comes_once(secrets: Any) -> None:  # noqa: ANN401
    """Names are a set."""
    reply = secrets.batch_get_secret_value(SecretIdList=["prod/a", "prod/a"])

    assert [one["Name"] for one in reply["SecretValues"]] == ["prod/a"]


@pytest.mark.parametrize("on", ["", f"arn:aws:secretsmanager:eu-west-1:{HOME}:secret:prod/*"])
def test_the_call_itself_needs_permission_on_everything(
    world: AwsWorld, client: Clients, role: Role, on: str
) -> None:
    """Allowed on some secrets, it is not allowed at all."""
    role.set_policies(allow(GET), *([allow(BATCH, on=on)] if on else []))
    world.put_secret("prod/a", "s3cret")
    secrets = client("secretsmanager", world.access_key(role))

    assert secrets.get_secret_value(SecretId="prod/a")["SecretString"] == "s3cret"
    with refuses("AccessDeniedException", rf"{BATCH} on resource: \* because no identity"):
        secrets.batch_get_secret_value(SecretIdList=["prod/a"])


def test_other_accounts_are_out_of_reach(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
    role: Role,
) -> None:
    """What GetSecretValue would give across accounts, a batch does not."""
    key = world.kms_key(policy(statement("kms:Decrypt", who={"AWS": role.arn})), account=AWAY)
    shared = policy(statement(GET, who={"AWS": role.arn}))
    secret = world.put_secret("db", "theirs", account=AWAY, policy=shared, kms_key=key)
    role.allow(allow(GET, "kms:Decrypt"))

    reply = secrets.batch_get_secret_value(SecretIdList=[secret.arn, "prod/a"])

    assert secrets.get_secret_value(SecretId=secret.arn)["SecretString"] == "theirs"
    assert [one["Name"] for one in reply["SecretValues"]] == ["prod/a"]
    (error,) = reply["Errors"]
    assert (error["SecretId"], error["ErrorCode"]) == (secret.arn, "AccessDeniedException")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"SecretIdList": [f"s{n}" for n in range(21)]}, "ValidationException"),
        ({"SecretIdList": []}, "InvalidParameterException"),
        ({}, "InvalidParameterException"),
        ({"Filters": [{"Key": "name", "Values": ["a"]}]}, "InvalidParameterException"),
        ({"SecretIdList": ["prod/a"], "MaxResults": 5}, "InvalidParameterException"),
        ({"SecretIdList": ["prod/a", ""]}, "ValidationException"),
        ({"SecretIdList": ["x" * 2049]}, "ValidationException"),
    ],
    ids=["21", "none", "nothing", "filters", "a page's size", "an empty id", "a long id"],
)
def test_what_may_be_asked_for_has_bounds(
    secrets: Any,  # noqa: ANN401
    given: dict[str, Any],
    code: str,
) -> None:
    """Twenty at most, and a list of ids only."""
    with refuses(code):
        secrets.batch_get_secret_value(**given)


def test_twenty_are_taken(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """The bound itself is inside."""
    names = [f"prod/{n}" for n in range(20)]
    for name in names:
        world.put_secret(name, name)

    reply = secrets.batch_get_secret_value(SecretIdList=names)

    assert {one["SecretString"] for one in reply["SecretValues"]} == set(names)
