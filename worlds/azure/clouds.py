"""
The clouds of Azure: hosts of Entra, suffix and resource of Key Vault, issuer of access tokens.

Sources: "National clouds" of the Microsoft identity platform, and the endpoint table of Key Vault
("Azure Key Vault service endpoints").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud."""

    name: str
    logins: tuple[str, ...]
    """Hosts of its token endpoint; the first is the one that challenges name."""
    vault_suffix: str
    """Of a vault's host, after `<name>.`."""
    sts: str
    """Host in the `iss` of its access tokens."""
    audience: str
    """Of federated tokens, unless the federated credential says another; each cloud has its own
    (Azure/login#452, terraform-provider-azuread#1755)."""

    @property
    def resource(self) -> str:
        """What tokens for its vaults are for; their `aud`."""
        return f"https://{self.vault_suffix}"

    @property
    def scope(self) -> str:
        """What a client asks for to get such a token."""
        return f"{self.resource}/.default"


PUBLIC: Final = Cloud(
    "public",
    ("login.microsoftonline.com",),
    "vault.azure.net",
    "sts.windows.net",
    "api://AzureADTokenExchange",
)
CHINA: Final = Cloud(
    "china",
    ("login.chinacloudapi.cn", "login.partner.microsoftonline.cn"),
    "vault.azure.cn",
    "sts.chinacloudapi.cn",
    "api://AzureADTokenExchangeChina",
)
US_GOVERNMENT: Final = Cloud(
    "us-government",
    ("login.microsoftonline.us",),
    "vault.usgovcloudapi.net",
    "sts.windows.net",
    "api://AzureADTokenExchangeUSGov",
)
CLOUDS: Final = {cloud.name: cloud for cloud in (PUBLIC, CHINA, US_GOVERNMENT)}
LOGINS: Final = {host: cloud for cloud in CLOUDS.values() for host in cloud.logins}
"""Cloud by host of its token endpoint."""
HOSTS: Final = (*LOGINS, *(f"*.{cloud.vault_suffix}" for cloud in CLOUDS.values()))
"""Every host of the world, as certificates and routes of a proxy write them."""
VAULT_RESOURCE_ID: Final = "cfa8b339-82a2-471a-a3c9-0fc0be7a4093"
"""Key Vault's application id, which is as good an audience as its resource."""


def of_vault(host: str) -> Cloud | None:
    """Tell the cloud of a vault's host."""
    suffix = host.partition(".")[2]
    return next((cloud for cloud in CLOUDS.values() if cloud.vault_suffix == suffix), None)
