"""A world for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worlds.aws import AwsWorld

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def world() -> Iterator[AwsWorld]:
    """A fresh AWS."""
    with AwsWorld() as world:
        yield world
