"""The AWS world itself: start and end, endpoints, options, what goes over the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import SSLError

from tests.worlds.aws.cloud import AWAY, HOME, Clients, allow, refuses, trust
from tests.worlds.aws.wire import CALLER_IDENTITY, send, to_json, to_sts
from worlds.aws import AwsWorld

if TYPE_CHECKING:
    from botocore.session import Session


def test_the_ca_is_a_file_while_the_world_runs() -> None:
    """It is there for clients that take only files, and gone afterwards."""
    world = AwsWorld()
    with pytest.raises(RuntimeError, match="not started"):
        _ = world.ca_path

    with world:
        path = world.ca_path
        assert path.read_text() == world.ca_pem

    assert not path.exists()
    world.stop()


def test_endpoints_are_of_loopback(world: AwsWorld) -> None:
    """Services over TLS, the agent without; a region makes an endpoint of its own."""
    endpoints = world.endpoints

    assert endpoints.keys() == {"sts", "secretsmanager", "ssm", "kms", "pod-identity"}
    assert {url.rpartition(":")[0] for url in endpoints.values()} == {
        "https://127.0.0.1",
        "http://127.0.0.1",
    }
    assert world.endpoint("ssm", "eu-central-1") == endpoints["ssm"] + "/eu-central-1"
    assert world.endpoint("pod-identity", "eu-central-1") == endpoints["pod-identity"]


def test_who_does_not_trust_the_ca_is_counted(world: AwsWorld, session: Session) -> None:
    """Certificates are checked by clients; the world sees the handshake fail."""
    client: Any = session.create_client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=world.endpoint("sts"),
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )

    with pytest.raises(SSLError, match="certificate verify failed"):
        client.get_caller_identity()
    world.stop()  # waits for the connections' threads, which count

    assert world.failed_handshakes >= 1
    assert world.connections == 0
    client.close()


def test_connections_are_counted_once(world: AwsWorld, client: Clients) -> None:
    """A client that keeps its connection makes one."""
    sts = client("sts", world.access_key(world.account().user("ci")))

    for _ in range(3):
        sts.get_caller_identity()

    assert world.connections == 1
    assert {entry.connection for entry in world.journal.entries} == {1}


def test_other_partitions_name_everything_theirs(session: Session) -> None:
    """Roles, sessions, secrets, keys and parameters of China or GovCloud."""
    with AwsWorld("cn-north-1", partition="aws-cn") as world:
        clients = Clients(world, session)
        role = world.account().role(
            "web", trust(f"arn:aws-cn:iam::{HOME}:root"), allow("secretsmanager:*", "ssm:*")
        )
        secret = world.put_secret("db", "s3cret", region="cn-north-1")
        parameter = world.put_parameter("/db", "s3cret", region="cn-north-1")
        key = world.access_key(role)
        secrets = clients("secretsmanager", key, region="cn-north-1")

        assert secrets.get_secret_value(SecretId="db")["ARN"] == secret.arn
        arns = [role.arn, key.principal.arn, secret.arn, parameter.arn, world.kms_key().arn]
        assert {arn.split(":")[1] for arn in arns} == {"aws-cn"}
        assert world.account() is world.account(HOME)
        assert world.account(AWAY).provider_arn(world.issuer).startswith("arn:aws-cn:iam::4444")
        clients.close()


def test_a_virtual_clock_is_the_worlds_clock() -> None:
    """Tokens and credentials are dated by it."""
    world = AwsWorld(clock=lambda: 5000.0, issuer="https://oidc.example/x")

    token = world.issuer.mint("shop", "web", "a", lifetime=60)

    claims = world.issuer.verify(token)
    key = world.access_key(world.account().user("ci"), lifetime=100)
    assert (claims["iss"], claims["iat"], claims["exp"]) == ("https://oidc.example/x", 5000, 5060)
    assert key.expires_at == 5100
    assert key.id.startswith("ASIA")


def test_an_unsigned_request_is_of_the_worlds_region(world: AwsWorld) -> None:
    """Unless its host or its endpoint says another."""
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
    send(world, to_sts(world, body))
    send(world, to_sts(world, body, region="ap-south-1"))
    send(world, to_sts(world, body).having(host="sts.us-gov-west-1.amazonaws.com"))

    assert [entry.region for entry in world.journal.entries] == [
        "eu-west-1",
        "ap-south-1",
        "us-gov-west-1",
    ]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"body": b"{"}, "SerializationException"),
        ({"body": b"[]"}, "SerializationException"),
        ({"body": b"\xff"}, "SerializationException"),
        ({"headers": {"Content-Type": "application/json"}}, "SerializationException"),
        ({"method": "GET"}, "UnknownOperationException"),
        ({"method": "PUT"}, "UnknownOperationException"),
    ],
)
def test_json_requests_must_be_as_the_protocol_says(
    world: AwsWorld, change: dict[str, Any], code: str
) -> None:
    """A rightly signed request may still be none."""
    key = world.access_key(world.account().user("ci", allow("*")))
    ask = to_json(world, "secretsmanager.GetSecretValue", {"SecretId": "db"})
    method = change.get("method", ask.method)
    headers = {**ask.headers, **change.get("headers", {})}
    changed = type(ask)(method, ask.url, change.get("body", ask.body), headers)

    answer = send(world, changed.signed(key, "secretsmanager"))

    assert answer.code == code


def test_text_of_a_caller_cannot_break_the_answer(world: AwsWorld, client: Clients) -> None:
    """XML is escaped."""
    key = world.access_key(world.account().user("ci"))

    with refuses("ValidationError", "a<b>&amp;c is invalid"):
        client("sts", key).assume_role(RoleArn="a<b>&amp;c", RoleSessionName="next")


def test_answers_carry_a_request_id(world: AwsWorld) -> None:
    """In a header of both protocols, and in XML within; the journal has it too."""
    key = world.access_key(world.account().user("ci"))

    identity = send(world, to_sts(world, CALLER_IDENTITY).signed(key, "sts"))
    refused = send(world, to_json(world, "AmazonSSM.GetParameters", {}))

    ids = [entry.request_id for entry in world.journal.entries]
    assert [identity.headers["x-amzn-RequestId"], refused.headers["x-amzn-RequestId"]] == ids
    assert ids[0].encode() in identity.body
    assert refused.headers["Content-Type"] == "application/x-amz-json-1.1"
    assert identity.headers["Content-Type"] == "text/xml"


def test_the_journal_holds_nothing_that_signs_or_is_secret(
    world: AwsWorld, client: Clients
) -> None:
    """Over a whole life of a pod: tokens, keys and values come by and leave no trace."""
    role = world.account().web_identity_role("web", world.issuer, "shop", "web", allow("*"))
    world.account().role("next", trust(role.arn), allow("*"))
    world.put_secret("db", "canary-secret")
    world.put_parameter("/db", "canary-parameter")
    token = world.issuer.mint("shop", "web", "sts.amazonaws.com")
    reply = client("sts").assume_role_with_web_identity(
        RoleArn=role.arn, RoleSessionName="web", WebIdentityToken=token
    )
    key = world.keys.find(reply["Credentials"]["AccessKeyId"])
    assert key is not None
    client("sts", key).assume_role(RoleArn=f"arn:aws:iam::{HOME}:role/next", RoleSessionName="web")
    client("secretsmanager", key).get_secret_value(SecretId="db")
    client("secretsmanager", key).batch_get_secret_value(SecretIdList=["db"])
    client("ssm", key).get_parameters(Names=["/db"], WithDecryption=True)
    client("ssm", key).get_parameters_by_path(Path="/", WithDecryption=True)

    text = repr(world.journal.entries)

    assert [entry.outcome for entry in world.journal.entries] == ["ok"] * 6
    for hidden in (token, key.secret, key.token, "canary-secret", "canary-parameter"):
        assert hidden not in text
    assert key.id in text


def test_a_role_of_a_path_and_policies_that_change(world: AwsWorld, client: Clients) -> None:
    """What is changed while a session lives is true at its next request."""
    role = world.account().role("web", trust(HOME), path="/team/")
    sts, secrets = (client(s, world.access_key(role)) for s in ("sts", "secretsmanager"))
    world.put_secret("db", "s3cret")

    assert role.arn == f"arn:aws:iam::{HOME}:role/team/web"
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:sts::{HOME}:assumed-role/web/test"
    with refuses("AccessDeniedException"):
        secrets.get_secret_value(SecretId="db")
    role.allow(allow("secretsmanager:GetSecretValue"))
    assert secrets.get_secret_value(SecretId="db")["Name"] == "db"
    role.set_policies()
    with refuses("AccessDeniedException"):
        secrets.get_secret_value(SecretId="db")
