"""An Azure beside the AWS of a worker, one issuer for both, and a webhook that was told of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.pod.webhook import Webhook
from worlds.azure import AzureWorld
from worlds.egress import Egress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.aws import AwsWorld
    from worlds.azure import Vault


@pytest.fixture(scope="session")
def shared_azure(shared_world: AwsWorld) -> Iterator[AzureWorld]:
    """It knows the cluster's tokens by the keys that the cluster publishes."""
    issuer = shared_world.issuer
    with AzureWorld(issuer=issuer.url, key_set=issuer.key_set()) as azure:
        azure.workload("web", "shop", "web")
        yield azure


@pytest.fixture(scope="session")
def webhook(
    shared_world: AwsWorld,
    shared_azure: AzureWorld,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Webhook]:
    """A running webhook; our containers reach Azure by its own names, through a proxy."""
    folder = tmp_path_factory.mktemp("webhook")
    with Egress(shared_azure.routes) as egress:
        more = {
            "ca-bundle": shared_world.ca_pem + shared_azure.ca_pem,
            "proxy": {"https": egress.url},
        }
        with contextlib.closing(Webhook(folder, shared_world, **more)) as webhook:
            yield webhook


@pytest.fixture
def azure(shared_azure: AzureWorld) -> Iterator[AzureWorld]:
    """The same with nothing in its journal."""
    shared_azure.journal.clear()
    yield shared_azure
    shared_azure.faults.clear()


@pytest.fixture
def vault(azure: AzureWorld) -> Vault:
    """A vault that shop/web may read, with one secret."""
    made = azure.vault("acme-kv")
    made.grant(azure.tenant().identity("web"), "secrets/get")
    azure.put_secret(made, "db-password", "s3cret")
    return made
