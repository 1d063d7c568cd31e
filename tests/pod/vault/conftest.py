"""The Vaults of a worker, and a webhook that was told of them; a namespace for each test."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.openbao import Cluster
from tests.pod.tier import Tier
from tests.pod.vault.shop import SECOND_AUDIENCE, Shop
from tests.pod.webhook import Webhook
from worlds.aws import AwsWorld
from worlds.kubernetes import KubernetesWorld
from worlds.vault import VaultWorld

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from worlds.openbao import Namespace, OpenBao


@pytest.fixture(scope="session")
def shared_world() -> Iterator[AwsWorld]:
    """The AWS whose issuer is the cluster's, so that one token source serves both."""
    with AwsWorld() as world:
        world.account().trust_issuer(world.issuer)
        yield world


@pytest.fixture(scope="session")
def cluster(shared_world: AwsWorld) -> Iterator[Cluster]:
    """The API server that reviews the pods' tokens."""
    with KubernetesWorld(issuer=shared_world.issuer) as world:
        yield Cluster(world, shared_world.issuer)


@pytest.fixture(scope="session")
def shared_front(openbao: OpenBao, shared_world: AwsWorld) -> Iterator[VaultWorld]:
    """A second Vault, with the aws method, which can go down."""
    with VaultWorld(openbao, shared_world) as front:
        yield front


@pytest.fixture(scope="session")
def webhook(
    openbao: OpenBao,
    shared_world: AwsWorld,
    shared_front: VaultWorld,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Webhook]:
    """A running webhook, whose operator has a Vault and an AWS; pods may name another Vault."""
    webhook = Webhook(
        tmp_path_factory.mktemp("webhook"),
        shared_world,
        **{
            "defaults": {
                "aws.region": shared_world.region,
                "vault.address": openbao.address,
                "vault.role": "{namespace}_{service-account}",
            },
            "allowed-addresses": [shared_front.address],
            "allowed-audiences": [SECOND_AUDIENCE],
            "ca-bundle": shared_world.ca_pem + openbao.root.ca_pem + shared_front.ca_pem,
        },
    )
    with contextlib.closing(webhook):
        yield webhook


@pytest.fixture
def front(shared_front: VaultWorld) -> Iterator[VaultWorld]:
    """The second Vault, with nothing in its journal; whoever lets it go down brings it back."""
    shared_front.journal.clear()
    yield shared_front
    shared_front.faults.clear()


@pytest.fixture
def world(shared_world: AwsWorld) -> AwsWorld:
    """The AWS, with the role of the page and nothing in its journal."""
    shared_world.account().web_identity_role("web", shared_world.issuer, "shop", "web")
    shared_world.journal.clear()
    return shared_world


@pytest.fixture
def shop(vault: Namespace, front: VaultWorld) -> Shop:
    """A namespace with secrets that the pods of shop/web may read."""
    return Shop(vault, front)


@pytest.fixture
def tier(webhook: Webhook, world: AwsWorld, tmp_path: Path) -> Iterator[Tier]:
    """Admits and runs pods of the namespace `shop`."""
    with Tier(webhook, world, tmp_path) as tier:
        yield tier
