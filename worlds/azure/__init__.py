"""A simulated Azure: Entra's token endpoint and Key Vault, which refuse what the real ones do."""
