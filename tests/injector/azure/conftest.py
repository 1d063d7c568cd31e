"""An Azure, and a way to it by its own names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from worlds.azure.world import AzureWorld
from worlds.egress import Egress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.azure.entra import Client
    from worlds.azure.keyvault import Vault


@pytest.fixture
def azure() -> Iterator[AzureWorld]:
    """The public cloud."""
    with AzureWorld() as world:
        yield world


@pytest.fixture
def egress(azure: AzureWorld) -> Iterator[Egress]:
    """Leads there, and nowhere else."""
    with Egress(azure.places) as egress:
        yield egress


@pytest.fixture
def client(azure: AzureWorld) -> Client:
    """The managed identity of shop/web."""
    return azure.client("shop", "web")


@pytest.fixture
def vault(azure: AzureWorld, client: Client) -> Vault:
    """A vault with one secret that shop/web may read."""
    made = azure.vault("acme-kv")
    made.grant(client.client_id)
    made.put("db-password", "s3cret")
    return made
