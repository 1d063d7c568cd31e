"""Tests of `injector.render`."""
