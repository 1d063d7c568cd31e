"""Azure Key Vault in the injector, on the Azure world."""
