"""Tests of `injector.schedule`."""
