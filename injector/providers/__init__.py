"""Adapters for the backends that hold secrets, one file each, and their registry."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from injector.providers.aws_secretsmanager import SecretsManager
from injector.providers.aws_ssm import ParameterStore
from injector.providers.vault import VaultSecrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from injector.providers.interface import Provider

PROVIDERS: Final[Mapping[str, Provider]] = MappingProxyType(
    {
        "aws-secretsmanager": SecretsManager(),
        "aws-ssm": ParameterStore(),
        "vault": VaultSecrets(),
    }
)
"""By the provider's name in `injector.contract.stores`; each is stateless."""
