"""Pods whose secrets are in SOPS documents that the real sops has encrypted."""
