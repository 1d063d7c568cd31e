"""
Adapters for the backends that hold secrets, one file each, and their registry.

A provider is imported when a store of a plan asks for it: a pod pays for what it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from injector.providers.interface import Provider


def _secrets_manager() -> Provider:
    from injector.providers.aws_secretsmanager import SecretsManager  # noqa: PLC0415 - paid by use

    return SecretsManager()


def _parameter_store() -> Provider:
    from injector.providers.aws_ssm import ParameterStore  # noqa: PLC0415 - paid by use

    return ParameterStore()


def _vault() -> Provider:
    from injector.providers.vault import VaultSecrets  # noqa: PLC0415 - paid by use

    return VaultSecrets()


def _key_vault() -> Provider:
    from injector.providers.azure_keyvault import KeyVault  # noqa: PLC0415 - paid by use

    return KeyVault()


def _google_secrets() -> Provider:
    from injector.providers.gcp_secretmanager import SecretVersions  # noqa: PLC0415 - paid by use

    return SecretVersions()


def _documents() -> Provider:
    from injector.providers.sops import Documents  # noqa: PLC0415 - paid by use

    return Documents()


_ROWS: Final[Mapping[str, Callable[[], Provider]]] = MappingProxyType(
    {
        "aws-secretsmanager": _secrets_manager,
        "aws-ssm": _parameter_store,
        "vault": _vault,
        "azure-keyvault": _key_vault,
        "gcp-secretmanager": _google_secrets,
        "sops": _documents,
    }
)


class _Registry(Mapping[str, "Provider"]):
    """The rows, each made when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Provider] = {}

    def __getitem__(self, name: str) -> Provider:
        if name not in self._made:
            self._made[name] = _ROWS[name]()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_ROWS)

    def __len__(self) -> int:
        return len(_ROWS)


PROVIDERS: Final[Mapping[str, Provider]] = _Registry()
"""By the provider's name in `injector.contract.stores`; each is stateless."""
