"""A Google Cloud beside the AWS of a worker, one issuer for both, and a webhook told of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.pod.webhook import Webhook
from worlds.gcp import GcpWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.aws import AwsWorld
    from worlds.gcp import Secret

ACCESSOR = "roles/secretmanager.secretAccessor"


@pytest.fixture(scope="session")
def shared_gcp(shared_world: AwsWorld) -> Iterator[GcpWorld]:
    """It knows the cluster's tokens by the keys that the cluster publishes."""
    issuer = shared_world.issuer
    with GcpWorld(issuer=issuer.url, key_set=issuer.key_set()) as gcp:
        yield gcp


@pytest.fixture(scope="session")
def webhook(
    shared_world: AwsWorld, shared_gcp: GcpWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Webhook]:
    """A running webhook, whose operator gives provider, project and endpoints."""
    folder = tmp_path_factory.mktemp("webhook")
    theirs = {f"gcp.{name}": url for name, url in shared_gcp.endpoints.items()}
    ours = {f"aws.{name}": url for name, url in shared_world.endpoints.items()}
    more = {
        "ca-bundle": shared_world.ca_pem + shared_gcp.ca_pem,
        "endpoints": {**ours, **theirs},
        "defaults": {
            "aws.region": shared_world.region,
            "gcp.workload-identity-provider": shared_gcp.provider().name,
            "gcp.project": shared_gcp.project().id,
        },
    }
    with contextlib.closing(Webhook(folder, shared_world, **more)) as webhook:
        yield webhook


@pytest.fixture
def gcp(shared_gcp: GcpWorld) -> Iterator[GcpWorld]:
    """The same with nothing in its journal."""
    shared_gcp.journal.clear()
    yield shared_gcp
    shared_gcp.faults.clear()


@pytest.fixture
def secret(gcp: GcpWorld) -> Iterator[Secret]:
    """A secret that shop/web may read by federation."""
    made = gcp.put_secret("db", "s3cret")
    gcp.grant(gcp.provider().member("shop", "web"), ACCESSOR, made)
    yield made
    gcp.delete_secret(made)
