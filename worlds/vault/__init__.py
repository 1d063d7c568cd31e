"""Vault as far as OpenBao is not it: the `aws` login method, and misbehaviour; see `VaultWorld`."""

from worlds.vault.world import VaultWorld

__all__ = ["VaultWorld"]
