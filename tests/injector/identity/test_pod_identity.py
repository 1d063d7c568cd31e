"""EKS Pod Identity: the agent of the AWS world, and agents that answer badly."""

from __future__ import annotations

import json
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from injector.contract import names
from injector.contract.reasons import ExitCode, Reason
from injector.errors import ProviderError
from injector.identity.keys import POD_IDENTITY_AUDIENCE
from injector.logins import sessions_over
from injector.retry import Retry
from injector.transport import Request, Response, Transport, TransportError
from tests.injector.cycle.pod import READ_ALL, Pod, file
from tests.injector.tenant import POD_TRUST, Tenant, session_arn, trusting
from tests.injector.transport.peer import Peer, reply
from worlds import faults
from worlds.aws.pod_identity import REFUSED_BY_AGENT

if TYPE_CHECKING:
    from pathlib import Path

    from injector.contract.stores import Store
    from injector.sessions import SessionCache
    from worlds.aws import AwsWorld

ACTION = "AssumeRoleForPodIdentity"
GOOD = {
    "AccessKeyId": "ASIA1",
    "SecretAccessKey": "s",
    "Token": "t",
    "AccountId": "111122223333",
    "Expiration": "2099-01-01T00:00:00Z",
}


@pytest.fixture
def store(tenant: Tenant) -> Store:
    """A store of a pod with an association."""
    tenant.associate()
    return tenant.store(auth="pod-identity")


def fails(tenant: Tenant, store: Store, match: str = r"\S") -> ProviderError:
    """Try to log in; gives the error, which must not hold the token."""
    token = (tenant.root / POD_IDENTITY_AUDIENCE).read_text().strip()
    with pytest.raises(ProviderError, match=match) as caught:
        tenant.get(store)
    error = caught.value
    shown = "".join(traceback.format_exception(error)) + error.remedy + repr(error)
    assert token not in shown
    return error


def test_session_is_the_associated_roles(world: AwsWorld, tenant: Tenant, store: Store) -> None:
    """The agent's credentials are the role's, as long as it says."""
    session = tenant.get(store)

    assert tenant.who(session).startswith("arn:aws:sts::111122223333:assumed-role/pod/eks-")
    assert session.principal == "pod-identity:111122223333"
    assert session.expires_at - session.issued_at == pytest.approx(6 * 3600, abs=2)
    assert world.journal.principals(ACTION) == ("system:serviceaccount:shop:web",)


def test_token_goes_raw_and_without_its_line_end(tenant: Tenant) -> None:
    """No `Bearer`, no newline, no query: what the agent of EKS takes."""
    token = tenant.project(POD_IDENTITY_AUDIENCE).read_text()
    assert token.endswith("\n")
    with Peer(reply(json.dumps(GOOD).encode())) as agent:
        store = tenant.store(auth="pod-identity", endpoints=(("pod-identity", agent.url),))
        session = tenant.get(store)

    lines = agent.requests[0].decode().split("\r\n")
    assert lines[0] == "GET /v1/credentials HTTP/1.1"
    assert f"Authorization: {token.strip()}" in lines
    assert session.credentials.access_key_id == "ASIA1"


def test_endpoint_with_a_path_is_taken_as_it_is(tenant: Tenant) -> None:
    """An operator may give the whole address."""
    tenant.project(POD_IDENTITY_AUDIENCE)
    with Peer(reply(json.dumps(GOOD).encode())) as agent:
        url = f"{agent.url}/other/path"
        tenant.get(tenant.store(auth="pod-identity", endpoints=(("pod-identity", url),)))

    assert agent.requests[0].startswith(b"GET /other/path HTTP/1.1")


class Node(Transport):
    """A node with an agent at some of its link-local addresses; `asked` has the order."""

    def __init__(self, tenant: Tenant, agents: dict[str, str]) -> None:
        super().__init__(ca_bundle=tenant.world.ca_pem, clock=tenant.time)
        self._agents = agents
        self.asked: list[str] = []

    def send(self, request: Request) -> Response:
        """Reach the agent where this node has one."""
        address = request.url.partition("//")[2].partition("/v1")[0]
        self.asked.append(address)
        if address not in self._agents:
            msg = f"{address} refused the connection"
            raise TransportError(msg)
        return super().send(replace(request, url=self._agents[address] + "/v1/credentials"))

    def sessions(self, tenant: Tenant) -> SessionCache:
        """Open a cache on this node."""
        return sessions_over(self, tenant.identity, retry=tenant.time.retry, clock=tenant.time)


IPV4, IPV6 = "169.254.170.23", "[fd00:ec2::23]"


@pytest.mark.parametrize(
    ("where", "asked"), [((IPV4,), [IPV4]), ((IPV6,), [IPV4, IPV6]), ((IPV4, IPV6), [IPV4])]
)
def test_ipv4_is_asked_before_ipv6_at_every_fetch(
    world: AwsWorld, tenant: Tenant, where: tuple[str, ...], asked: list[str]
) -> None:
    """Nobody says beforehand which the node has, and nothing is remembered of it."""
    tenant.associate()
    node = Node(tenant, dict.fromkeys(where, world.endpoints["pod-identity"]))
    key = tenant.key(tenant.store(auth="pod-identity", endpoints=()))
    sessions = node.sessions(tenant)
    for _ in range(3):
        sessions.get(key)
        sessions.forget(key)
    node.close()

    assert node.asked == asked * 3
    assert tenant.time.slept == []


def test_no_agent_at_all_names_both_addresses_and_what_to_look_at(tenant: Tenant) -> None:
    """The daemon set, the network policy, the mesh."""
    tenant.associate()
    node = Node(tenant, {})
    key = tenant.key(tenant.store(auth="pod-identity", endpoints=()))
    with pytest.raises(ProviderError, match="agent does not answer") as caught:
        node.sessions(tenant).get(key)

    assert node.asked == [IPV4, IPV6] * 4
    assert IPV4 in str(caught.value)
    assert IPV6 in str(caught.value)
    for suspect in ("eks-pod-identity-agent DaemonSet", "NetworkPolicy", "mesh"):
        assert suspect in caught.value.remedy


def test_definite_no_over_ipv4_is_not_asked_again_over_ipv6(
    world: AwsWorld, tenant: Tenant
) -> None:
    """It is one agent: its refusal is final."""
    tenant.project(POD_IDENTITY_AUDIENCE)
    node = Node(tenant, dict.fromkeys((IPV4, IPV6), world.endpoints["pod-identity"]))
    key = tenant.key(tenant.store(auth="pod-identity", endpoints=()))
    with pytest.raises(ProviderError, match="refused"):
        node.sessions(tenant).get(key)
    node.close()

    assert node.asked == [IPV4]


def test_no_association_is_an_identity_problem_with_its_remedy(
    world: AwsWorld, tenant: Tenant
) -> None:
    """Never a secret that is not found, which an optional secret would do without."""
    tenant.project(POD_IDENTITY_AUDIENCE)
    error = fails(tenant, tenant.store(auth="pod-identity"))

    assert (error.reason, error.step) == (Reason.IDENTITY_DENIED, "GetCredentials")
    assert error.code == "ResourceNotFoundException"
    assert error.request_id == world.journal.entries[0].request_id
    assert "association of this service account" in error.remedy
    assert world.journal.count(ACTION) == 1


def test_optional_secret_without_an_association_ends_init_as_an_identity_problem(
    world: AwsWorld, tmp_path: Path
) -> None:
    """Optional is what may be absent in the store, and the pod has not got as far as the store."""
    pod = Pod(world, tmp_path, file("aws-secretsmanager:prod/db", optional=True))
    pod.plan = pod.with_stores(auth="pod-identity", audience=POD_IDENTITY_AUDIENCE)
    token = world.issuer.mint("shop", "web", POD_IDENTITY_AUDIENCE)
    folder = tmp_path / names.TOKEN_DIRECTORY[1:]
    (folder / names.token_file(POD_IDENTITY_AUDIENCE)).write_text(token)
    outcome = pod.init()

    assert outcome.exit_code == ExitCode.IDENTITY
    assert outcome.message.startswith("identity-denied: aws-secretsmanager:prod/db -> prod/db")
    assert "GetCredentials" in outcome.message
    assert "Pod Identity association" in outcome.message
    assert token not in outcome.message


def test_role_that_does_not_trust_eks_says_what_it_must_trust(
    world: AwsWorld, tenant: Tenant
) -> None:
    """The association is there, the role's trust is not."""
    tenant.associate(world.account().role("strict", trusting(tenant.role.arn), READ_ALL))
    error = fails(tenant, tenant.store(auth="pod-identity"))

    assert error.reason is Reason.IDENTITY_DENIED
    assert "trusts pods.eks.amazonaws.com" in error.remedy


def test_token_of_another_audience_is_refused_and_said(tenant: Tenant) -> None:
    """The agent takes no token for STS."""
    tenant.associate()
    other = tenant.project()
    (tenant.root / POD_IDENTITY_AUDIENCE).write_text(other.read_text())
    error = fails(tenant, tenant.store(auth="pod-identity"))

    assert (error.reason, error.code) == (Reason.IDENTITY_DENIED, "InvalidTokenException")


@pytest.mark.parametrize("content", ["junk", "a.b.c"])
def test_what_is_no_token_is_refused_by_the_agent_itself(tenant: Tenant, content: str) -> None:
    """It looks at the form before it asks AWS, and its words have no code: none is made up."""
    tenant.associate()
    tenant.project(POD_IDENTITY_AUDIENCE).write_text(content)
    error = fails(tenant, tenant.store(auth="pod-identity"))

    assert (error.reason, error.code) == (Reason.IDENTITY_DENIED, "")
    assert "HTTP 400 without an error code" in str(error)


def test_ended_token_is_read_again(world: AwsWorld, tenant: Tenant, store: Store) -> None:
    """The kubelet's fresh token is the one that the next attempt sends."""
    tenant.project(POD_IDENTITY_AUDIENCE, lifetime=-60)
    tenant.open(retry=tenant.rotating(POD_IDENTITY_AUDIENCE)).get(tenant.key(store))

    outcomes = [entry.outcome for entry in world.journal.calls(ACTION)]
    assert outcomes == [REFUSED_BY_AGENT, "ok"]


def test_token_of_the_future_is_a_matter_of_clocks(tenant: Tenant, store: Store) -> None:
    """The agent on the node finds it not valid yet: the node's clock is behind."""
    soon = int(tenant.time.now) + 900
    tenant.project(POD_IDENTITY_AUDIENCE, claims={"nbf": soon, "iat": soon})
    error = fails(tenant, store)

    assert error.reason is Reason.CLOCK_SKEW
    assert "node's clock" in error.remedy


@pytest.mark.parametrize(
    "fault",
    [
        faults.status(500),
        faults.status(503, body=b"[x]: (ServiceUnavailableException): busy, fault: server"),
        faults.error("ThrottlingException", status=429),
        faults.error("InternalServerException"),
        faults.reset(),
        faults.truncated(),
        faults.not_utf8(),
        faults.huge(17 * 1024 * 1024),
        faults.redirect("http://127.0.0.1:1/"),
    ],
    ids=lambda fault: fault.name,
)
def test_agent_that_fails_is_asked_again(
    world: AwsWorld, tenant: Tenant, store: Store, fault: faults.Fault
) -> None:
    """Its own failures and what the network does to its replies may pass."""
    world.faults.add(fault, on="pod-identity", times=2)
    session = tenant.get(store)

    assert session.principal == "pod-identity:111122223333"
    assert world.journal.count(ACTION) == 3
    assert tenant.time.slept == [0.125, 0.25]


def test_slow_agent_gets_more_than_a_moment(world: AwsWorld, tenant: Tenant, store: Store) -> None:
    """The agent itself asks AWS at a first fetch: a second of it is no failure."""
    world.faults.add(faults.latency(1.0), on="pod-identity", times=1)
    tenant.get(store)

    assert tenant.time.slept == []


def test_silent_agent_is_given_up_within_the_budget(
    world: AwsWorld, tenant: Tenant, store: Store
) -> None:
    """An agent that never answers is a failure that names it, not a pod that hangs."""
    world.faults.add(faults.latency(5), on="pod-identity")
    quick = Retry(clock=tenant.time, sleep=tenant.time.sleep, attempts=2, budget=0.5)

    with pytest.raises(ProviderError, match="did not answer in time"):
        tenant.open(retry=quick).get(tenant.key(store))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"<html>",
        b"\xff\xfe",
        json.dumps({**GOOD, "Token": ""}).encode(),
        json.dumps({**GOOD, "Token": None}).encode(),
        json.dumps({**GOOD, "SecretAccessKey": 7}).encode(),
        json.dumps({**GOOD, "Expiration": "soon"}).encode(),
        json.dumps({**GOOD, "Expiration": 12}).encode(),
        json.dumps({k: v for k, v in GOOD.items() if k != "AccessKeyId"}).encode(),
        json.dumps(GOOD).encode()[:-10],
    ],
)
def test_reply_that_is_not_whole_is_no_session(tenant: Tenant, body: bytes) -> None:
    """Half credentials are a fault of the transport, tried again and named."""
    tenant.project(POD_IDENTITY_AUDIENCE)
    with Peer(reply(body)) as agent:
        store = tenant.store(auth="pod-identity", endpoints=(("pod-identity", agent.url),))
        error = fails(tenant, store, "cut off or cannot be read")

    assert error.reason is Reason.UNAVAILABLE
    assert len(agent.requests) == 4


def test_redirect_takes_the_token_nowhere(world: AwsWorld, tenant: Tenant, store: Store) -> None:
    """A redirect of whoever answers in the agent's place is not followed."""
    with Peer(reply(b"stolen")) as other:
        world.faults.add(faults.redirect(f"{other.url}/"), on="pod-identity")
        error = fails(tenant, store)

    assert other.connections == 0
    assert error.reason is Reason.UNAVAILABLE


def test_text_of_the_agent_never_passes_through(tenant: Tenant) -> None:
    """What an agent writes may repeat the token."""
    tenant.project(POD_IDENTITY_AUDIENCE)
    token = (tenant.root / POD_IDENTITY_AUDIENCE).read_text().strip()
    text = f"[id]: (AccessDeniedException): {token} is not authorized, fault: client"
    with Peer(reply(text.encode(), "403 Forbidden")) as agent:
        store = tenant.store(auth="pod-identity", endpoints=(("pod-identity", agent.url),))
        error = fails(tenant, store)

    assert (error.reason, error.code) == (Reason.IDENTITY_DENIED, "AccessDeniedException")


def test_target_role_of_the_association_needs_nothing_from_us(
    world: AwsWorld, tenant: Tenant
) -> None:
    """A role of another account is the agent's affair; the account is the target's."""
    pod = world.account().role("pod", POD_TRUST, {**READ_ALL, "Statement": _assume_statement()})
    target = world.account("444455556666").role("target", trusting(pod.arn), READ_ALL)
    tenant.associate(pod, target=target)
    session = tenant.get(tenant.store(auth="pod-identity"))

    assert tenant.who(session).startswith(session_arn(target, ""))
    assert session.principal == "pod-identity:444455556666"


def _assume_statement() -> list[dict[str, Any]]:
    actions = ["sts:AssumeRole", "sts:TagSession"]
    return [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
