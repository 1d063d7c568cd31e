"""A world for each test."""

from tests.injector.cycle.conftest import world

__all__ = ["world"]
