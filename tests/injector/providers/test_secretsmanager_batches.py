"""Secrets Manager: several secrets in one call, and what becomes of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import Reason
from tests.injector.providers.outcomes import calls, error, value
from tests.injector.tenant import Tenant, allowing, put_secrets, read
from worlds import faults

if TYPE_CHECKING:
    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"
BATCH, DESCRIBE, GET = "BatchGetSecretValue", "DescribeSecret", "GetSecretValue"
THEIRS = "444455556666"


@pytest.mark.parametrize(
    ("count", "sizes"), [(1, []), (2, [2]), (20, [20]), (21, [20, 1]), (45, [20, 20, 5])]
)
def test_two_or_more_are_batches_of_at_most_twenty(
    world: AwsWorld, tenant: Tenant, count: int, sizes: list[int]
) -> None:
    """O(N/20) calls, each secret its own value; one alone is no batch."""
    fetched = tenant.fetch(tenant.store(), *put_secrets(world, count))

    assert [value(item) for item in fetched] == [f"value-{n}".encode() for n in range(count)]
    assert [len(entry.resources) for entry in world.journal.calls(BATCH)] == sizes
    assert world.journal.count(GET) == (1 if count == 1 else 0)


def test_each_region_is_a_batch_of_its_own(world: AwsWorld, tenant: Tenant) -> None:
    """Batches are of one session and region."""
    near = put_secrets(world, 2)
    for number in range(2):
        world.put_secret(f"prod/{number}", "far", region="eu-central-1")
    far = [f"{reference}?region=eu-central-1" for reference in near]
    fetched = tenant.fetch(tenant.store(), near[0], far[0], near[1], far[1])

    assert [value(item) for item in fetched] == [b"value-0", b"far", b"value-1", b"far"]
    assert [entry.region for entry in world.journal.calls(BATCH)] == ["eu-west-1", "eu-central-1"]


def test_errors_of_a_batch_are_each_items_own(world: AwsWorld, tenant: Tenant) -> None:
    """Absent, denied and readable in one call."""
    first, second = put_secrets(world, 2)
    policy = allowing("secretsmanager:BatchGetSecretValue")
    arn = "arn:aws:secretsmanager:*:*:secret:prod/0-*"
    tenant.role.set_policies(
        policy, allowing(f"secretsmanager:{GET}", resource=arn), _only("prod/absent")
    )
    fetched = tenant.fetch(tenant.store(), second, "aws-secretsmanager:prod/absent", first)

    assert error(fetched[0]).reason is Reason.ACCESS_DENIED
    assert error(fetched[1]).reason is Reason.NOT_FOUND
    assert value(fetched[2]) == b"value-0"
    assert [error(item).request_id for item in fetched[:2]] == [
        world.journal.calls(BATCH)[0].request_id
    ] * 2


def test_denied_batch_becomes_single_reads_and_is_remembered(
    world: AwsWorld, tenant: Tenant
) -> None:
    """A role with GetSecretValue alone is enough, and is refused once, not once a cycle."""
    asked = put_secrets(world, 25)
    tenant.role.set_policies(allowing(f"secretsmanager:{GET}"))
    store = tenant.store()
    first = tenant.fetch(store, *asked)
    refused = frozenset(first[0].remembered)
    second = tenant.fetch(store, *asked, denied=refused)

    assert [value(item) for item in second] == [f"value-{n}".encode() for n in range(25)]
    assert {item.remembered for item in first} == {(BATCH,)}
    assert {item.remembered for item in second} == {()}
    assert (world.journal.count(BATCH), world.journal.count(GET)) == (1, 50)


def test_batch_never_is_never(world: AwsWorld, tenant: Tenant) -> None:
    """A role whose denials alarm somebody is not tried."""
    fetched = tenant.fetch(tenant.store(batch="never"), *put_secrets(world, 3))

    assert [value(item) for item in fetched] == [b"value-0", b"value-1", b"value-2"]
    assert calls(world) == [GET] * 3


def test_one_odd_name_spoils_no_batch(world: AwsWorld, tenant: Tenant) -> None:
    """A batch that is refused as a whole for one name is read singly, and only that one fails."""
    first, second = put_secrets(world, 2)
    world.faults.add(faults.error("InvalidParameterException"), on=BATCH)
    fetched = tenant.fetch(tenant.store(), first, second, "aws-secretsmanager:absent")

    assert [value(item) for item in fetched[:2]] == [b"value-0", b"value-1"]
    assert error(fetched[2]).reason is Reason.NOT_FOUND
    assert fetched[0].remembered == ()


def test_batch_that_fails_is_not_repeated_as_singles(world: AwsWorld, tenant: Tenant) -> None:
    """A service that is down gets no twenty requests in place of one."""
    world.faults.add(faults.status(503), on=BATCH)
    fetched = tenant.fetch(tenant.store(), *put_secrets(world, 3))

    assert {error(item).reason for item in fetched} == {Reason.UNAVAILABLE}
    assert world.journal.count(GET) == 0
    assert world.journal.count(BATCH) == 4


@pytest.mark.parametrize(
    "body",
    [
        b'{"SecretValues": [null], "Errors": [null]}',
        b'{"SecretValues": []}',
        b'{"Errors": []}',
        b'{"SecretValues": [{"Name": "prod/other", "SecretString": "x"}]}',
    ],
)
def test_batch_that_lacks_a_secret_is_completed_by_single_reads(
    world: AwsWorld, tenant: Tenant, body: bytes
) -> None:
    """A secret that is neither among values nor errors is asked for by itself."""
    asked = put_secrets(world, 2)
    world.faults.add(faults.status(200, body=body), on=BATCH)
    fetched = tenant.fetch(tenant.store(), *asked)

    assert [value(item) for item in fetched] == [b"value-0", b"value-1"]
    assert world.journal.count(GET) == 2


def test_value_without_bytes_in_a_batch_is_a_fault(world: AwsWorld, tenant: Tenant) -> None:
    """An item with neither text nor binary is no empty secret."""
    body = b'{"SecretValues": [{"Name": "prod/0", "VersionId": "v"}, {"Name": "prod/1"}]}'
    asked = put_secrets(world, 2)
    world.faults.add(faults.status(200, body=body), on=BATCH)
    fetched = tenant.fetch(tenant.store(), *asked)

    assert [error(item).reason for item in fetched] == [Reason.UNAVAILABLE] * 2


def test_batch_says_unchanged_for_what_is_held(world: AwsWorld, tenant: Tenant) -> None:
    """A batch moves values anyway; what is held is still not given again."""
    asked = put_secrets(world, 2)
    store = tenant.store()
    held = tenant.fetch(store, *asked)
    world.rotate("prod/1", "new")
    known = [read(text, item.version) for text, item in zip(asked, held, strict=True)]
    fetched = tenant.fetch(store, *known)

    assert fetched[0].unchanged
    assert value(fetched[1]) == b"new"


def _only(name: str) -> dict[str, Any]:
    return allowing(f"secretsmanager:{GET}", resource=f"arn:aws:secretsmanager:*:*:secret:{name}")
