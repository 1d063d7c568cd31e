"""A simulated Azure that verifies what the real one verifies; see `AzureWorld`."""

from worlds.azure.directory import Identity, Tenant
from worlds.azure.objects import Certificate, Key, Secret
from worlds.azure.vaults import Vault
from worlds.azure.world import AzureWorld

__all__ = ["AzureWorld", "Certificate", "Identity", "Key", "Secret", "Tenant", "Vault"]
