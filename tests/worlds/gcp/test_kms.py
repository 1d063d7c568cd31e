"""Cloud KMS: versions, checksums, additional data, and who is refused what."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import google_crc32c
import pytest

from tests.worlds.gcp.wire import Answer, post
from worlds.gcp.access_tokens import KMS

if TYPE_CHECKING:
    from worlds.gcp import CryptoKey, GcpWorld, ServiceAccount
    from worlds.gcp.kms import VersionState

DECRYPTER = "roles/cloudkms.cryptoKeyDecrypter"
WRONG_KEY = "Decryption failed: verify that 'name' refers to the correct CryptoKey."
INVALID = "Decryption failed: the ciphertext is invalid."


@pytest.fixture
def key(world: GcpWorld, web: ServiceAccount) -> CryptoKey:
    """A key that the service account may decrypt with."""
    made = world.crypto_key("db")
    world.grant(web, DECRYPTER, made)
    return made


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decrypt(
    world: GcpWorld, token: str, key: CryptoKey, ciphertext: bytes, **more: object
) -> Answer:
    return post(world, token, f"{key.name}:decrypt", {"ciphertext": _text(ciphertext), **more})


def test_a_ciphertext_is_opened_with_the_version_that_made_it(
    world: GcpWorld, token: str, key: CryptoKey
) -> None:
    """Which stands inside, and needs not be the primary one."""
    old = key.seal(b"data key")
    key.rotate()
    first = _decrypt(world, token, key, old).content
    second = _decrypt(world, token, key, key.seal(b"data key")).content

    assert first == {
        "plaintext": _text(b"data key"),
        "plaintextCrc32c": str(google_crc32c.value(b"data key")),
        "protectionLevel": "SOFTWARE",
    }
    assert second["usedPrimary"] is True
    versions = [entry.detail["version"] for entry in world.journal.calls("Decrypt", outcome="ok")]
    assert versions == ["1", "2"]


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED", "DESTROY_SCHEDULED"])
def test_a_version_that_is_not_enabled_decrypts_nothing(
    world: GcpWorld, token: str, key: CryptoKey, state: VersionState
) -> None:
    """And says its state, though another version is enabled."""
    sealed = key.seal(b"data key")
    key.rotate()
    key.set_state(1, state)
    answer = _decrypt(world, token, key, sealed)

    subject = f"{key.name}/cryptoKeyVersions/1"
    message = f"{subject} is not enabled, current state is: {state}."
    assert answer.refusal == (400, "FAILED_PRECONDITION", message)
    (violation,) = answer.content["error"]["details"][0]["violations"]
    assert (violation["type"], violation["subject"]) == (f"KEY_{state}", subject)


def test_a_ciphertext_of_another_key_is_refused(
    world: GcpWorld, token: str, key: CryptoKey
) -> None:
    """In the words that Google has for it."""
    other = world.crypto_key("other")

    answer = _decrypt(world, token, key, other.seal(b"data key"))
    assert answer.refusal == (400, "INVALID_ARGUMENT", WRONG_KEY)


def test_a_changed_ciphertext_is_refused(world: GcpWorld, token: str, key: CryptoKey) -> None:
    """A bit of its tag, a cut, or none at all."""
    sealed = bytearray(key.seal(b"data key"))
    sealed[-1] ^= 1

    for changed in (bytes(sealed), bytes(sealed[:20]), b""):
        answer = _decrypt(world, token, key, changed)
        assert answer.refusal == (400, "INVALID_ARGUMENT", INVALID)


def test_additional_data_must_be_the_same(world: GcpWorld, token: str, key: CryptoKey) -> None:
    """Neither other nor missing."""
    sealed = key.seal(b"data key", b"shop")
    same = {"additionalAuthenticatedData": _text(b"shop")}

    assert _decrypt(world, token, key, sealed, **same).status == 200
    assert _decrypt(world, token, key, sealed).refusal[2] == INVALID


def test_a_checksum_that_does_not_fit_is_refused(
    world: GcpWorld, token: str, key: CryptoKey
) -> None:
    """Of the ciphertext or the additional data; the right one as text or number is taken."""
    sealed = key.seal(b"data key")
    right = google_crc32c.value(sealed)

    for told in (right, str(right)):
        assert _decrypt(world, token, key, sealed, ciphertextCrc32c=told).status == 200
    assert _decrypt(world, token, key, sealed, ciphertextCrc32c=str(right + 1)).refusal == (
        400,
        "INVALID_ARGUMENT",
        "The checksum in field ciphertext_crc32c did not match the data in field ciphertext.",
    )
    other = {"additionalAuthenticatedDataCrc32c": "7"}
    assert (
        "additional_authenticated_data" in _decrypt(world, token, key, sealed, **other).refusal[2]
    )


def test_base64_that_is_none_is_refused(world: GcpWorld, token: str, key: CryptoKey) -> None:
    """As a field of bytes that cannot be read; so is a body that is no JSON object."""
    answer = post(world, token, f"{key.name}:decrypt", {"ciphertext": "a*b"})
    listed = post(world, token, f"{key.name}:decrypt", [])

    assert answer.refusal[2] == (
        "Invalid value at 'ciphertext' (TYPE_BYTES), Base64 decoding failed."
    )
    assert listed.refusal[:2] == (400, "INVALID_ARGUMENT")


def test_base64_of_either_alphabet_is_taken(world: GcpWorld, token: str, key: CryptoKey) -> None:
    """As in every field of bytes, with or without padding."""
    sealed = base64.urlsafe_b64encode(key.seal(b"data key")).decode().rstrip("=")

    assert post(world, token, f"{key.name}:decrypt", {"ciphertext": sealed}).status == 200


def test_one_who_may_decrypt_may_not_encrypt(
    world: GcpWorld, token: str, web: ServiceAccount, key: CryptoKey
) -> None:
    """Two permissions, two roles."""
    content = {"plaintext": _text(b"data key"), "plaintextCrc32c": "0"}
    denied = post(world, token, f"{key.name}:encrypt", content)
    world.grant(web, "roles/cloudkms.cryptoKeyEncrypter", key)
    wrong = post(world, token, f"{key.name}:encrypt", content)
    made = post(world, token, f"{key.name}:encrypt", {"plaintext": _text(b"data key")})

    assert denied.refusal[2] == (
        f"Permission 'cloudkms.cryptoKeyVersions.useToEncrypt' denied on resource '{key.name}' "
        "(or it may not exist)."
    )
    assert "checksum in field plaintext_crc32c" in wrong.refusal[2]
    assert "verifiedPlaintextCrc32c" not in made.content
    sealed = base64.b64decode(made.content["ciphertext"])
    assert _decrypt(world, token, key, sealed).content["plaintext"] == _text(b"data key")


def test_encryption_may_name_a_version(
    world: GcpWorld, token: str, web: ServiceAccount, key: CryptoKey
) -> None:
    """An older one, but none that is not there."""
    key.rotate()
    world.grant(web, "roles/cloudkms.cryptoKeyEncrypter", key)
    content = {"plaintext": _text(b"data key")}

    made = post(world, token, f"{key.name}/cryptoKeyVersions/1:encrypt", content)
    absent = post(world, token, f"{key.name}/cryptoKeyVersions/3:encrypt", content)
    assert made.content["name"] == f"{key.name}/cryptoKeyVersions/1"
    assert absent.refusal[:2] == (404, "NOT_FOUND")


def test_keys_without_permission_are_denied_there_or_not(
    world: GcpWorld, token: str, web: ServiceAccount, key: CryptoKey
) -> None:
    """A role on the key ring counts for its keys, and then an absent one is not found."""
    other = world.crypto_key("other")
    absent = f"{other.name}-2:decrypt"
    sealed = other.seal(b"data key")

    assert _decrypt(world, token, other, sealed).reasons == ["IAM_PERMISSION_DENIED"]
    assert post(world, token, absent, {}).status == 403
    world.grant(web, DECRYPTER, key.name.rpartition("/cryptoKeys/")[0])
    assert _decrypt(world, token, other, sealed).status == 200
    assert post(world, token, absent, {}).refusal == (
        404,
        "NOT_FOUND",
        f"CryptoKey {other.name}-2 not found.",
    )


def test_a_plaintext_beyond_its_bound_is_refused(
    world: GcpWorld, token: str, web: ServiceAccount, key: CryptoKey
) -> None:
    """64 KiB are the most."""
    world.grant(web, "roles/cloudkms.cryptoKeyEncrypter", key)

    def ask(size: int) -> int:
        content = {"plaintext": _text(b"a" * size)}
        return post(world, token, f"{key.name}:encrypt", content).status

    assert (ask(65536), ask(65537)) == (200, 400)


def test_the_scope_of_kms_alone_is_enough(
    world: GcpWorld, web: ServiceAccount, key: CryptoKey
) -> None:
    """And the API may be off as any other."""
    narrow = world.access_token(web, scopes=[KMS])
    sealed = key.seal(b"data key")

    assert _decrypt(world, narrow, key, sealed).status == 200
    world.disable_api("cloudkms.googleapis.com")
    assert (
        "Cloud Key Management Service (KMS) API has not been used"
        in (_decrypt(world, narrow, key, sealed).refusal[2])
    )
