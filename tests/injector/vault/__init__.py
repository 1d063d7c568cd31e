"""The injector on the real OpenBao."""
