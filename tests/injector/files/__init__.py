"""Tests of `injector.files`."""
