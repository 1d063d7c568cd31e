"""AWS KMS decrypts a data key for the pod's role, and says why when it does not."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.keyservices.aws_kms import AwsKms
from injector.keyservices.services import KeyServices
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey, KmsKey
from tests.injector.keyservices.sealing import (
    CONTENT,
    DATA_KEY,
    altered,
    master_key,
    opened,
    sealed,
)
from tests.injector.tenant import allowing, session_arn
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from injector.contract.stores import Store
    from tests.injector.tenant import Tenant
    from worlds.aws import AwsWorld, Key, Role

CONTEXT = (("app", "shop"), ("stage", "prod"))


@pytest.fixture
def kms_key(world: AwsWorld) -> Key:
    """A key that leaves it to the account who may."""
    return world.kms_key()


@pytest.fixture
def document(tenant: Tenant, kms_key: Key, tmp_path: Path) -> bytes:
    """A document of the real sops under that key, with an encryption context."""
    return _sealed(tenant, tmp_path, "--kms", kms_key.arn, "--encryption-context", "app:shop")


def _sealed(tenant: Tenant, directory: Path, *keys: str) -> bytes:
    world = tenant.world
    writer = world.account().user("writer", allowing("kms:Encrypt"))
    access = world.access_key(writer)
    environment = {
        "AWS_ACCESS_KEY_ID": access.id,
        "AWS_SECRET_ACCESS_KEY": access.secret,
        "AWS_ENDPOINT_URL_KMS": world.endpoint("kms"),
        "AWS_CA_BUNDLE": str(world.ca_path),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return sealed(directory, environment, *keys)


def _key(key: Key, *, role: str = "", arn: str = "", enc: bytes = b"") -> KmsKey:
    """What a document says that has its data key under a key."""
    blob = enc or key.seal(DATA_KEY, dict(CONTEXT))
    return KmsKey(arn or key.arn, role, CONTEXT, _base64(blob))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _refused(tenant: Tenant, key: KmsKey, store: Store | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        AwsKms(store or tenant.store(), tenant.sessions).decrypt(key)
    return caught.value


def test_a_document_of_sops_is_decrypted(tenant: Tenant, kms_key: Key, document: bytes) -> None:
    """With the pod's role, the key's ARN and the document's context, in one call."""
    services = KeyServices([tenant.store()], tenant.sessions)

    assert opened(document, services) == CONTENT
    [entry] = tenant.world.journal.calls("Decrypt")
    assert (entry.outcome, entry.region) == ("ok", "eu-west-1")
    assert (entry.resources, entry.detail) == ((kms_key.arn,), {"context.app": "shop"})
    assert entry.principal == session_arn(tenant.role)


def test_a_profile_of_the_document_is_not_used(tenant: Tenant, document: bytes) -> None:
    """There are no profiles in a pod: the pod's own role decrypts."""
    services = KeyServices([tenant.store()], tenant.sessions)

    assert opened(altered(document, "kms", aws_profile="admin"), services) == CONTENT


def test_the_region_is_that_of_the_key(tenant: Tenant) -> None:
    """Whatever the store's own is, which stays that of the login."""
    far = tenant.world.kms_key(region="us-east-1")

    opened_key = AwsKms(tenant.store(), tenant.sessions).decrypt(_key(far))

    assert opened_key.reveal() == DATA_KEY
    [entry] = tenant.world.journal.calls("Decrypt")
    assert entry.region == "us-east-1"
    [login] = tenant.world.journal.calls("AssumeRoleWithWebIdentity")
    assert login.region == "eu-west-1"


def test_an_alias_decrypts(tenant: Tenant, kms_key: Key) -> None:
    """A document may name one."""
    alias = tenant.world.kms_alias("team/sops", kms_key)

    found = AwsKms(tenant.store(), tenant.sessions).decrypt(_key(kms_key, arn=alias))

    assert found.reveal() == DATA_KEY


def test_a_role_of_the_chain_is_the_one_that_decrypts(tenant: Tenant, kms_key: Key) -> None:
    """Each step of the store's chain by its own name, and the last without one."""
    middle = tenant.reader("middle")
    last = tenant.reader("last", middle.arn)
    store = tenant.store(assume_role=(middle.arn, last.arn))
    service = AwsKms(store, tenant.sessions)

    def asked(role: Role | None) -> str:
        found = service.decrypt(_key(kms_key, role=role.arn if role else ""))
        assert found.reveal() == DATA_KEY
        return tenant.world.journal.calls("Decrypt")[-1].principal

    assert asked(None) == session_arn(last)
    assert asked(middle) == session_arn(middle)
    assert asked(tenant.role) == session_arn(tenant.role)
    assert tenant.world.journal.count("AssumeRole") == 2


def test_attack_a_role_outside_of_the_chain_is_never_assumed(
    tenant: Tenant, kms_key: Key, document: bytes
) -> None:
    """Although the pod's role could: neither by the document nor by the service alone."""
    admin = tenant.reader("admin")
    attack = altered(document, "kms", role=admin.arn)

    with pytest.raises(SopsError, match=r"aws\.assume-role"):
        opened(attack, KeyServices([tenant.store()], tenant.sessions))
    assert _refused(tenant, _key(kms_key, role=admin.arn)).reason is Reason.POLICY_DENIED
    assert {entry.action for entry in tenant.world.journal.entries} == {"Encrypt"}


def test_attack_another_key_is_swapped_in(tenant: Tenant, kms_key: Key) -> None:
    """What another key has encrypted, which the role may use, is not decrypted under this name."""
    other = tenant.world.kms_key()

    error = _refused(tenant, _key(kms_key, enc=other.seal(DATA_KEY, dict(CONTEXT))))

    assert (error.reason, error.code) == (Reason.INVALID_DOCUMENT, "IncorrectKeyException")
    assert "another key" in error.remedy


def test_attack_the_context_is_changed(tenant: Tenant, document: bytes) -> None:
    """A document of one application is not decrypted as another's."""
    attack = altered(document, "kms", context={"app": "other"})

    with pytest.raises(SopsError, match="encryption context of the document was changed") as caught:
        opened(attack, KeyServices([tenant.store()], tenant.sessions))
    assert caught.value.reason is Reason.INVALID_DOCUMENT


def test_a_role_without_the_right_is_told_which(tenant: Tenant, kms_key: Key) -> None:
    """Who may not do what on which key, and where it is allowed."""
    tenant.role.set_policies(allowing("secretsmanager:*"))

    error = _refused(tenant, _key(kms_key))

    assert (error.reason, error.step) == (Reason.ACCESS_DENIED, "Decrypt")
    assert f"{session_arn(tenant.role)} may not kms:Decrypt on {kms_key.arn}" in str(error)
    assert "no identity-based policy" in str(error)
    assert "kms:EncryptionContext" in error.remedy


def test_a_policy_on_the_context_lets_the_right_document_through(
    tenant: Tenant, kms_key: Key
) -> None:
    """One key for many applications, told apart by their contexts."""
    bound = allowing("kms:Decrypt")
    bound["Statement"][0]["Condition"] = {"StringEquals": {"kms:EncryptionContext:app": "shop"}}
    tenant.role.set_policies(bound)
    service = AwsKms(tenant.store(), tenant.sessions)

    assert service.decrypt(_key(kms_key)).reveal() == DATA_KEY
    other = KmsKey(kms_key.arn, "", (("app", "other"),), _key(kms_key).enc)
    assert _refused(tenant, other).reason is Reason.ACCESS_DENIED


def test_a_key_out_of_service_is_told(tenant: Tenant, kms_key: Key) -> None:
    """Disabled, to be deleted, deleted."""
    kms_key.enabled = False
    disabled = _refused(tenant, _key(kms_key))
    kms_key.pending_deletion = True
    pending = _refused(tenant, _key(kms_key))
    missing = _refused(tenant, _key(kms_key, arn=f"{kms_key.arn}0"))

    assert (disabled.reason, disabled.code) == (Reason.ACCESS_DENIED, "DisabledException")
    assert "enable the KMS key" in disabled.remedy
    assert (pending.reason, pending.code) == (Reason.ACCESS_DENIED, "KMSInvalidStateException")
    assert "cancel its deletion" in pending.remedy
    assert (missing.reason, missing.code) == (Reason.NOT_FOUND, "NotFoundException")
    assert "ARN in the document" in missing.remedy


def test_a_passing_failure_is_tried_again(tenant: Tenant, kms_key: Key) -> None:
    """Throttling and the service's own faults."""
    for fault in (faults.throttled(), faults.status(500), faults.reset()):
        tenant.world.faults.add(fault, on="kms.Decrypt", times=1)
        found = AwsKms(tenant.store(), tenant.sessions).decrypt(_key(kms_key))
        assert found.reveal() == DATA_KEY


def test_a_reply_without_the_key_is_no_success(tenant: Tenant, kms_key: Key) -> None:
    """An empty object with status 200 is a fault of the way."""
    tenant.world.faults.add(faults.status(200, body=b"{}"), on="kms.Decrypt")

    assert _refused(tenant, _key(kms_key)).reason is Reason.UNAVAILABLE


def test_a_session_that_was_ended_is_replaced_once(tenant: Tenant, kms_key: Key) -> None:
    """Credentials that AWS no longer knows cost one more login."""
    service = AwsKms(tenant.store(), tenant.sessions)
    service.decrypt(_key(kms_key))
    tenant.world.expire_credentials()

    assert service.decrypt(_key(kms_key)).reveal() == DATA_KEY
    assert tenant.world.journal.count("AssumeRoleWithWebIdentity", outcome="ok") == 2


@pytest.mark.parametrize("enc", ["", "no base64!", "====", "é"])
def test_a_damaged_data_key_is_not_sent(tenant: Tenant, kms_key: Key, enc: str) -> None:
    """It is the document's fault, and told without a call."""
    with pytest.raises(SopsError, match="no base64") as caught:
        AwsKms(tenant.store(), tenant.sessions).decrypt(KmsKey(kms_key.arn, "", (), enc))

    assert caught.value.reason is Reason.INVALID_DOCUMENT
    assert tenant.world.journal.entries == ()


def test_a_key_of_another_kind_is_refused(tenant: Tenant) -> None:
    """Whoever mixes services up hears of it."""
    with pytest.raises(ProviderError, match="age"):
        AwsKms(tenant.store(), tenant.sessions).decrypt(AgeKey("age1x", "…"))


def test_what_was_decrypted_shows_nowhere(tenant: Tenant, kms_key: Key, document: bytes) -> None:
    """Neither the key's repr nor the journal's detail holds a data key."""
    found = AwsKms(tenant.store(), tenant.sessions).decrypt(_key(kms_key))

    assert repr(found) == "<Material 32 bytes>"
    assert _key(kms_key).enc not in repr(master_key(document))
