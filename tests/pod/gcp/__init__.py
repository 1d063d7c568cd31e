"""Pods whose secrets are in Google Cloud."""
