"""
What both programs know of Azure: its clouds and the paths of Key Vault objects.

Host names come from this table and from nowhere else: a vault's name is the only part of one that
a reference gives, and it cannot hold a dot.
https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Cloud:
    """One Azure cloud: where logins go, and where vaults are."""

    authority: str
    """Host of the token endpoint."""
    suffix: str
    """What follows a vault's name and a dot."""
    audience: str
    """
    Of the projected token where nobody gives another: what the cloud's portal writes into federated
    credentials
    (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust).
    """

    @property
    def scope(self) -> str:
        """What a token for Key Vault is asked for."""
        return f"https://{self.suffix}/.default"


PUBLIC: Final = "public"
CLOUDS: Final[Mapping[str, Cloud]] = MappingProxyType(
    {
        PUBLIC: Cloud("login.microsoftonline.com", "vault.azure.net", "api://AzureADTokenExchange"),
        "china": Cloud(
            "login.chinacloudapi.cn", "vault.azure.cn", "api://AzureADTokenExchangeChina"
        ),
        "us-government": Cloud(
            "login.microsoftonline.us", "vault.usgovcloudapi.net", "api://AzureADTokenExchangeUSGov"
        ),
    }
)
"""By the value of `azure.cloud`."""

SECRETS: Final = "secrets"
CERTIFICATES: Final = "certificates"
_KINDS: Final = (SECRETS, CERTIFICATES)
_VAULT: Final = re.compile(r"(?!.*--)[A-Za-z][A-Za-z0-9-]{1,22}[A-Za-z0-9]", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,127}", re.ASCII)
_WRITE: Final = "write `<vault>/secrets/<name>` or `<vault>/certificates/<name>`"


class InvalidPathError(ValueError):
    """A path that names no object of a vault; the text says what to write."""


@dataclass(frozen=True, slots=True)
class VaultObject:
    """What a path names."""

    vault: str
    kind: str
    """`secrets` or `certificates`."""
    name: str

    def __str__(self) -> str:
        """As a reference writes it."""
        return f"{self.vault}/{self.kind}/{self.name}"


def parse_path(path: str) -> VaultObject:
    """
    Take a path apart.

    Raises:
        InvalidPathError: for anything but a vault, a kind and a name.
    """
    parts = path.split("/")
    if path.startswith("https://") or "." in parts[0]:
        msg = f"`{path[:80]}` is an address: the host follows from `azure.cloud`; {_WRITE}"
        raise InvalidPathError(msg)
    if len(parts) == 4 and parts[1] in _KINDS:  # noqa: PLR2004 - a path with a version behind it
        msg = f"`{path[:80]}` has a version at its end; {_WRITE} and `?version={parts[3][:32]}`"
        raise InvalidPathError(msg)
    if len(parts) != 3:  # noqa: PLR2004 - vault, kind, name
        msg = f"`{path[:80]}` names no object of a vault; {_WRITE}"
        raise InvalidPathError(msg)
    vault, kind, name = parts
    if not _VAULT.fullmatch(vault):
        msg = (
            f"`{vault[:60]}` is no vault's name: 3 to 24 letters, digits and single `-`, a letter "
            "first, no `-` last"
        )
        raise InvalidPathError(msg)
    if kind not in _KINDS:
        keys = "; a key's private part never leaves its vault" if kind == "keys" else ""
        msg = f"`{kind[:60]}` is none of {', '.join(_KINDS)}{keys}"
        raise InvalidPathError(msg)
    if not _NAME.fullmatch(name):
        msg = f"`{name[:60]}` is no object's name: 1 to 127 letters, digits and `-`"
        raise InvalidPathError(msg)
    return VaultObject(vault.lower(), kind, name)
