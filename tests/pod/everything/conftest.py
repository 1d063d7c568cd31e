"""AWS, Vault, Google, Azure and the real sops with one issuer, and a webhook told of them all."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.openbao import Cluster
from tests.pod.everything.house import House
from tests.pod.webhook import Webhook
from worlds.azure import AzureWorld
from worlds.egress import Egress
from worlds.gcp import GcpWorld
from worlds.kubernetes import KubernetesWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.aws import AwsWorld
    from worlds.openbao import Namespace, OpenBao


@pytest.fixture(scope="session")
def cluster(shared_world: AwsWorld) -> Iterator[Cluster]:
    """The API server that reviews the pods' tokens."""
    with KubernetesWorld(issuer=shared_world.issuer) as world:
        yield Cluster(world, shared_world.issuer)


@pytest.fixture(scope="session")
def shared_gcp(shared_world: AwsWorld) -> Iterator[GcpWorld]:
    """It knows the cluster's tokens by the keys that the cluster publishes."""
    issuer = shared_world.issuer
    with GcpWorld(issuer=issuer.url, key_set=issuer.key_set()) as gcp:
        yield gcp


@pytest.fixture(scope="session")
def shared_azure(shared_world: AwsWorld) -> Iterator[AzureWorld]:
    """So does this."""
    issuer = shared_world.issuer
    with AzureWorld(issuer=issuer.url, key_set=issuer.key_set()) as azure:
        azure.workload("web", "shop", "web")
        yield azure


@pytest.fixture(scope="session")
def webhook(
    shared_world: AwsWorld,
    shared_gcp: GcpWorld,
    shared_azure: AzureWorld,
    openbao: OpenBao,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Webhook]:
    """A running webhook, whose operator says where each provider is."""
    theirs = {f"gcp.{name}": url for name, url in shared_gcp.endpoints.items()}
    ours = {f"aws.{name}": url for name, url in shared_world.endpoints.items()}
    worlds = (shared_world, shared_gcp, shared_azure, openbao.root)
    with Egress(shared_azure.routes) as egress:
        more = {
            "ca-bundle": "".join(world.ca_pem for world in worlds),
            "endpoints": {**ours, **theirs},
            "proxy": {"https": egress.url, "no-proxy": ["127.0.0.1", "localhost"]},
            "defaults": {
                "aws.region": shared_world.region,
                "azure.client-id": shared_azure.tenant().identity("web").client_id,
                "azure.tenant-id": shared_azure.tenant().id,
                "gcp.project": shared_gcp.project().id,
                "gcp.workload-identity-provider": shared_gcp.provider().name,
                "vault.address": openbao.address,
                "vault.role": "web",
            },
        }
        folder = tmp_path_factory.mktemp("webhook")
        with contextlib.closing(Webhook(folder, shared_world, **more)) as webhook:
            yield webhook


@pytest.fixture
def house(
    world: AwsWorld,
    vault: Namespace,
    shared_gcp: GcpWorld,
    shared_azure: AzureWorld,
    tmp_path: Path,
) -> Iterator[House]:
    """A secret in each, which shop/web may read, with nothing in the journals."""
    shared_gcp.journal.clear()
    shared_azure.journal.clear()
    yield House(world, vault, shared_gcp, shared_azure, tmp_path)
    for misbehaving in (world, shared_gcp, shared_azure):
        misbehaving.faults.clear()
