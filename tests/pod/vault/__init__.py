"""Pods whose secrets are in Vault: the real OpenBao, and a world before it."""
