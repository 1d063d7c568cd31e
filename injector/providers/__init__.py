"""Adapters for the backends that hold secrets, one file each, and their registry."""
