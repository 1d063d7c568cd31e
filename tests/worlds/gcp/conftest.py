"""A started world, with the pod shop/web and the service account that it may become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds.gcp.wire import ACCESSOR, USER
from worlds.gcp import GcpWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.gcp import Provider, Secret, ServiceAccount


@pytest.fixture
def world() -> Iterator[GcpWorld]:
    """A started world with nothing in it but its project."""
    with GcpWorld() as made:
        yield made


@pytest.fixture
def provider(world: GcpWorld) -> Provider:
    """A provider that trusts the cluster's issuer."""
    return world.provider()


@pytest.fixture
def web(world: GcpWorld, provider: Provider) -> ServiceAccount:
    """A service account that the pod shop/web may become."""
    account = world.service_account("web")
    world.grant(provider.member("shop", "web"), USER, account)
    return account


@pytest.fixture
def secret(world: GcpWorld, web: ServiceAccount) -> Secret:
    """A secret that this service account may read."""
    made = world.put_secret("db", "one")
    world.grant(web, ACCESSOR, made)
    return made


@pytest.fixture
def token(world: GcpWorld, web: ServiceAccount) -> str:
    """An access token of it."""
    return world.access_token(web)
