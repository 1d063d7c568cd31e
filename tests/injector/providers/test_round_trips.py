"""What a start costs on the wire: connections and requests by the world's journal."""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from injector import reads
from injector.contract import references
from injector.contract.plan import Plan, Proxy
from injector.edges import Edges
from injector.state import State
from tests.injector.cycle.pod import Pod, file
from tests.injector.tenant import Tenant, allowing, put_secrets
from tests.injector.transport.peer import Peer, tunnel
from worlds import faults
from worlds.server import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from injector.contract.stores import Store
    from worlds.aws import AwsWorld

HOST = "aws.test"
"""A name that is nowhere: only the proxy reaches it."""


class TwoHosts(Pod):
    """A pod whose STS and Secrets Manager are two hosts, as AWS's are."""

    def stores(self, **settings: Any) -> tuple[Store, ...]:  # noqa: ANN401 - of a store
        """Give the stores; `localhost` and `127.0.0.1` are both the world's names."""
        sts = self.world.endpoints["sts"].replace("127.0.0.1", "localhost")
        endpoints = {**self.world.endpoints, "sts": sts}
        return super().stores(endpoints=tuple(sorted(endpoints.items())), **settings)


@pytest.mark.parametrize("count", [1, 2, 20])
def test_init_is_two_connections_and_two_requests(
    world: AwsWorld, tmp_path: Path, count: int
) -> None:
    """Web identity and up to twenty secrets of one service: four round trips, all of them used."""
    pod = TwoHosts(world, tmp_path, *(file(reference) for reference in put_secrets(world, count)))
    outcome = pod.init()

    assert outcome.exit_code == 0
    assert pod.read(f"prod/{count - 1}") == f"value-{count - 1}"
    assert len(world.journal.entries) == 2
    assert world.connections == 2
    assert len({entry.connection for entry in world.journal.entries}) == 2


def test_connection_of_the_read_stands_before_the_login_is_answered(
    world: AwsWorld, tmp_path: Path
) -> None:
    """Both handshakes go on at once: STS answers only when the other connection is there."""
    pod = TwoHosts(world, tmp_path, *(file(reference) for reference in put_secrets(world, 2)))
    seen: list[int] = []

    def look() -> None:
        end = time.monotonic() + 5
        while world.connections < 2 and time.monotonic() < end:
            time.sleep(0.005)
        seen.append(world.connections)

    world.faults.add(faults.before(look), on="AssumeRoleWithWebIdentity")

    assert pod.init().exit_code == 0
    assert seen == [2]
    assert world.connections == 2


def test_twenty_one_secrets_take_one_request_more(world: AwsWorld, tmp_path: Path) -> None:
    """The next batch goes over the connection of the first."""
    pod = TwoHosts(world, tmp_path, *(file(reference) for reference in put_secrets(world, 21)))
    pod.init()

    assert len(world.journal.entries) == 3
    assert world.connections == 2


def test_chain_goes_over_the_logins_connection(world: AwsWorld, tmp_path: Path) -> None:
    """Each hop is one request to the STS that is connected already."""
    pod = TwoHosts(world, tmp_path, *(file(reference) for reference in put_secrets(world, 3)))
    tenant = Tenant(world, tmp_path / "tenant", namespace="other")
    chain = [tenant.reader("r1", pod.role.arn)]
    chain.append(tenant.reader("r2", chain[0].arn))
    pod.role.allow(_assuming())
    hops = tenant.store(assume_role=[role.arn for role in chain]).hops()
    pod.plan = pod.with_stores(**{"assume-role": hops})
    outcome = pod.init()
    tenant.close()

    assert outcome.exit_code == 0
    assert world.journal.actions() == (
        "AssumeRoleWithWebIdentity",
        "AssumeRole",
        "AssumeRole",
        "BatchGetSecretValue",
    )
    assert world.connections == 2


def test_two_stores_share_one_connection_for_their_login(
    world: AwsWorld, tenant: Tenant, sts: Server
) -> None:
    """Stores that are read at the same time open STS once, and log in once."""
    reference, *_ = put_secrets(world, 1)
    world.put_parameter("/prod/url", "postgres://")
    endpoints = {**world.endpoints, "sts": f"https://127.0.0.1:{sts.port}"}
    settings: dict[str, Any] = {"endpoints": tuple(sorted(endpoints.items()))}
    stores = (tenant.store(**settings), tenant.store("aws-ssm", **settings))
    asked = [references.parse(text) for text in (reference, "aws-ssm:/prod/url")]
    for number in range(5):
        edges = Edges(tenant.open(), _nowhere)
        fetched = reads.fetch(asked, Plan((), stores, ()), State(), edges)
        assert {item.error for item in fetched.values()} == {None}
        assert sts.connections == number + 1

    assert world.journal.count("AssumeRoleWithWebIdentity") == 5


def test_denied_batch_is_asked_for_once_and_not_once_a_cycle(
    world: AwsWorld, tmp_path: Path
) -> None:
    """A least-privilege role fills no log with denials: the state remembers between workers."""
    pod = TwoHosts(world, tmp_path, *(file(reference) for reference in put_secrets(world, 2)))
    pod.role.set_policies(allowing("secretsmanager:GetSecretValue"))
    assert pod.init().exit_code == 0
    for _ in range(3):
        pod.work_after(1000.0)

    assert world.journal.count("BatchGetSecretValue") == 1
    assert world.journal.count("DescribeSecret") == 2
    assert world.journal.count("GetSecretValue") == 8


def test_a_later_cycle_is_one_connection_and_one_request(world: AwsWorld, tmp_path: Path) -> None:
    """The snapshot's session reads: a worker opens no connection to STS."""
    pod = TwoHosts(world, tmp_path, *(file(reference) for reference in put_secrets(world, 20)))
    pod.init()
    before = world.connections
    world.journal.clear()
    pod.work_after(1000.0)

    assert world.journal.actions() == ("BatchGetSecretValue",)
    assert world.connections == before + 1


@pytest.fixture
def outside(world: AwsWorld) -> Iterator[tuple[Server, str]]:
    """The world under a name that resolves nowhere, and the PEM of its authority."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(HOST).configure_cert(context)
    server = Server(world._services.handle, context)
    server.start()
    yield server, ca.cert_pem.bytes().decode()
    server.stop()


@pytest.fixture
def sts(world: AwsWorld) -> Iterator[Server]:
    """The world at a port of its own, whose connections are counted by themselves."""
    server = Server(world._services.handle, world.certificates.context())
    server.start()
    yield server
    server.stop()


def test_everything_goes_through_the_plans_proxy(
    world: AwsWorld, tmp_path: Path, outside: tuple[Server, str]
) -> None:
    """Login and read reach hosts that only the proxy knows, each by a tunnel of its own."""
    server, ca_bundle = outside
    asked = put_secrets(world, 2)
    tenant = Tenant(world, tmp_path)
    endpoints = (("secretsmanager", f"https://{HOST}:1443"), ("sts", f"https://{HOST}"))
    with Peer(tunnel(server.port)) as proxy:
        way = Proxy(https=f"http://me:pass@localhost:{proxy.port}", no_proxy=("other.test",))
        sessions = tenant.open(proxy=way, ca_bundle=ca_bundle)
        fetched = tenant.fetch(tenant.store(endpoints=endpoints), *asked, sessions=sessions)
        tenant.close()

    assert [item.error for item in fetched] == [None, None]
    heads = sorted(request.split(b"\r\n")[0].decode() for request in proxy.requests)
    assert heads == [f"CONNECT {HOST}:1443 HTTP/1.1", f"CONNECT {HOST}:443 HTTP/1.1"]
    assert all(b"Proxy-Authorization: Basic " in request for request in proxy.requests)
    assert world.connections == 0


def test_pod_identity_never_goes_through_a_proxy(
    world: AwsWorld, tmp_path: Path, outside: tuple[Server, str]
) -> None:
    """The agent is on the node: its token is shown to no proxy."""
    server, ca_bundle = outside
    asked = put_secrets(world, 1)
    tenant = Tenant(world, tmp_path)
    tenant.associate()
    endpoints = (
        ("pod-identity", world.endpoints["pod-identity"]),
        ("secretsmanager", f"https://{HOST}"),
    )
    with Peer(tunnel(server.port)) as proxy:
        way = Proxy(https=f"http://localhost:{proxy.port}")
        sessions = tenant.open(proxy=way, ca_bundle=ca_bundle)
        store = tenant.store(auth="pod-identity", endpoints=endpoints)
        fetched = tenant.fetch(store, *asked, sessions=sessions)
        tenant.close()

    assert [item.error for item in fetched] == [None]
    assert len(proxy.requests) == 1
    assert proxy.requests[0].startswith(f"CONNECT {HOST}:443 ".encode())


def _nowhere(_volume: str) -> Path:
    raise AssertionError


def _assuming() -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
