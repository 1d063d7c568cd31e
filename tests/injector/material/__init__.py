"""Tests of `injector.material`."""
