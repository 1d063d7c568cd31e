"""Tests of `injector.sops.text`."""
