"""A world for each test, and a service account on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.injector.tenant import Tenant
from worlds.aws import AwsWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world() -> Iterator[AwsWorld]:
    """A fresh AWS."""
    with AwsWorld() as world:
        yield world


@pytest.fixture
def tenant(world: AwsWorld, tmp_path: Path) -> Iterator[Tenant]:
    """The service account `web` of the namespace `shop`."""
    one = Tenant(world, tmp_path)
    yield one
    one.close()
