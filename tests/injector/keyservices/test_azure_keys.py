"""A key of Key Vault decrypts a data key for the pod's identity, by the cloud's own names."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from injector.contract.reasons import Reason
from injector.errors import ProviderError
from injector.keyservices.azure_keys import AzureKeys
from injector.keyservices.services import KeyServices
from injector.sops.errors import SopsError
from injector.sops.master_keys import AgeKey, AzureKey
from tests.injector.azure.pod import AzurePod
from tests.injector.keyservices.sealing import CONTENT, DATA_KEY, altered, opened, sealed
from worlds import faults
from worlds.azure import AzureWorld
from worlds.egress import Egress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from injector.sessions import SessionCache
    from worlds.azure import Identity, Vault
    from worlds.azure.objects import Key

URL = "https://acme-kv.vault.azure.net"


@pytest.fixture
def azure() -> Iterator[AzureWorld]:
    """The public cloud."""
    with AzureWorld() as world:
        yield world


@pytest.fixture
def egress(azure: AzureWorld) -> Iterator[Egress]:
    """Leads there, and nowhere else."""
    with Egress(azure.routes) as egress:
        yield egress


@pytest.fixture
def client(azure: AzureWorld) -> Identity:
    """The managed identity of shop/web."""
    return azure.workload("web", "shop", "web")


@pytest.fixture
def vault(azure: AzureWorld, client: Identity) -> Vault:
    """A vault, with whose key `sops` shop/web may decrypt."""
    made = azure.vault("acme-kv")
    made.grant(client, "keys/decrypt", only="sops")
    return made


@pytest.fixture
def key(azure: AzureWorld, vault: Vault) -> Key:
    """That key."""
    return azure.put_key(vault, "sops")


@pytest.fixture
def pod(azure: AzureWorld, egress: Egress, key: Key, tmp_path: Path) -> AzurePod:
    """The pod `shop/web`."""
    assert key.id
    return AzurePod(azure, egress, tmp_path)


@pytest.fixture
def sessions(pod: AzurePod, log_in: Callable[..., SessionCache]) -> SessionCache:
    """Its sessions."""
    return log_in(pod)


@pytest.fixture
def service(pod: AzurePod, sessions: SessionCache) -> AzureKeys:
    """What is tested."""
    return AzureKeys(pod.plan.stores[0], sessions)


def _named(key: Key, **fields: str) -> AzureKey:
    """What a document says that has its data key under a key, as the public half encrypts it."""
    scheme = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    blob = key.private.public_key().encrypt(DATA_KEY, scheme)
    enc = base64.urlsafe_b64encode(blob).rstrip(b"=").decode()
    given: dict[str, Any] = {
        "vault_url": URL,
        "name": "sops",
        "version": key.id,
        "enc": enc,
    }
    return AzureKey(**(given | fields))


def _refused(service: AzureKeys, key: AzureKey) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        service.decrypt(key)
    return caught.value


@pytest.fixture
def document(azure: AzureWorld, client: Identity, key: Key, pod: AzurePod, tmp_path: Path) -> bytes:
    """A document of the real sops under that key."""
    token = tmp_path / "writers-token"
    token.write_text(azure.issuer.mint("shop", "web", pod.plan.stores[0].text("audience")))
    azure.vault("acme-kv").grant(client, "keys/encrypt", "keys/get")
    environment = {
        "AZURE_CLIENT_ID": client.client_id,
        "AZURE_TENANT_ID": azure.tenant().id,
        "AZURE_FEDERATED_TOKEN_FILE": str(token),
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "HTTPS_PROXY": pod.plan.proxy.https,
        "SSL_CERT_FILE": str(azure.ca_path),
    }
    return sealed(tmp_path, environment, "--azure-kv", f"{URL}/keys/sops/{key.id}")


def test_a_document_of_sops_is_decrypted(
    azure: AzureWorld, pod: AzurePod, sessions: SessionCache, document: bytes, key: Key
) -> None:
    """With the pod's identity, in one call behind the login, by the vault's own name."""
    assert opened(document, KeyServices(pod.plan.stores, sessions)) == CONTENT

    [entry] = azure.journal.calls("Decrypt")
    assert (entry.outcome, entry.resources) == ("ok", (f"{URL}/keys/sops/{key.id}",))
    assert entry.detail["alg"] == "RSA-OAEP-256"


def test_without_a_version_the_newest_decrypts(service: AzureKeys, key: Key) -> None:
    """As a document may leave it out."""
    assert service.decrypt(_named(key, version="")).reveal() == DATA_KEY


def test_an_older_version_decrypts_what_it_encrypted(
    azure: AzureWorld, service: AzureKeys, vault: Vault, key: Key
) -> None:
    """A document names it."""
    azure.put_key(vault, "sops")

    assert service.decrypt(_named(key)).reveal() == DATA_KEY
    assert _refused(service, _named(key, version="")).reason is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.vault.azure.net.attacker.com",
        "https://acme-kv.attacker.com",
        "http://acme-kv.vault.azure.net",
        "https://acme-kv.vault.azure.cn",
    ],
)
def test_attack_a_host_outside_of_the_cloud_is_never_asked(
    pod: AzurePod, sessions: SessionCache, egress: Egress, document: bytes, url: str
) -> None:
    """No login, no connection, no token."""
    before = egress.asked
    attack = altered(document, "azure_kv", vault_url=url)

    with pytest.raises(SopsError):
        opened(attack, KeyServices(pod.plan.stores, sessions))
    assert egress.asked == before


def test_the_host_is_made_of_the_stores_own_suffix(
    service: AzureKeys, key: Key, egress: Egress
) -> None:
    """Even the service alone sends no token anywhere else."""
    service.decrypt(_named(key, vault_url="https://acme-kv.attacker.com"))

    assert {asked.target.partition(":")[0] for asked in egress.asked} == {
        "login.microsoftonline.com",
        "acme-kv.vault.azure.net",
    }


def test_who_may_not_is_told_the_role(
    service: AzureKeys, vault: Vault, client: Identity, key: Key
) -> None:
    """The one that lets decrypt."""
    vault.revoke(client)

    error = _refused(service, _named(key))

    assert (error.reason, error.code) == (Reason.ACCESS_DENIED, "ForbiddenByRbac")
    assert "may not decrypt with the key `sops` of the vault acme-kv" in str(error)
    assert "Key Vault Crypto User" in error.remedy


def test_a_key_out_of_service_is_told(service: AzureKeys, key: Key) -> None:
    """Disabled, and not for decryption."""
    key.enabled = False
    disabled = _refused(service, _named(key))
    key.enabled, key.operations = True, ("encrypt",)
    other = _refused(service, _named(key))

    assert (disabled.reason, disabled.code) == (Reason.ACCESS_DENIED, "KeyDisabled")
    assert "enable it" in disabled.remedy
    assert (other.reason, other.code) == (Reason.ACCESS_DENIED, "KeyOperationForbidden")


def test_a_key_that_is_missing_is_told(
    azure: AzureWorld, service: AzureKeys, vault: Vault, client: Identity, key: Key
) -> None:
    """Another name, another version, a deleted one."""
    vault.grant(client, "keys/decrypt")
    errors = [
        _refused(service, _named(key, name="gone")),
        _refused(service, _named(key, version="0" * 32)),
    ]
    azure.delete_key(vault, "sops")
    errors.append(_refused(service, _named(key)))

    assert {error.reason for error in errors} == {Reason.NOT_FOUND}


def test_attack_another_keys_ciphertext_is_swapped_in(
    azure: AzureWorld, service: AzureKeys, vault: Vault, key: Key
) -> None:
    """What another key has encrypted, or what was changed, is the document's fault."""
    other = _named(azure.put_key(vault, "other")).enc
    for enc in (other, "AAAA", _named(key).enc[:-8]):
        error = _refused(service, _named(key, enc=enc))
        assert error.reason is Reason.INVALID_DOCUMENT
        assert "is not what" in str(error)


@pytest.mark.parametrize("enc", ["", "no base64", "AA+/", "é"])
def test_a_damaged_data_key_is_not_sent(
    service: AzureKeys, key: Key, egress: Egress, enc: str
) -> None:
    """It is told without a call."""
    with pytest.raises(SopsError, match="base64url"):
        service.decrypt(_named(key, enc=enc))
    assert egress.asked == ()


def test_a_passing_failure_is_tried_again(azure: AzureWorld, service: AzureKeys, key: Key) -> None:
    """A 503, a reset and throttling."""
    for fault in (faults.status(503), faults.reset(), faults.status(429)):
        azure.faults.add(fault, on="keyvault.Decrypt", times=1)
        assert service.decrypt(_named(key)).reveal() == DATA_KEY


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"kid": "https://acme-kv.vault.azure.net/keys/other/1", "value": "AQID"}',
        b'{"kid": 1, "value": "AQID"}',
        b'{"kid": "https://acme-kv.vault.azure.net/keys/sops/VERSION", "value": "A+/"}',
        b'{"kid": "https://acme-kv.vault.azure.net/keys/sops/VERSION", "value": "A"}',
        b'{"kid": "https://acme-kv.vault.azure.net/keys/sops/VERSION"}',
    ],
)
def test_a_reply_that_is_no_key_is_no_success(
    azure: AzureWorld, service: AzureKeys, key: Key, body: bytes
) -> None:
    """Of another key, or without a value that can be read."""
    said = body.replace(b"VERSION", key.id.encode())
    azure.faults.add(faults.status(200, body=said), on="keyvault.Decrypt")

    assert _refused(service, _named(key)).reason is Reason.UNAVAILABLE


def test_a_token_that_was_withdrawn_is_replaced_once(
    azure: AzureWorld, service: AzureKeys, key: Key
) -> None:
    """By one more login."""
    service.decrypt(_named(key))
    azure.expire_tokens()

    assert service.decrypt(_named(key)).reveal() == DATA_KEY
    assert azure.journal.count("Token", outcome="ok") == 2


def test_a_key_of_another_kind_is_refused(service: AzureKeys) -> None:
    """Whoever mixes services up hears of it."""
    with pytest.raises(ProviderError, match="age"):
        service.decrypt(AgeKey("age1x", "…"))
