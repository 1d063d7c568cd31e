"""The vendor's own clients take the Azure world for Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import WorkloadIdentityCredential
from azure.keyvault.certificates import CertificateClient
from azure.keyvault.secrets import SecretClient
from cryptography import x509

from worlds.azure.world import CLIENT, TENANT, AzureWorld
from worlds.egress import Egress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

URL = "https://acme-kv.vault.azure.net"


class Tenant:
    """The service account shop/web with the vendor's clients, by the real names."""

    def __init__(self, world: AzureWorld, egress: Egress, folder: Path) -> None:
        self.world = world
        self._token = folder / "token"
        self._ca = folder / "ca.pem"
        self._ca.write_text(world.ca_pem)
        self.proxies = {"https": egress.url}
        self.project("shop", "web")

    def project(self, namespace: str, service_account: str) -> None:
        """Write another token."""
        audience = "api://AzureADTokenExchange"
        self._token.write_text(self.world.issuer.mint(namespace, service_account, audience))

    @property
    def credential(self) -> WorkloadIdentityCredential:
        """What a pod under azure-workload-identity makes."""
        return WorkloadIdentityCredential(
            tenant_id=TENANT,
            client_id=CLIENT,
            token_file_path=str(self._token),
            disable_instance_discovery=True,
            transport=self.transport,
            proxies=self.proxies,
        )

    @property
    def transport(self) -> RequestsTransport:
        """Through the proxy, with the world's trust."""
        return RequestsTransport(connection_verify=str(self._ca), use_env_settings=False)

    @property
    def secrets(self) -> SecretClient:
        """A client of the vault."""
        return SecretClient(
            URL,
            self.credential,
            api_version="7.4",
            transport=self.transport,
            proxies=self.proxies,
            retry_total=2,
        )


@pytest.fixture
def tenant(tmp_path: Path) -> Iterator[Tenant]:
    """One on a fresh world with a vault."""
    with AzureWorld() as world, Egress(world.places) as egress:
        world.vault("acme-kv").grant(world.client("shop", "web").client_id)
        yield Tenant(world, egress, tmp_path)


def test_it_reads_a_secret_and_its_versions(tenant: Tenant) -> None:
    """After the challenge, whose resource it compares with the host."""
    vault = tenant.world.vault("acme-kv")
    old, new = vault.put("db", "one"), vault.put("db", "two", content_type="text/plain")
    client = tenant.secrets

    found, before = client.get_secret("db"), client.get_secret("db", old.id)
    assert (found.value, found.properties.version, before.value) == ("two", new.id, "one")
    assert found.properties.content_type == "text/plain"
    outcomes = [it.outcome for it in tenant.world.journal.entries]
    assert outcomes == ["Unauthorized", "ok", "ok", "ok"]


def test_it_reads_a_certificate_and_its_secret(tenant: Tenant) -> None:
    """The public part by the one call, the key by the other."""
    issued = tenant.world.vault("acme-kv").put_certificate("web")
    client = CertificateClient(
        URL,
        tenant.credential,
        api_version="7.4",
        transport=tenant.transport,
        proxies=tenant.proxies,
    )

    der = client.get_certificate_version("web", "").cer
    assert x509.load_der_x509_certificate(bytes(der or b"")) == issued.leaf
    assert tenant.secrets.get_secret("web").properties.content_type == "application/x-pkcs12"


def test_it_is_refused_for_another_service_account(tenant: Tenant) -> None:
    """With Entra's code, as its users see it."""
    tenant.project("shop", "worker")

    with pytest.raises(ClientAuthenticationError, match="AADSTS700213"):
        tenant.secrets.get_secret("db")


def test_it_is_refused_what_is_absent_disabled_or_not_permitted(tenant: Tenant) -> None:
    """Each with Key Vault's own code."""
    vault = tenant.world.vault("acme-kv")
    vault.put("off", "x", enabled=False)
    client = tenant.secrets

    with pytest.raises(ResourceNotFoundError, match="SecretNotFound"):
        client.get_secret("absent")
    with pytest.raises(HttpResponseError, match="disabled secret"):
        client.get_secret("off")
    vault.put("on", "x")
    vault.readers.clear()
    with pytest.raises(HttpResponseError, match="not authorized"):
        client.get_secret("on")
