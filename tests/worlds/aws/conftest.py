"""A started world, and clients for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import botocore.session
import pytest

from tests.policies import document
from tests.worlds.aws.cloud import Clients
from worlds.aws import AwsWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.aws import Role


@pytest.fixture(scope="session")
def session() -> botocore.session.Session:
    """One botocore session: reading its data costs more than a world."""
    return botocore.session.Session()


@pytest.fixture
def world() -> Iterator[AwsWorld]:
    """A started world with nothing in it but the account, which knows the cluster's issuer."""
    with AwsWorld() as made:
        made.account().trust_issuer(made.issuer)
        yield made


@pytest.fixture
def client(world: AwsWorld, session: botocore.session.Session) -> Iterator[Clients]:
    """Makes clients of the world."""
    clients = Clients(world, session)
    yield clients
    clients.close()


@pytest.fixture
def web(world: AwsWorld) -> Role:
    """The role of sections 1 and 3, which trusts shop/web by web identity."""
    return world.account().role("web", document("web-identity-trust"))


@pytest.fixture
def pod(world: AwsWorld) -> Role:
    """The role of sections 2, 4 and 5, which trusts Pod Identity, for shop/web and test/web."""
    role = world.account().role("web", document("pod-identity-trust"))
    for namespace in ("shop", "test"):
        world.associate(namespace, "web", role)
    return role
