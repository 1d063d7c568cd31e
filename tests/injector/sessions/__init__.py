"""Tests of the injector's sessions."""
