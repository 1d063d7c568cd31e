"""
Fixtures on the real OpenBao, known to every test by the root `conftest.py`.

`openbao` is one server of the worker's session, in memory and unsealed; `cluster` is a Kubernetes
API server of the session whose issuer signs projected tokens and which reviews them. Tests of one
worker share both, so that each takes its own room:

```python
def test_something(vault: Namespace, cluster: Cluster) -> None:
    # `vault` is a namespace of the test's own (`vault.path`, for `X-Vault-Namespace`), empty but
    # for auth/kubernetes, which asks `cluster`, and auth/jwt, which has the cluster's public key.
    vault.policy("shop", {"secret/data/prod/*": ["read"]})
    vault.kv("secret"); vault.put("secret", "prod/db", password="s3cret")     # → version 1
    vault.kubernetes_role("web", "shop", token_ttl="15m")    # shop/web, audience `vault`
    vault.jwt_role("web", "shop")
    token = cluster.token("shop", "web")                     # as projected, audience `vault`
    vault.address, vault.ca_pem                              # for the store under test
    vault.audit.logins("kubernetes"); vault.audit.calls("secret/data/", operation="read")
    vault.tokens(), vault.leases("database/creds/app")       # what lives
    vault.revoke("database/creds/app")                       # as an operator does
    vault.api.write("auth/kubernetes/login", role="web", jwt=token)

def test_without_a_namespace(rootspace: Namespace) -> None:
    # The root namespace, with the same two login methods; what a test makes goes with it.

def test_sealed(sealable: OpenBao) -> None:
    # A server of the test's own, which it may seal and unseal; `sealable.root` is its root
    # namespace, with nothing in it.

def test_restarts(durable: OpenBao) -> None:
    # The same with its data on disk (raft): `stop`, `kill`, `start`, `restart`, sealed each time.
    # Its start takes seconds of waiting.

def test_leases(vault: Namespace, postgres: Postgres) -> None:
    # A PostgreSQL of the session: `vault.database(postgres, ttl="3s", max_ttl="6s")`, then
    # `database/creds/app`; `postgres.users()`, `postgres.admits(username, password)`.

def test_misbehaviour(vault: Namespace, front: VaultWorld) -> None:
    # The same server behind a world that fails on demand and keeps a journal; use
    # `front.address` and `front.ca_pem` for the store under test. With the aws method:
    # `with VaultWorld(openbao, aws) as front`, see there.

def test_what_the_documentation_says(vault: Namespace) -> None:
    # A line of it, run by the real command line in that namespace: `vault` is `bao` here.
    run(vault, "vault kv put -mount=secret prod/db password=s3cret")
```
"""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from worlds.kubernetes import KubernetesWorld
from worlds.openbao import OpenBao
from worlds.openbao.binary import binary
from worlds.postgres import Postgres
from worlds.tokens import Issuer
from worlds.vault import VaultWorld

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worlds.openbao import Namespace

AUDIENCE = "vault"


class Cluster:
    """
    A Kubernetes API server with `shop/web` and `test/web`, for logins.

    Args:
        world: the server.
        issuer: of its tokens.
    """

    def __init__(self, world: KubernetesWorld, issuer: Issuer) -> None:
        self.world = world
        self.issuer = issuer
        self.reviewer = world.reviewer()
        for namespace in ("shop", "test"):
            world.service_account(namespace, "web")

    def token(self, namespace: str = "shop", name: str = "web", audience: str = AUDIENCE) -> str:
        """Make a token as the kubelet projects it."""
        return self.issuer.mint(namespace, name, audience)

    def serve(self, vault: Namespace) -> Namespace:
        """Let a namespace's `kubernetes` and `jwt` methods know the cluster; gives it back."""
        vault.kubernetes(self.world.url, self.world.ca_pem, self.reviewer)
        vault.jwt(self.issuer)
        return vault


def run(vault: Namespace, line: str, stdin: str = "") -> str:
    """Run `vault …` or `bao …` as whoever may do everything; gives what it wrote."""
    _, *words = shlex.split(line)
    done = subprocess.run(
        [binary(), *words],
        env={
            "PATH": os.defpath,
            "HOME": "/nonexistent",
            "BAO_ADDR": vault.address,
            "BAO_CACERT_BYTES": vault.ca_pem,
            "BAO_TOKEN": vault.api.token,
            "BAO_NAMESPACE": vault.path,
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def openbao() -> Iterator[OpenBao]:
    """The server that the tests of a worker share."""
    with OpenBao() as server:
        yield server


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster that the tests of a worker share."""
    issuer = Issuer()
    with KubernetesWorld(issuer=issuer) as world:
        yield Cluster(world, issuer)


@pytest.fixture
def vault(openbao: OpenBao, cluster: Cluster) -> Namespace:
    """A namespace of the test's own, which knows the cluster."""
    return cluster.serve(openbao.namespace())


@pytest.fixture
def rootspace(openbao: OpenBao, cluster: Cluster) -> Iterator[Namespace]:
    """The root namespace, which knows the cluster, and is empty again afterwards."""
    root = openbao.root
    root.audit.clear()
    yield cluster.serve(root)
    root.clear()


@pytest.fixture
def sealable() -> Iterator[OpenBao]:
    """A server of the test's own, in memory."""
    with OpenBao() as server:
        yield server


@pytest.fixture
def durable() -> Iterator[OpenBao]:
    """A server of the test's own, with its data on disk."""
    with OpenBao("raft") as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The PostgreSQL that the tests of a worker share."""
    with Postgres() as server:
        yield server


@pytest.fixture
def front(openbao: OpenBao) -> Iterator[VaultWorld]:
    """A world before the server, which misbehaves on demand."""
    with VaultWorld(openbao) as world:
        yield world
