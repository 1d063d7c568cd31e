"""Tests of the injector's providers."""
