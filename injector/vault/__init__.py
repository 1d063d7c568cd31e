"""Vault and OpenBao as a client: hvac over our transport, and errors in our words."""
