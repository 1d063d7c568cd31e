"""Faults over the wire: what a client sees, and what the journal notes."""

from __future__ import annotations

import threading
from http.client import IncompleteRead
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
)

from tests.worlds.aws.cloud import ELSEWHERE, HOME, allow, refuses, trust
from tests.worlds.aws.test_pod_identity import _get, _token
from tests.worlds.aws.wire import send, to_json, to_sts
from worlds import faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds.aws.cloud import Clients
    from tests.worlds.aws.wire import Answer
    from worlds.aws import AwsWorld
    from worlds.aws.credentials import AccessKey


@pytest.fixture
def key(world: AwsWorld) -> AccessKey:
    """Temporary credentials that may read everything, and a secret to read."""
    world.put_secret("db", "one")
    world.put_parameter("/db", "one")
    role = world.account().role("web", trust(HOME), allow("secretsmanager:*", "ssm:*"))
    return world.access_key(role)


@pytest.fixture
def secrets(client: Clients, key: AccessKey) -> Any:  # noqa: ANN401
    """A client with these credentials."""
    return client("secretsmanager", key)


def _ask(world: AwsWorld, key: AccessKey, *, patience: float = 5) -> Answer:
    ask = to_json(world, "secretsmanager.GetSecretValue", {"SecretId": "db"})
    return send(world, ask.signed(key, "secretsmanager"), patience=patience)


def test_a_reset_is_no_answer(world: AwsWorld, secrets: Any) -> None:  # noqa: ANN401
    """The connection breaks; the journal knows that nothing was answered."""
    world.faults.add(faults.reset(), times=1)

    with pytest.raises(ConnectionClosedError, match="closed before we received a valid response"):
        secrets.get_secret_value(SecretId="db")

    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "one"
    outcomes = [(e.action, e.outcome, e.status) for e in world.journal.entries]
    assert outcomes == [("GetSecretValue", "fault:reset", 0), ("GetSecretValue", "ok", 200)]


def test_latency_is_only_late(world: AwsWorld, key: AccessKey) -> None:
    """Handled rightly and answered late, so that a client with less patience gives up."""
    world.faults.add(faults.latency(30), times=1)
    world.faults.add(faults.latency(0.01), times=1)

    with pytest.raises(TimeoutError, match="timed out"):
        _ask(world, key, patience=0.3)

    assert _ask(world, key).status == 200
    assert [e.outcome for e in world.journal.entries] == ["ok", "ok"]


def test_a_truncated_answer_is_cut_within_its_body(world: AwsWorld, key: AccessKey) -> None:
    """Right headers, ten bytes, and the end."""
    world.faults.add(faults.truncated(10), times=1)

    with pytest.raises(IncompleteRead, match=r"10 bytes read, [0-9]+ more expected"):
        _ask(world, key)

    assert [e.outcome for e in world.journal.entries] == ["fault:truncated"]


@pytest.mark.parametrize("service", ["secretsmanager", "sts"])
def test_throttling_is_said_in_the_services_own_protocol(
    world: AwsWorld, client: Clients, key: AccessKey, service: str
) -> None:
    """A code for SDKs, and Retry-After when asked for."""
    world.faults.add(faults.throttled("Throttling", retry_after=2))
    call = client(service, key)

    with refuses("Throttling", "Rate exceeded") as caught:
        call.get_caller_identity() if service == "sts" else call.get_secret_value(SecretId="db")

    meta = caught.value.response["ResponseMetadata"]
    assert (meta["HTTPStatusCode"], meta["HTTPHeaders"]["retry-after"]) == (400, "2")
    assert meta["RequestId"] == world.journal.entries[0].request_id
    assert world.journal.entries[0].outcome == "fault:throttled"


@pytest.mark.parametrize("service", ["secretsmanager", "ssm", "sts"])
def test_any_error_of_a_service_can_be_had(
    world: AwsWorld, client: Clients, key: AccessKey, service: str
) -> None:
    """With its status, in XML or JSON."""
    world.faults.add(faults.error("InternalFailure", status=500, message="as <asked>"), on=service)
    calls: dict[str, Callable[[Any], Any]] = {
        "sts": lambda sts: sts.get_caller_identity(),
        "ssm": lambda ssm: ssm.get_parameters(Names=["/db"]),
        "secretsmanager": lambda secrets: secrets.get_secret_value(SecretId="db"),
    }

    with refuses("InternalFailure", "as <asked>") as caught:
        calls[service](client(service, key))

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


@pytest.mark.parametrize("number", [429, 503])
def test_a_bare_status_is_of_no_protocol(world: AwsWorld, key: AccessKey, number: int) -> None:
    """As from a load balancer: no code, a body of its own, Retry-After when asked for."""
    world.faults.add(faults.status(number, retry_after=1, body=b"<html>"))

    answer = _ask(world, key)

    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (number, b"<html>", "1")
    assert world.journal.entries[0].outcome == f"fault:status:{number}"


def test_a_redirect_names_another_host(world: AwsWorld, key: AccessKey) -> None:
    """A client that follows takes its credentials elsewhere."""
    world.faults.add(faults.redirect("https://elsewhere.example/"))

    answer = _ask(world, key)

    assert (answer.status, answer.headers["Location"]) == (307, "https://elsewhere.example/")


def test_huge_and_undecodable_bodies(world: AwsWorld, key: AccessKey) -> None:
    """Both come as successes."""
    world.faults.add(faults.huge(3_000_000), times=1)
    world.faults.add(faults.not_utf8(), times=1)

    large, odd = _ask(world, key), _ask(world, key)

    assert (large.status, len(large.body), set(large.body)) == (200, 3_000_000, {ord("a")})
    assert odd.status == 200
    with pytest.raises(UnicodeDecodeError, match="utf-8"):
        odd.body.decode()


@pytest.mark.parametrize(
    ("fault", "found"),
    [(faults.before, ["one", "two", "two"]), (faults.after, ["one", "one", "two"])],
    ids=["before", "after"],
)
def test_a_secret_rotates_between_two_reads(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
    fault: Callable[[Callable[[], object]], faults.Fault],
    found: list[str],
) -> None:
    """Right before or right after a request that is otherwise handled as ever."""
    world.faults.add(fault(lambda: world.rotate("db", "two")), times=1, skip=1)

    read = [secrets.get_secret_value(SecretId="db")["SecretString"] for _ in range(3)]

    assert read == found
    assert [e.outcome for e in world.journal.entries] == ["ok"] * 3


def test_credentials_end_within_a_session(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
) -> None:
    """A read that follows another one fails for the credentials' end."""
    world.faults.add(faults.after(world.expire_credentials), on="DescribeSecret", times=1)

    secrets.describe_secret(SecretId="db")
    with refuses("ExpiredTokenException"):
        secrets.get_secret_value(SecretId="db")


def test_a_fault_of_one_region_spares_the_others(
    world: AwsWorld, client: Clients, key: AccessKey
) -> None:
    """Unsigned requests are of the world's region, or of their endpoint's."""
    world.go_down(region=ELSEWHERE)

    assert client("sts", key).get_caller_identity()["Account"] == HOME
    with pytest.raises(ConnectionClosedError, match="closed"):
        client("sts", key, region=ELSEWHERE).get_caller_identity()
    ask = to_sts(world, b"Action=AssumeRoleWithWebIdentity", region=ELSEWHERE)
    with pytest.raises(ConnectionError, match=r"reset|closed"):
        send(world, ask)
    assert [e.region for e in world.journal.entries] == ["eu-west-1", ELSEWHERE, ELSEWHERE]


def test_a_service_goes_down_and_comes_back(
    world: AwsWorld, client: Clients, key: AccessKey
) -> None:
    """The others serve on."""
    world.go_down(service="secretsmanager", fault=faults.status(503))

    with pytest.raises(ClientError, match="503"):
        client("secretsmanager", key).get_secret_value(SecretId="db")
    assert client("ssm", key).get_parameters(Names=["/db"])["Parameters"]
    world.come_back()
    assert client("secretsmanager", key).get_secret_value(SecretId="db")["Name"] == "db"


def test_the_whole_world_refuses_connections(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
) -> None:
    """Ports are closed, and the same ones serve again, with what was there before."""
    endpoints = world.endpoints
    world.go_down()

    with pytest.raises(EndpointConnectionError, match="Could not connect"):
        secrets.get_secret_value(SecretId="db")
    with pytest.raises(ConnectionRefusedError, match="refused"):
        _get(world, "junk")
    world.come_back()
    world.come_back()
    assert world.endpoints == endpoints
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "one"
    assert _get(world, "junk")[0] == 400


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (faults.error("ThrottlingException", status=429), 429, "(ThrottlingException): as the"),
        (faults.status(500, body=b"oops"), 500, "oops"),
    ],
)
def test_the_agent_misbehaves_too(
    world: AwsWorld, fault: faults.Fault, status: int, text: str
) -> None:
    """In its own way of writing."""
    world.faults.add(fault, on="pod-identity")

    answer = _get(world, _token(world))

    assert (answer[0], text in answer[1]) == (status, True)


def test_a_rotation_is_seen_whole_or_not_at_all(
    world: AwsWorld,
    secrets: Any,  # noqa: ANN401
) -> None:
    """While versions come and go in one thread, a reader never meets one without its stage."""
    ended = threading.Event()

    def rotate() -> None:
        n = 0
        # The world's lock is not fair: without a pause nobody else may ever get it.
        while not ended.wait(0.001):
            n += 1
            world.rotate("db", f"value {n}")

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        replies = [secrets.get_secret_value(SecretId="db") for _ in range(30)]
    finally:
        ended.set()
        thread.join()

    assert {tuple(reply["VersionStages"]) for reply in replies} == {("AWSCURRENT",)}
