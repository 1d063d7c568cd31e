"""A started world with something in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.azure.asking import Shop
from worlds.azure import AzureWorld

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shop() -> Iterator[Shop]:
    """A world with one workload and one vault, in which it may do everything."""
    with AzureWorld() as world:
        web = world.workload("web", "shop", "web")
        vault = world.vault("acme-kv")
        everything = ("secrets/get", "certificates/get", "keys/get", "keys/decrypt", "keys/encrypt")
        vault.grant(web, *everything)
        world.put_secret(vault, "db", "s3cret")
        yield Shop(world, web, vault)
