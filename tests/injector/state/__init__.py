"""Tests of `injector.state`."""
