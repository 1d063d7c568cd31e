"""Secrets Manager: which call is made when, and what is read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from injector.contract.reasons import Reason
from tests.injector.providers.outcomes import calls, error, value
from tests.injector.tenant import ASSUME_ALL, Tenant, allowing, put_secrets, read
from worlds import faults

if TYPE_CHECKING:
    from collections.abc import Sequence

    from worlds.aws import AwsWorld

DB = "aws-secretsmanager:prod/db"
BATCH, DESCRIBE, GET = "BatchGetSecretValue", "DescribeSecret", "GetSecretValue"
THEIRS = "444455556666"


def test_text_is_read_as_utf8(world: AwsWorld, tenant: Tenant) -> None:
    """SecretString is text; a file gets its UTF-8."""
    secret = world.put_secret("prod/db", "pässwörd ☃")
    fetched = tenant.fetch(tenant.store(), DB)[0]

    assert value(fetched).decode() == "pässwörd ☃"
    assert [fetched.version] == list(secret.shared.versions)


def test_binary_is_read_as_it_is(world: AwsWorld, tenant: Tenant) -> None:
    """SecretBinary passes through, alone and in a batch."""
    data = bytes(range(256))
    world.put_secret("prod/key", data)
    world.put_secret("prod/db", "text")
    store = tenant.store()
    alone = tenant.fetch(store, "aws-secretsmanager:prod/key")[0]
    batched = tenant.fetch(store, "aws-secretsmanager:prod/key", DB)

    assert value(alone) == data
    assert [value(item) for item in batched] == [data, b"text"]


def test_text_stands_before_binary(world: AwsWorld, tenant: Tenant) -> None:
    """A reply with both is the text, as AWS's own clients take it."""
    body = b'{"SecretString": "text", "SecretBinary": "YmluYXJ5", "VersionId": "v"}'
    world.faults.add(faults.status(200, body=body), on=GET)

    assert value(tenant.fetch(tenant.store(), DB)[0]) == b"text"


def test_largest_secrets_arrive_whole(world: AwsWorld, tenant: Tenant) -> None:
    """Twenty secrets of 64 KiB in one reply."""
    for number in range(20):
        world.put_secret(f"prod/{number}", bytes([number]) * 65536)
    asked = [f"aws-secretsmanager:prod/{number}" for number in range(20)]
    fetched = tenant.fetch(tenant.store(), *asked)

    assert [value(item) for item in fetched] == [bytes([n]) * 65536 for n in range(20)]
    assert calls(world) == [BATCH]


def test_stages_and_versions_are_read_apart(world: AwsWorld, tenant: Tenant) -> None:
    """AWSCURRENT, AWSPREVIOUS, a stage of one's own and a version id of one secret at once."""
    secret = world.put_secret("prod/db", "one")
    first = next(iter(secret.shared.versions))
    world.rotate("prod/db", "two")
    world.rotate("prod/db", "next", stages=("CANARY",))
    asked = [DB, f"{DB}?stage=AWSPREVIOUS", f"{DB}?stage=CANARY", f"{DB}?version={first}"]
    fetched = tenant.fetch(tenant.store(), *asked)

    assert [value(item) for item in fetched] == [b"two", b"one", b"next", b"one"]
    # None of the pinned ones goes into a batch, which knows AWSCURRENT only, and one is no batch.
    assert calls(world) == [GET] * 4


def test_named_current_stage_is_unpinned(world: AwsWorld, tenant: Tenant) -> None:
    """`stage=AWSCURRENT` says what a batch gives anyway."""
    first, second = put_secrets(world, 2)
    fetched = tenant.fetch(tenant.store(), f"{first}?stage=AWSCURRENT", second)

    assert [value(item) for item in fetched] == [b"value-0", b"value-1"]
    assert calls(world) == [BATCH]


def test_pinned_version_that_is_held_asks_nobody(world: AwsWorld, tenant: Tenant) -> None:
    """A version never changes: there is nothing to ask."""
    secret = world.put_secret("prod/db", "one")
    version = next(iter(secret.shared.versions))
    fetched = tenant.fetch(tenant.store(), read(f"{DB}?version={version}", version))[0]

    assert (fetched.unchanged, fetched.version) == (True, version)
    assert calls(world) == []


def test_absent_stage_and_version_are_not_found(world: AwsWorld, tenant: Tenant) -> None:
    """The secret is there, the version is not: the remedy names both."""
    world.put_secret("prod/db", "one")
    asked = [f"{DB}?stage=NOPE", f"{DB}?version=11111111-2222-3333-4444-555555555555"]
    fetched = tenant.fetch(tenant.store(), *asked)

    assert [error(item).reason for item in fetched] == [Reason.NOT_FOUND] * 2
    assert "version or label" in error(fetched[0]).remedy


def test_arn_with_and_without_its_suffix(world: AwsWorld, tenant: Tenant) -> None:
    """Both forms of one's own account's ARN are the secret, alone and in a batch."""
    arn = world.put_secret("prod/db", "one").arn
    forms = [f"aws-secretsmanager:{arn}", f"aws-secretsmanager:{arn[:-7]}"]
    store = tenant.store()
    alone = [tenant.fetch(store, form)[0] for form in forms]
    batched = tenant.fetch(store, *forms)

    assert [value(item) for item in alone + batched] == [b"one"] * 4
    assert calls(world) == [GET, GET, BATCH]


def test_arn_of_another_region_is_read_there(world: AwsWorld, tenant: Tenant) -> None:
    """The ARN's region stands before the store's, and the login stays where it is."""
    arn = world.put_secret("prod/db", "far", region="eu-central-1").arn
    world.put_secret("prod/near", "near")
    asked = [f"aws-secretsmanager:{arn}", "aws-secretsmanager:prod/near"]
    fetched = tenant.fetch(tenant.store(), *asked)

    assert [value(item) for item in fetched] == [b"far", b"near"]
    assert [item.served_by for item in fetched] == ["eu-central-1", "eu-west-1"]
    assert world.journal.count("AssumeRoleWithWebIdentity", region="eu-west-1") == 1


def test_option_region_stands_before_the_stores(world: AwsWorld, tenant: Tenant) -> None:
    """One reference may be read elsewhere."""
    world.put_secret("prod/db", "far", region="eu-central-1")

    assert value(tenant.fetch(tenant.store(), f"{DB}?region=eu-central-1")[0]) == b"far"


def test_secret_of_another_account_by_its_arn(world: AwsWorld, tenant: Tenant) -> None:
    """Resource policy, identity policy and a customer key; batches do not reach over there."""
    key = world.kms_key(_letting(tenant, "kms:Decrypt"), account=THEIRS)
    policy = _letting(tenant, "secretsmanager:*")
    theirs = world.put_secret("db", "theirs", account=THEIRS, kms_key=key, policy=policy)
    world.put_secret("prod/db", "ours")
    fetched = tenant.fetch(tenant.store(), f"aws-secretsmanager:{theirs.arn}", DB)

    assert [value(item) for item in fetched] == [b"theirs", b"ours"]
    assert calls(world) == [BATCH, GET]
    assert fetched[0].remembered == ()


def test_what_another_accounts_secret_lacks_is_listed(world: AwsWorld, tenant: Tenant) -> None:
    """Without a resource policy all three that it takes are named."""
    theirs = world.put_secret("db", "theirs", account=THEIRS)
    failure = error(tenant.fetch(tenant.store(), f"aws-secretsmanager:{theirs.arn}")[0])

    assert failure.reason is Reason.ACCESS_DENIED
    for part in ("resource policy", "identity policy", "customer managed KMS key"):
        assert part in failure.remedy


def test_key_that_does_not_let_us_is_named_as_the_key(world: AwsWorld, tenant: Tenant) -> None:
    """AWS says AccessDenied on the secret; what lacks is in the key's policy."""
    key = world.kms_key(_letting(tenant, "kms:Encrypt"))
    world.put_secret("prod/db", "one", kms_key=key)
    world.put_secret("prod/plain", "two")
    store = tenant.store()
    alone = error(tenant.fetch(store, DB)[0])
    batched = tenant.fetch(store, DB, "aws-secretsmanager:prod/plain")

    for failure in (alone, error(batched[0])):
        assert failure.reason is Reason.ACCESS_DENIED
        assert "the KMS key's policy lacks this role" in failure.remedy
    assert value(batched[1]) == b"two"


def test_disabled_key_is_named_as_the_key(world: AwsWorld, tenant: Tenant) -> None:
    """DecryptionFailure is the key's as well."""
    key = world.kms_key()
    world.put_secret("prod/db", "one", kms_key=key)
    tenant.role.allow(allowing("kms:*"))
    key.enabled = False
    failure = error(tenant.fetch(tenant.store(), DB)[0])

    assert (failure.reason, failure.code) == (Reason.ACCESS_DENIED, "DecryptionFailure")
    assert "KMS key" in failure.remedy


def test_secret_marked_for_deletion_is_not_found_and_says_so(
    world: AwsWorld, tenant: Tenant
) -> None:
    """Alone, in a batch and when it was held before: one reason, one remedy."""
    first, second = put_secrets(world, 2)
    store = tenant.store()
    held = tenant.fetch(store, first)[0]
    world.delete("prod/0")
    alone = tenant.fetch(store, first)[0]
    batched = tenant.fetch(store, first, second)
    again = tenant.fetch(store, read(first, held.version))[0]

    for item in (alone, batched[0], again):
        assert error(item).reason is Reason.NOT_FOUND
        assert "RestoreSecret" in error(item).remedy
    assert value(batched[1]) == b"value-1"


def test_single_secret_is_described_and_read_only_when_it_moved(
    world: AwsWorld, tenant: Tenant
) -> None:
    """One cheap call while nothing moved; the second only after a rotation."""
    world.put_secret("prod/db", "one")
    store = tenant.store()
    held = tenant.fetch(store, DB)[0]
    world.journal.clear()
    unchanged = [tenant.fetch(store, read(DB, held.version))[0].unchanged for _ in range(3)]
    world.rotate("prod/db", "two")
    moved = tenant.fetch(store, read(DB, held.version))[0]

    assert unchanged == [True] * 3
    assert value(moved) == b"two"
    assert calls(world) == [DESCRIBE] * 4 + [GET]


def test_stage_is_described_as_the_stage(world: AwsWorld, tenant: Tenant) -> None:
    """AWSPREVIOUS moves when AWSCURRENT does, and a stage of one's own does not."""
    world.put_secret("prod/db", "one")
    world.rotate("prod/db", "next", stages=("CANARY",))
    store = tenant.store()
    asked = [f"{DB}?stage=CANARY", f"{DB}?stage=AWSCURRENT"]
    held = [tenant.fetch(store, text)[0] for text in asked]
    world.rotate("prod/db", "two")
    again = [
        tenant.fetch(store, read(text, item.version))[0]
        for text, item in zip(asked, held, strict=True)
    ]

    assert again[0].unchanged
    assert value(again[1]) == b"two"
    assert calls(world) == [GET, GET, DESCRIBE, DESCRIBE, GET]


@pytest.mark.parametrize("denied", [(), (DESCRIBE,)])
def test_denied_describe_becomes_a_read_and_is_remembered(
    world: AwsWorld, tenant: Tenant, denied: Sequence[str]
) -> None:
    """A role with GetSecretValue alone is enough; a denial that is known is not asked for."""
    world.put_secret("prod/db", "one")
    store = tenant.store()
    held = tenant.fetch(store, DB)[0]
    tenant.role.set_policies(allowing(f"secretsmanager:{GET}"))
    fetched = tenant.fetch(store, read(DB, held.version), denied=frozenset(denied))[0]

    assert fetched.unchanged
    assert fetched.remembered == (() if denied else (DESCRIBE,))
    assert world.journal.count(DESCRIBE) == (0 if denied else 1)


def test_denial_of_both_is_remembered_with_the_error(world: AwsWorld, tenant: Tenant) -> None:
    """Access that was withdrawn is an error of the read, and the describe is not tried again."""
    world.put_secret("prod/db", "one")
    store = tenant.store()
    held = tenant.fetch(store, DB)[0]
    tenant.role.set_policies()
    fetched = tenant.fetch(store, read(DB, held.version))[0]

    assert (error(fetched).reason, error(fetched).step) == (Reason.ACCESS_DENIED, GET)
    assert fetched.remembered == (DESCRIBE,)


def test_failing_describe_is_the_reads_failure(world: AwsWorld, tenant: Tenant) -> None:
    """No value is transferred because a cheap call had a bad moment."""
    world.put_secret("prod/db", "one")
    store = tenant.store()
    held = tenant.fetch(store, DB)[0]
    world.faults.add(faults.status(503), on=DESCRIBE)
    fetched = tenant.fetch(store, read(DB, held.version))[0]

    assert (error(fetched).reason, error(fetched).step) == (Reason.UNAVAILABLE, DESCRIBE)
    assert world.journal.count(GET) == 1


def test_rotation_between_describe_and_read_gives_the_newest(
    world: AwsWorld, tenant: Tenant
) -> None:
    """What is read is what is recorded, whatever was described."""
    world.put_secret("prod/db", "one")
    store = tenant.store()
    held = tenant.fetch(store, DB)[0]
    world.rotate("prod/db", "two")
    world.faults.add(faults.before(lambda: world.rotate("prod/db", "three")), on=GET, times=1)
    fetched = tenant.fetch(store, read(DB, held.version))[0]
    again = tenant.fetch(store, read(DB, fetched.version))[0]

    assert value(fetched) == b"three"
    assert again.unchanged


def test_denied_secret_names_caller_action_and_secret(world: AwsWorld, tenant: Tenant) -> None:
    """Whoever reads the error can write the policy that lacks."""
    world.put_secret("prod/db", "one")
    tenant.role.set_policies(ASSUME_ALL)
    failure = error(tenant.fetch(tenant.store(), DB)[0])

    assert "assumed-role/web/syrette-shop-web may not secretsmanager:GetSecretValue" in str(failure)
    assert "no identity-based policy allows it" in str(failure)
    assert "allow the role secretsmanager:GetSecretValue" in failure.remedy
    assert failure.request_id == world.journal.calls(GET)[0].request_id


def _letting(tenant: Tenant, *actions: str) -> dict[str, Any]:
    """Write a resource policy that lets the tenant's role do something."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": tenant.role.arn},
        "Action": list(actions),
        "Resource": "*",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
