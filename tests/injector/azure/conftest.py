"""An Azure, and a way to it by its own names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worlds.azure import AzureWorld
from worlds.egress import Egress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.azure import Identity, Vault


@pytest.fixture
def azure() -> Iterator[AzureWorld]:
    """The public cloud."""
    with AzureWorld() as world:
        yield world


@pytest.fixture
def egress(azure: AzureWorld) -> Iterator[Egress]:
    """Leads there, and nowhere else."""
    with Egress(azure.routes) as egress:
        yield egress


@pytest.fixture
def client(azure: AzureWorld) -> Identity:
    """The managed identity of shop/web."""
    return azure.workload("web", "shop", "web")


@pytest.fixture
def vault(azure: AzureWorld, client: Identity) -> Vault:
    """A vault with one secret that shop/web may read."""
    made = azure.vault("acme-kv")
    made.grant(client, "secrets/get")
    azure.put_secret(made, "db-password", "s3cret")
    return made
