"""The vendor's own clients as cross-check: they log in, are challenged, read and decrypt."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
    ServiceRequestError,
)
from azure.identity import WorkloadIdentityCredential
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.keys import KeyClient
from azure.keyvault.keys.crypto import CryptographyClient, EncryptionAlgorithm
from azure.keyvault.secrets import SecretClient

from tests.worlds.azure.asking import SUBJECT
from worlds.egress import Egress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.worlds.azure.asking import Shop

SOPS = Path(sysconfig.get_path("scripts"), "sops")


@pytest.fixture
def egress(shop: Shop) -> Iterator[Egress]:
    """The way to the world by true host names."""
    with Egress(shop.world.routes) as made:
        yield made


@pytest.fixture
def options(shop: Shop, egress: Egress) -> dict[str, Any]:
    """What every client is given: proxy, CA, no retries."""
    return {
        "proxies": {"https": egress.url},
        "connection_verify": str(shop.world.ca_path),
        "retry_total": 0,
    }


@pytest.fixture
def token_file(shop: Shop, tmp_path: Path) -> Path:
    """The pod's projected token."""
    path = tmp_path / "token"
    path.write_text(shop.projected())
    return path


@pytest.fixture
def credential(
    shop: Shop, options: dict[str, Any], token_file: Path
) -> Iterator[WorkloadIdentityCredential]:
    """The pod's credential, at Entra's true host."""
    made = WorkloadIdentityCredential(
        tenant_id=shop.web.tenant.id,
        client_id=shop.web.client_id,
        token_file_path=str(token_file),
        disable_instance_discovery=True,
        **options,
    )
    with made:
        yield made


def test_a_secret_is_read(
    shop: Shop, credential: WorkloadIdentityCredential, options: dict[str, Any], egress: Egress
) -> None:
    """Challenge, login and read, through the proxy and with the challenge verified."""
    _, old = shop.vault.secrets.get("db")
    new = shop.world.put_secret(shop.vault, "db", "rotated", "text/plain")
    with SecretClient(shop.vault.url, credential, **options) as client:
        found = client.get_secret("db")
        older = client.get_secret("db", old.id)

    assert (found.value, found.properties.version, older.value) == ("rotated", new.id, "s3cret")
    assert found.properties.content_type == "text/plain"
    assert set(egress.targets) == {"login.microsoftonline.com:443", "acme-kv.vault.azure.net:443"}
    outcomes = [(e.action, e.outcome) for e in shop.world.journal.entries]
    assert outcomes == [
        ("GetSecret", "Unauthorized"),
        ("Token", "ok"),
        ("GetSecret", "ok"),
        ("GetSecret", "ok"),
    ]
    assert {e.base for e in shop.world.journal.calls("GetSecret", outcome="ok")} == {SUBJECT}


@pytest.mark.parametrize("version", ["7.4", "7.6", "2025-07-01"])
def test_each_version_of_the_api_is_read(
    shop: Shop, credential: WorkloadIdentityCredential, options: dict[str, Any], version: str
) -> None:
    """Older clients ask by older versions."""
    with SecretClient(shop.vault.url, credential, api_version=version, **options) as client:
        assert client.get_secret("db").value == "s3cret"

    [read] = shop.world.journal.calls("GetSecret", outcome="ok")
    assert read.detail["api-version"] == version


def test_refusals_are_understood(
    shop: Shop, credential: WorkloadIdentityCredential, options: dict[str, Any]
) -> None:
    """Not found, disabled and forbidden reach the client as its own errors."""
    shop.world.put_secret(shop.vault, "off", "x", enabled=False)
    with SecretClient(shop.vault.url, credential, **options) as client:
        with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
            client.get_secret("none")
        with pytest.raises(HttpResponseError, match="SecretDisabled"):
            client.get_secret("off")
        shop.vault.revoke(shop.web)
        with pytest.raises(HttpResponseError, match="ForbiddenByRbac"):
            client.get_secret("db")


def test_a_refused_login_is_understood(
    shop: Shop, credential: WorkloadIdentityCredential, token_file: Path
) -> None:
    """Entra's description comes through."""
    token_file.write_text(shop.projected("api"))

    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        credential.get_token("https://vault.azure.net/.default")


def test_an_ended_token_is_replaced(
    shop: Shop, credential: WorkloadIdentityCredential, options: dict[str, Any]
) -> None:
    """The client takes a 401 for a challenge; its credential still has the old token."""
    with SecretClient(shop.vault.url, credential, **options) as client:
        client.get_secret("db")
        shop.world.expire_tokens()
        with pytest.raises(ClientAuthenticationError, match="TokenExpired"):
            client.get_secret("db")


def test_a_host_of_no_route_is_not_reached(
    credential: WorkloadIdentityCredential, options: dict[str, Any], egress: Egress
) -> None:
    """The proxy refuses a vault of another suffix."""
    client = SecretClient("https://acme-kv.vault.example", credential, **options)
    with client, pytest.raises(ServiceRequestError, match="403 Forbidden"):
        client.get_secret("db")

    assert egress.asked[-1].allowed is False


def test_loopback_serves_without_a_proxy(shop: Shop, token_file: Path) -> None:
    """Authority and vault by URL of the world, with the challenge's host not compared."""
    options: dict[str, Any] = {"connection_verify": str(shop.world.ca_path), "retry_total": 0}
    credential = WorkloadIdentityCredential(
        tenant_id=shop.web.tenant.id,
        client_id=shop.web.client_id,
        token_file_path=str(token_file),
        authority=shop.world.endpoint(),
        disable_instance_discovery=True,
        **options,
    )
    client = SecretClient(
        shop.world.endpoint(shop.vault), credential, verify_challenge_resource=False, **options
    )
    with credential, client:
        assert client.get_secret("db").value == "s3cret"


@pytest.mark.parametrize("content_type", ["application/x-pkcs12", "application/x-pem-file"])
def test_a_certificate_is_read(
    shop: Shop,
    credential: WorkloadIdentityCredential,
    options: dict[str, Any],
    content_type: Any,  # noqa: ANN401 - one of two literals
) -> None:
    """Its public part by the one client, all of it by the other."""
    made = shop.world.put_certificate(shop.vault, "tls", content_type)
    with (
        CertificateClient(shop.vault.url, credential, **options) as certificates,
        SecretClient(shop.vault.url, credential, **options) as secrets,
    ):
        public = certificates.get_certificate("tls")
        whole = secrets.get_secret("tls", made.id)

    assert bytes(public.cer or b"") == made.issued.der
    assert public.policy is not None
    assert public.policy.content_type == content_type
    assert whole.properties.content_type == content_type
    assert whole.properties.key_id == public.key_id


@pytest.mark.parametrize("algorithm", ["RSA-OAEP", "RSA-OAEP-256"])
def test_a_key_decrypts(
    shop: Shop,
    credential: WorkloadIdentityCredential,
    options: dict[str, Any],
    algorithm: str,
) -> None:
    """The client encrypts with the public half on its own; the vault decrypts."""
    shop.world.put_key(shop.vault, "sops")
    chosen = EncryptionAlgorithm(algorithm)
    with KeyClient(shop.vault.url, credential, **options) as client:
        key = client.get_key("sops")
        with CryptographyClient(key, credential, **options) as crypto:
            sealed = crypto.encrypt(chosen, b"data key")
            opened = crypto.decrypt(chosen, sealed.ciphertext)

    assert bytes(opened.plaintext or b"") == b"data key"
    assert shop.world.journal.count("Encrypt") == 0
    [entry] = shop.world.journal.calls("Decrypt")
    assert (entry.outcome, entry.resources) == ("ok", (key.id,))


def test_sops_itself_encrypts_and_decrypts(
    shop: Shop, egress: Egress, token_file: Path, tmp_path: Path
) -> None:
    """Another vendor's client, in Go: discovery, login, RSA-OAEP-256, by true host names."""
    key = shop.world.put_key(shop.vault, "sops")
    plain = tmp_path / "plain.yaml"
    plain.write_text("password: s3cret\n")
    environment = {
        "AZURE_CLIENT_ID": shop.web.client_id,
        "AZURE_TENANT_ID": shop.web.tenant.id,
        "AZURE_FEDERATED_TOKEN_FILE": str(token_file),
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
        "HTTPS_PROXY": egress.url,
        "SSL_CERT_FILE": str(shop.world.ca_path),
        "HOME": str(tmp_path),
    }

    def sops(*arguments: str) -> str:
        command = [str(SOPS), *arguments]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    kid = f"{shop.vault.url}/keys/sops/{key.id}"
    sealed = tmp_path / "sealed.yaml"
    sealed.write_text(sops("encrypt", "--azure-kv", kid, str(plain)))

    assert "s3cret" not in sealed.read_text()
    assert sops("decrypt", str(sealed)) == "password: s3cret\n"
    assert {e.base for e in shop.world.journal.calls("Decrypt", outcome="ok")} == {SUBJECT}
