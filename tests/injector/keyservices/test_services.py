"""The key service for each key of a document: which logins are asked, and what is told of them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.keyservices.services import KeyServices
from injector.material import Material
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey, KmsKey, UnsupportedKey
from tests.injector.keyservices.sealing import CONTENT, DATA_KEY, opened, sealed
from tests.injector.sops.oracle import x25519
from tests.injector.tenant import allowing, session_arn
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from tests.injector.tenant import Tenant
    from worlds.aws import AwsWorld, Key


@pytest.fixture
def kms_key(world: AwsWorld) -> Key:
    """A key that leaves it to the account who may."""
    return world.kms_key()


def _named(key: Key) -> KmsKey:
    return KmsKey(key.arn, "", (), base64.b64encode(key.seal(DATA_KEY, {})).decode())


def _environment(tenant: Tenant) -> dict[str, str]:
    world = tenant.world
    access = world.access_key(world.account().user("writer", allowing("kms:Encrypt")))
    return {
        "AWS_ACCESS_KEY_ID": access.id,
        "AWS_SECRET_ACCESS_KEY": access.secret,
        "AWS_ENDPOINT_URL_KMS": world.endpoint("kms"),
        "AWS_CA_BUNDLE": str(world.ca_path),
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def test_age_is_asked_before_any_cloud(tenant: Tenant, kms_key: Key, tmp_path: Path) -> None:
    """What is mounted needs no login."""
    identity = x25519()
    keys = ("--age", identity.recipient, "--kms", kms_key.arn)
    document = sealed(tmp_path, _environment(tenant), *keys)
    secret = Material(f"# of the pod\n{identity.secret}\n".encode())

    assert opened(document, KeyServices([tenant.store()], tenant.sessions, [secret])) == CONTENT
    assert {entry.action for entry in tenant.world.journal.entries} == {"Encrypt"}


def test_what_age_cannot_the_cloud_can(tenant: Tenant, kms_key: Key, tmp_path: Path) -> None:
    """Any key of a group will do: a colleague's age key is no obstacle."""
    keys = ("--age", x25519().recipient, "--kms", kms_key.arn)
    document = sealed(tmp_path, _environment(tenant), *keys)
    mine = Material(x25519().secret.encode())

    for identities in ([], [mine]):
        services = KeyServices([tenant.store()], tenant.sessions, identities)
        assert opened(document, services) == CONTENT


def test_an_identity_that_cannot_be_read_stops_no_other_key(
    tenant: Tenant, kms_key: Key, tmp_path: Path
) -> None:
    """It is told when nothing else helps."""
    keys = ("--age", x25519().recipient, "--kms", kms_key.arn)
    document = sealed(tmp_path, _environment(tenant), *keys)
    odd = [Material(b"no identity")]

    assert opened(document, KeyServices([tenant.store()], tenant.sessions, odd)) == CONTENT
    with pytest.raises(SopsError, match="line 1 of an identity file"):
        opened(document, KeyServices([], tenant.sessions, odd))


def test_a_document_for_nobody_here_says_why_of_each_key(
    tenant: Tenant, kms_key: Key, tmp_path: Path
) -> None:
    """Each key with its own cause, and what to change."""
    keys = ("--age", x25519().recipient, "--kms", kms_key.arn)
    document = sealed(tmp_path, _environment(tenant), *keys)

    with pytest.raises(SopsError) as caught:
        opened(document, KeyServices([], tenant.sessions))

    assert caught.value.reason is Reason.POLICY_DENIED
    assert f"kms {kms_key.arn}: the pod has no AWS store" in str(caught.value)
    assert "sops.age-key-secret" in str(caught.value)


def test_a_refusal_of_the_cloud_comes_through_with_its_remedy(
    tenant: Tenant, kms_key: Key, tmp_path: Path
) -> None:
    """The data key's error is one text: code, request and remedy must be in it."""
    document = sealed(tmp_path, _environment(tenant), "--kms", kms_key.arn)
    tenant.role.set_policies(allowing("ssm:*"))

    with pytest.raises(SopsError) as caught:
        opened(document, KeyServices([tenant.store()], tenant.sessions))

    [entry] = tenant.world.journal.calls("Decrypt")
    assert caught.value.reason is Reason.ACCESS_DENIED
    for part in ("(Decrypt AccessDeniedException eu-west-1", entry.request_id, "allow the role"):
        assert part in str(caught.value)


def test_logins_are_asked_in_turn(tenant: Tenant, kms_key: Key) -> None:
    """The document does not say whose key it is: the second store's role may decrypt."""
    reader = tenant.reader("reader")
    tenant.role.set_policies(allowing("sts:AssumeRole"))
    first, second = tenant.store(), tenant.store("aws-ssm", assume_role=reader.arn)

    found = KeyServices([first, second], tenant.sessions)(_named(kms_key)).decrypt(_named(kms_key))

    assert found.reveal() == DATA_KEY
    entries = tenant.world.journal.calls("Decrypt")
    assert [entry.principal for entry in entries] == [
        session_arn(tenant.role),
        session_arn(reader),
    ]


def test_when_all_fail_both_are_told_and_what_may_pass_decides(
    tenant: Tenant, kms_key: Key
) -> None:
    """Of one that is forbidden and one that cannot be reached, another try may help."""
    reader = tenant.reader("reader")
    tenant.role.set_policies(allowing("sts:AssumeRole"))
    stores = [tenant.store(), tenant.store("aws-ssm", assume_role=reader.arn)]
    tenant.world.faults.add(faults.status(503), on="kms.Decrypt", skip=1)

    with pytest.raises(ProviderError) as caught:
        KeyServices(stores, tenant.sessions)(_named(kms_key)).decrypt(_named(kms_key))

    assert (caught.value.reason, caught.value.retryable) == (Reason.UNAVAILABLE, True)
    assert "access denied" in str(caught.value)
    assert "the service failed" in str(caught.value)


def test_a_login_that_fails_is_told_as_one(tenant: Tenant, kms_key: Key) -> None:
    """The step says where it was."""
    tenant.role.set_trust(allowing_nobody())

    with pytest.raises(ProviderError) as caught:
        KeyServices([tenant.store()], tenant.sessions)(_named(kms_key)).decrypt(_named(kms_key))

    assert caught.value.reason is Reason.IDENTITY_DENIED
    assert caught.value.step == "AssumeRoleWithWebIdentity"


def allowing_nobody() -> dict[str, object]:
    """Write a trust policy that denies everybody."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
    return {"Version": "2012-10-17", "Statement": [deny]}


def test_key_groups_are_put_together_from_different_clouds(
    tenant: Tenant, kms_key: Key, tmp_path: Path
) -> None:
    """Two parts of two, by Shamir: one of age, one of KMS; one alone is nothing."""
    identity = x25519()
    (tmp_path / ".sops.yaml").write_text(
        "creation_rules:\n- shamir_threshold: 2\n  key_groups:\n"
        f"  - age: [{identity.recipient}]\n"
        f"  - kms: [{{arn: '{kms_key.arn}'}}]\n"
    )
    document = sealed(tmp_path, _environment(tenant))
    secret = Material(identity.secret.encode())

    assert opened(document, KeyServices([tenant.store()], tenant.sessions, [secret])) == CONTENT
    with pytest.raises(SopsError, match="1 of 2 key groups"):
        opened(document, KeyServices([tenant.store()], tenant.sessions))


@pytest.mark.parametrize("key", [UnsupportedKey("pgp", "ABCD"), AgeKey("age1xyz", "…")])
def test_what_is_not_allowed_is_refused_when_it_is_asked(
    tenant: Tenant, key: UnsupportedKey | AgeKey
) -> None:
    """A service is given all the same, which says why not."""
    with pytest.raises(SopsError) as caught:
        KeyServices([tenant.store()], tenant.sessions)(key).decrypt(key)

    assert caught.value.reason is Reason.POLICY_DENIED


def test_a_pattern_of_allowed_keys_is_kept_to(tenant: Tenant, kms_key: Key) -> None:
    """Before anything is asked."""
    key = _named(kms_key)
    account = kms_key.arn.rpartition(":")[0]

    allowed = KeyServices([tenant.store()], tenant.sessions, patterns=[f"{account}:key/*"])
    assert allowed(key).decrypt(key).reveal() == DATA_KEY
    tenant.world.journal.clear()
    other = KeyServices([tenant.store()], tenant.sessions, patterns=["arn:aws:kms:*:9*:key/*"])
    with pytest.raises(SopsError, match="none of the allowed keys"):
        other(key).decrypt(key)
    assert tenant.world.journal.entries == ()
