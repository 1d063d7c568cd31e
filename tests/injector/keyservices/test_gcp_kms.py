"""Cloud KMS decrypts a data key for the pod, verified by checksums both ways."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import google_crc32c
import pytest

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.keyservices.gcp_kms import GcpKms
from injector.keyservices.services import KeyServices
from injector.material import Material
from injector.sops.age import AgeKeyService
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey, GcpKmsKey
from tests.injector.gcp.google import CANARY, Google, GooglePod, issued, refused, reply
from tests.injector.gcp.test_world import WorldPod
from tests.injector.keyservices.sealing import (
    CONTENT,
    DATA_KEY,
    master_key,
    moved,
    opened,
    sealed,
)
from tests.injector.sops.oracle import x25519
from worlds import faults
from worlds.gcp import GcpWorld, wrong_checksum

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from injector.contract.stores import Store
    from worlds.gcp.kms import CryptoKey, VersionState

DECRYPTER = "roles/cloudkms.cryptoKeyDecrypter"
RESOURCE = "projects/acme-shop/locations/europe-west3/keyRings/prod/cryptoKeys/sops"


@pytest.fixture
def world() -> Iterator[GcpWorld]:
    """A running world."""
    with GcpWorld() as world:
        yield world


@pytest.fixture
def pod(world: GcpWorld, tmp_path: Path) -> Iterator[WorldPod]:
    """A pod in it."""
    opened_pod = WorldPod(world, tmp_path)
    yield opened_pod
    opened_pod.transport.close()


@pytest.fixture
def store(pod: WorldPod) -> Store:
    """A store of workload identity federation."""
    return pod.by_federation()


@pytest.fixture
def crypto_key(world: GcpWorld, store: Store) -> CryptoKey:
    """A key that shop/web may decrypt with."""
    key = world.crypto_key("sops")
    assert store.family == "gcp"
    world.grant(world.provider().member("shop", "web"), DECRYPTER, key)
    return key


def _key(key: CryptoKey, *, enc: bytes = b"", name: str = "") -> GcpKmsKey:
    """What a document says that has its data key under a key."""
    blob = enc or key.seal(DATA_KEY)
    return GcpKmsKey(name or key.name, base64.b64encode(blob).decode())


def _refused(pod: GooglePod, store: Store, key: GcpKmsKey) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        GcpKms(store, pod.sessions).decrypt(key)
    return caught.value


def test_a_document_is_decrypted(
    pod: WorldPod, store: Store, crypto_key: CryptoKey, tmp_path: Path
) -> None:
    """Of the real sops, whose data key is under a key of KMS: this sops asks the true host only."""
    identity = x25519()
    document = sealed(tmp_path, {}, "--age", identity.recipient)
    age = AgeKeyService([Material(identity.secret.encode())])
    data_key = age.decrypt(master_key(document)).reveal()
    enc = base64.b64encode(crypto_key.seal(data_key)).decode()
    document = moved(document, "gcp_kms", resource_id=crypto_key.name, enc=enc)

    assert opened(document, KeyServices([store], pod.sessions)) == CONTENT
    [entry] = pod.world.journal.calls("Decrypt")
    assert (entry.outcome, entry.resources) == ("ok", (crypto_key.name,))
    assert entry.principal == pod.world.provider().member("shop", "web")


def test_a_rotated_key_still_decrypts(pod: WorldPod, store: Store, crypto_key: CryptoKey) -> None:
    """A ciphertext names its version."""
    key = _key(crypto_key)
    crypto_key.rotate()

    assert GcpKms(store, pod.sessions).decrypt(key).reveal() == DATA_KEY


def test_who_may_not_is_told_which_command_allows_it(pod: WorldPod, store: Store) -> None:
    """The command's member is the one that the binding needs."""
    key = pod.world.crypto_key("other")

    error = _refused(pod, store, _key(key))

    member = pod.world.provider().member("shop", "web")
    assert error.reason is Reason.ACCESS_DENIED
    assert "gcloud kms keys add-iam-policy-binding other --keyring=prod" in error.remedy
    assert f'--role={DECRYPTER} --member="{member}"' in error.remedy


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("DISABLED", "versions enable"),
        ("DESTROYED", "versions restore"),
        ("DESTROY_SCHEDULED", "versions restore"),
    ],
)
def test_a_version_out_of_service_is_told(
    pod: WorldPod,
    store: Store,
    crypto_key: CryptoKey,
    state: VersionState,
    words: str,
) -> None:
    """With what brings it back."""
    key = _key(crypto_key)
    crypto_key.set_state(1, state)

    error = _refused(pod, store, key)

    assert error.reason is Reason.ACCESS_DENIED
    assert words in error.remedy


def test_a_disabled_api_is_told(pod: WorldPod, store: Store, crypto_key: CryptoKey) -> None:
    """With the command that enables it."""
    pod.world.disable_api("cloudkms.googleapis.com")

    error = _refused(pod, store, _key(crypto_key))

    assert error.reason is Reason.ACCESS_DENIED
    assert "gcloud services enable cloudkms.googleapis.com" in error.remedy


def test_a_key_that_is_missing_is_told(pod: WorldPod, store: Store, crypto_key: CryptoKey) -> None:
    """To whom the project is open; to others it looks forbidden."""
    name = crypto_key.name.replace("sops", "gone")
    pod.world.grant(pod.world.provider().member("shop", "web"), DECRYPTER, "projects/shop-prod")

    assert _refused(pod, store, _key(crypto_key, name=name)).reason is Reason.NOT_FOUND


def test_attack_another_key_is_swapped_in(
    pod: WorldPod, store: Store, crypto_key: CryptoKey
) -> None:
    """What another key has encrypted, or what was changed, is the document's fault."""
    other = pod.world.crypto_key("other").seal(DATA_KEY)
    blob = crypto_key.seal(DATA_KEY)
    changed = blob[:-1] + bytes([blob[-1] ^ 1])

    for enc in (other, changed, b"x"):
        error = _refused(pod, store, _key(crypto_key, enc=enc))
        assert error.reason is Reason.INVALID_DOCUMENT
        assert "is not what" in str(error)


def test_a_reply_with_another_checksum_is_asked_for_again(
    pod: WorldPod, store: Store, crypto_key: CryptoKey
) -> None:
    """Once is a flipped bit; always is no key."""
    pod.world.faults.add(wrong_checksum(), on="cloudkms.Decrypt", times=1)
    assert GcpKms(store, pod.sessions).decrypt(_key(crypto_key)).reveal() == DATA_KEY

    pod.world.faults.add(wrong_checksum(), on="cloudkms.Decrypt")
    error = _refused(pod, store, _key(crypto_key))
    assert (error.reason, error.code) == (Reason.UNAVAILABLE, "CRC32C")


def test_a_passing_failure_is_tried_again(
    pod: WorldPod, store: Store, crypto_key: CryptoKey
) -> None:
    """A 503, a reset and a quota."""
    for fault in (faults.status(503), faults.reset(), faults.status(429)):
        pod.world.faults.add(fault, on="cloudkms.Decrypt", times=1)
        assert GcpKms(store, pod.sessions).decrypt(_key(crypto_key)).reveal() == DATA_KEY


def test_a_token_that_was_revoked_is_replaced_once(
    pod: WorldPod, store: Store, crypto_key: CryptoKey
) -> None:
    """By one more login."""
    service = GcpKms(store, pod.sessions)
    service.decrypt(_key(crypto_key))
    pod.world.expire_tokens()

    assert service.decrypt(_key(crypto_key)).reveal() == DATA_KEY
    assert pod.world.journal.count("Decrypt", outcome="ok") == 2


@pytest.fixture
def google() -> Iterator[Google]:
    """A Google that says what a test scripts."""
    with Google() as opened_google:
        opened_google.say("/v1/token", issued("federated"))
        yield opened_google


@pytest.fixture
def scripted(google: Google, tmp_path: Path) -> Iterator[GooglePod]:
    """A pod that talks to it."""
    made = GooglePod(google.url, tmp_path)
    yield made
    made.transport.close()


def _scripted_store(pod: GooglePod, **settings: str) -> Store:
    endpoints = tuple((name, pod.url) for name in ("cloudkms", "sts"))
    return pod.federated(endpoints=endpoints, **settings)


def test_the_request_carries_its_checksum(google: Google, scripted: GooglePod) -> None:
    """And the project that is charged, where the store names one."""
    plaintext = base64.b64encode(DATA_KEY).decode()
    crc = google_crc32c.value(DATA_KEY)
    google.say(":decrypt", reply({"plaintext": plaintext, "plaintextCrc32c": crc}))
    store = _scripted_store(scripted, quota_project="acme-quota")

    found = GcpKms(store, scripted.sessions).decrypt(GcpKmsKey(RESOURCE, "AQID"))

    [request] = google.asked(":decrypt")
    assert found.reveal() == DATA_KEY
    assert request.path == f"/v1/{RESOURCE}:decrypt"
    assert request.headers["x-goog-user-project"] == "acme-quota"
    want = str(google_crc32c.value(b"\x01\x02\x03"))
    assert request.body == b'{"ciphertext": "AQID", "ciphertextCrc32c": "%s"}' % want.encode()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"plaintext": "AQID"},
        {"plaintext": "AQID", "plaintextCrc32c": "x"},
        {"plaintext": "AQID", "plaintextCrc32c": True},
        {"plaintext": "!", "plaintextCrc32c": "0"},
        {"plaintext": 7, "plaintextCrc32c": "0"},
    ],
)
def test_a_reply_that_cannot_be_verified_is_no_key(
    google: Google, scripted: GooglePod, document: dict[str, object]
) -> None:
    """Not even one that leaves its checksum out."""
    google.say(":decrypt", reply(document))

    error = _refused(scripted, _scripted_store(scripted), GcpKmsKey(RESOURCE, "AQID"))

    assert (error.reason, error.code) == (Reason.UNAVAILABLE, "CRC32C")


def test_a_request_that_arrived_changed_is_sent_again(google: Google, scripted: GooglePod) -> None:
    """Google says so by the checksum; it is no fault of the document."""
    words = "The checksum in field ciphertext_crc32c did not match the data in field ciphertext."
    good = {"plaintext": "", "plaintextCrc32c": "0"}
    google.say(":decrypt", refused(400, "INVALID_ARGUMENT", words), reply(good))

    found = GcpKms(_scripted_store(scripted), scripted.sessions).decrypt(
        GcpKmsKey(RESOURCE, "AQID")
    )

    assert len(found) == 0
    assert len(google.asked(":decrypt")) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_no_text_of_google_passes_through(google: Google, scripted: GooglePod, status: int) -> None:
    """It may repeat what was sent."""
    google.say(":decrypt", refused(status, "CODE", CANARY))

    error = _refused(scripted, _scripted_store(scripted), GcpKmsKey(RESOURCE, "AQID"))

    assert CANARY not in f"{error} {error!r} {error.remedy} {error.code}"


def test_a_key_of_another_kind_is_refused(scripted: GooglePod) -> None:
    """And what is no resource is not asked for."""
    service = GcpKms(_scripted_store(scripted), scripted.sessions)
    with pytest.raises(ProviderError, match="age"):
        service.decrypt(AgeKey("age1x", "…"))
    with pytest.raises(SopsError, match="no key of Cloud KMS"):
        service.decrypt(GcpKmsKey(f"{RESOURCE}?alt=media", "AQID"))
