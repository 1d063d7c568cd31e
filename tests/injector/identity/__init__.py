"""Tests of the injector's identity."""
