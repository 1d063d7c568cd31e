"""Tests of `injector.sops`."""
