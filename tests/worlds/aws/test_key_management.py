"""The API of KMS: Encrypt and Decrypt, with AWS's own client and with the real sops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.worlds.aws.cloud import AWAY, ELSEWHERE, HOME, allow, policy, refuses, statement, trust
from tests.worlds.aws.wire import send, to_json
from worlds import faults

if TYPE_CHECKING:
    from typing import Any

    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Key, Role

SOPS = Path(sys.executable).parent / "sops"
DATA_KEY = bytes(range(32))
CONTEXT = {"app": "shop", "stage": "prod"}


@pytest.fixture
def role(world: AwsWorld) -> Role:
    """A role that may use every key that leaves it to the account."""
    return world.account().role("web", trust(HOME), allow("kms:Encrypt", "kms:Decrypt"))


@pytest.fixture
def kms(client: Clients, role: Role) -> Any:  # noqa: ANN401 - botocore makes its clients at run time
    """A client of the role's."""
    return client("kms", client.world.access_key(role))


@pytest.fixture
def key(world: AwsWorld) -> Key:
    """A customer key of the role's account."""
    return world.kms_key()


def test_what_a_key_encrypted_it_decrypts(world: AwsWorld, kms: Any, key: Key) -> None:  # noqa: ANN401 - as above
    """By id, ARN or alias, or by what the ciphertext says; the journal has key and context."""
    alias = world.kms_alias("sops", key)
    sealed = kms.encrypt(KeyId=key.arn, Plaintext=DATA_KEY, EncryptionContext=CONTEXT)
    blob = sealed["CiphertextBlob"]

    assert sealed["KeyId"] == key.arn
    assert DATA_KEY not in blob
    for name in (key.arn, key.arn.rpartition("/")[2], alias, "alias/sops"):
        opened = kms.decrypt(KeyId=name, CiphertextBlob=blob, EncryptionContext=CONTEXT)
        assert (opened["Plaintext"], opened["KeyId"]) == (DATA_KEY, key.arn)
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == DATA_KEY
    entries = world.journal.calls("Decrypt", outcome="ok")
    assert len(entries) == 5
    assert entries[0].resources == (key.arn,)
    assert entries[0].detail == {"context.app": "shop", "context.stage": "prod"}


@pytest.mark.parametrize(
    "other", [{}, {"app": "shop"}, {**CONTEXT, "stage": "test"}, {**CONTEXT, "more": "x"}]
)
def test_another_context_does_not_decrypt(kms: Any, key: Key, other: dict[str, str]) -> None:  # noqa: ANN401 - as above
    """A ciphertext is bound to every pair of its context."""
    blob = key.seal(DATA_KEY, CONTEXT)

    with refuses("InvalidCiphertextException"):
        kms.decrypt(KeyId=key.arn, CiphertextBlob=blob, EncryptionContext=other)


def test_a_changed_ciphertext_does_not_decrypt(kms: Any, key: Key) -> None:  # noqa: ANN401 - as above
    """Neither a flipped bit nor what is none of KMS."""
    blob = key.seal(DATA_KEY, {})
    for changed in (blob[:-1] + bytes([blob[-1] ^ 1]), blob[:40], b"x" * 100):
        with refuses("InvalidCiphertextException"):
            kms.decrypt(KeyId=key.arn, CiphertextBlob=changed)
    with refuses("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=b"x" * 100)


def test_a_key_that_did_not_encrypt_it_is_refused(world: AwsWorld, kms: Any, key: Key) -> None:  # noqa: ANN401 - as above
    """A request that names a key is not served by another, although both are permitted."""
    blob = world.kms_key().seal(DATA_KEY, {})

    with refuses("IncorrectKeyException"):
        kms.decrypt(KeyId=key.arn, CiphertextBlob=blob)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == DATA_KEY


def test_a_key_out_of_service_decrypts_nothing(kms: Any, key: Key) -> None:  # noqa: ANN401 - as above
    """Disabled and to be deleted are told apart, and both can be undone."""
    blob = key.seal(DATA_KEY, {})
    key.enabled = False
    with refuses("DisabledException", "is disabled"):
        kms.decrypt(KeyId=key.arn, CiphertextBlob=blob)
    key.enabled, key.pending_deletion = True, True
    with refuses("KMSInvalidStateException", "is pending deletion"):
        kms.decrypt(KeyId=key.arn, CiphertextBlob=blob)
    key.pending_deletion = False
    assert kms.decrypt(KeyId=key.arn, CiphertextBlob=blob)["Plaintext"] == DATA_KEY


def test_what_does_not_exist_is_not_found(client: Clients, role: Role, key: Key) -> None:
    """A key, an alias, and a key at the endpoint of another region."""
    kms = client("kms", client.world.access_key(role))
    blob = key.seal(DATA_KEY, {})
    with refuses("NotFoundException", "Key 'arn:.*' does not exist"):
        kms.decrypt(KeyId=key.arn[:-1] + "x", CiphertextBlob=blob)
    with refuses("NotFoundException", "Alias arn:.* is not found"):
        kms.decrypt(KeyId="alias/none", CiphertextBlob=blob)
    away = client("kms", client.world.access_key(role), region=ELSEWHERE)
    with refuses("NotFoundException", f"Invalid arn {ELSEWHERE}"):
        away.decrypt(KeyId=key.arn, CiphertextBlob=blob)
    with refuses("AccessDeniedException", "does not exist in this region"):
        away.decrypt(CiphertextBlob=blob)


def test_the_callers_policy_must_allow(world: AwsWorld, client: Clients, key: Key) -> None:
    """To encrypt is no right to decrypt."""
    writer = world.account().role("writer", trust(HOME), allow("kms:Encrypt"))
    kms = client("kms", world.access_key(writer))
    blob = kms.encrypt(KeyId=key.arn, Plaintext=DATA_KEY)["CiphertextBlob"]

    denial = f"kms:Decrypt on resource: {key.arn} because no identity-based policy allows"
    with refuses("AccessDeniedException", denial):
        kms.decrypt(KeyId=key.arn, CiphertextBlob=blob)


def test_a_policy_may_ask_for_the_context(world: AwsWorld, client: Clients, key: Key) -> None:
    """`kms:EncryptionContext:<name>` and its keys are conditions of identity policies, too."""
    when = {
        "StringEquals": {"kms:EncryptionContext:app": "shop"},
        "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["app", "stage"]},
    }
    bound = world.account().role("bound", trust(HOME), allow("kms:Decrypt", when=when))
    kms = client("kms", world.access_key(bound))
    for context, right in ((CONTEXT, True), ({"app": "other"}, False), ({}, False)):
        blob = key.seal(DATA_KEY, context)
        if right:
            kms.decrypt(KeyId=key.arn, CiphertextBlob=blob, EncryptionContext=context)
            continue
        with refuses("AccessDeniedException"):
            kms.decrypt(KeyId=key.arn, CiphertextBlob=blob, EncryptionContext=context)


@pytest.mark.parametrize("consents", [True, False])
def test_another_accounts_key_must_consent(
    world: AwsWorld,
    kms: Any,  # noqa: ANN401 - as above
    role: Role,
    *,
    consents: bool,
) -> None:
    """Without its consent it looks as if it did not exist."""
    who = role.arn if consents else f"arn:aws:iam::{AWAY}:root"
    theirs = world.kms_key(policy(statement("kms:Decrypt", who={"AWS": who})), account=AWAY)
    blob = theirs.seal(DATA_KEY, {})

    if consents:
        assert kms.decrypt(KeyId=theirs.arn, CiphertextBlob=blob)["Plaintext"] == DATA_KEY
        return
    with refuses("AccessDeniedException", "does not exist in this Region"):
        kms.decrypt(KeyId=theirs.arn, CiphertextBlob=blob)
    with refuses("AccessDeniedException", "customer master key that does not exist"):
        kms.decrypt(CiphertextBlob=blob)


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"CiphertextBlob": b""}, "ValidationException"),
        ({"CiphertextBlob": b"x" * 6145}, "ValidationException"),
        ({"CiphertextBlob": b"x", "KeyId": ""}, "ValidationException"),
        ({"KeyId": "x"}, "ValidationException"),
        (
            {"CiphertextBlob": b"x", "KeyId": "x", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"},
            "InvalidKeyUsageException",
        ),
        ({"CiphertextBlob": b"x", "EncryptionContext": {"a": 1}}, "SerializationException"),
    ],
)
def test_a_request_out_of_bounds_is_refused(kms: Any, parameters: Any, code: str) -> None:  # noqa: ANN401 - as above
    """Lengths, the algorithm of symmetric keys, and a context of texts."""
    with refuses(code):
        kms.decrypt(**parameters)


def test_an_unsigned_request_is_refused(world: AwsWorld, key: Key) -> None:
    """Nobody decrypts without a signature."""
    answer = send(world, to_json(world, "TrentService.Decrypt", {"KeyId": key.arn}))

    assert (answer.status, answer.code) == (400, "MissingAuthenticationTokenException")


def test_kms_misbehaves_on_demand(world: AwsWorld, kms: Any, key: Key) -> None:  # noqa: ANN401 - as above
    """As every service of the world."""
    world.faults.add(faults.throttled(), on="kms.Decrypt", times=1)
    blob = key.seal(DATA_KEY, {})
    with refuses("ThrottlingException"):
        kms.decrypt(KeyId=key.arn, CiphertextBlob=blob)
    assert kms.decrypt(KeyId=key.arn, CiphertextBlob=blob)["Plaintext"] == DATA_KEY


def test_sops_itself_encrypts_and_decrypts(
    world: AwsWorld, role: Role, key: Key, tmp_path: Path
) -> None:
    """Another client, in Go: the signature, the ARN as `KeyId`, and the context of the document."""
    access = world.access_key(role)
    environment = {
        "AWS_ACCESS_KEY_ID": access.id,
        "AWS_SECRET_ACCESS_KEY": access.secret,
        "AWS_SESSION_TOKEN": access.token,
        "AWS_ENDPOINT_URL_KMS": world.endpoint("kms"),
        "AWS_CA_BUNDLE": str(world.ca_path),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(tmp_path),
    }

    def sops(*arguments: str) -> str:
        command = [str(SOPS), "--disable-version-check", *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    plain, sealed = tmp_path / "plain.yaml", tmp_path / "sealed.yaml"
    plain.write_text("password: s3cret\n")
    sealed.write_text(
        sops("encrypt", "--kms", key.arn, "--encryption-context", "app:shop", str(plain))
    )

    assert "s3cret" not in sealed.read_text()
    assert sops("decrypt", str(sealed)) == "password: s3cret\n"
    [entry] = world.journal.calls("Decrypt", outcome="ok")
    assert (entry.resources, entry.detail) == ((key.arn,), {"context.app": "shop"})
