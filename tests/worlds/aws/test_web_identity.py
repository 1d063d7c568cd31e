"""AssumeRoleWithWebIdentity: what STS looks at before it gives a pod its role."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.worlds.aws.cloud import AWAY, HOME, Clients, allow, policy, refuses, statement, trust_of
from tests.worlds.aws.wire import send, to_sts
from worlds.aws import AwsWorld
from worlds.tokens import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

    from worlds.aws import Role

AUDIENCE = "sts.amazonaws.com"


@pytest.fixture
def role(world: AwsWorld) -> Role:
    """A role that trusts shop/web and may read one secret."""
    return world.account().web_identity_role(
        "web", world.issuer, "shop", "web", allow("secretsmanager:GetSecretValue")
    )


def _log_in(client: Clients, arn: str, token: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    given = {"RoleArn": arn, "RoleSessionName": "syrette-shop-web", "WebIdentityToken": token}
    reply: dict[str, Any] = client("sts").assume_role_with_web_identity(**{**given, **more})
    return reply


def _token(world: AwsWorld, **claims: Any) -> str:  # noqa: ANN401
    return world.issuer.mint("shop", "web", AUDIENCE, claims=claims)


def test_a_pods_token_gives_its_role(world: AwsWorld, client: Clients, role: Role) -> None:
    """The reply says who it is and for how long; the journal says it too."""
    reply = _log_in(client, role.arn, _token(world), DurationSeconds=900)

    session = f"arn:aws:sts::{HOME}:assumed-role/web/syrette-shop-web"
    seconds = reply["Credentials"]["Expiration"].timestamp() - world.clock.now()
    assert reply["AssumedRoleUser"] == {
        "Arn": session,
        "AssumedRoleId": f"{role.id}:syrette-shop-web",
    }
    assert reply["SubjectFromWebIdentityToken"] == "system:serviceaccount:shop:web"
    assert reply["Audience"] == AUDIENCE
    assert reply["Provider"] == world.account().provider_arn(world.issuer)
    assert 890 < seconds <= 900
    (entry,) = world.journal.calls("AssumeRoleWithWebIdentity")
    assert entry.principal == entry.base == "system:serviceaccount:shop:web"
    assert entry.resources == (role.arn,)
    assert entry.detail["assumed"] == session
    assert entry.detail["issued"] == reply["Credentials"]["AccessKeyId"]
    assert entry.detail["session-name"] == "syrette-shop-web"
    assert entry.detail["duration"] == "900"


def test_the_credentials_are_good_for_the_role(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """They sign, they are the session's, and they end."""
    world.put_secret("prod/db", "s3cret")
    reply = _log_in(client, role.arn, _token(world))
    key = world.keys.find(reply["Credentials"]["AccessKeyId"])
    secrets = client("secretsmanager", key)

    assert client("sts", key).get_caller_identity()["UserId"] == f"{role.id}:syrette-shop-web"
    assert secrets.get_secret_value(SecretId="prod/db")["SecretString"] == "s3cret"
    world.advance(3601)
    with refuses("ExpiredTokenException"):
        secrets.get_secret_value(SecretId="prod/db")


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_both_algorithms_of_clusters_are_taken(
    session: Session, algorithm: Literal["ES256", "RS256"]
) -> None:
    """EKS signs with RSA, others with P-256."""
    with AwsWorld(algorithm=algorithm) as world:
        world.account().trust_issuer(world.issuer)
        role = world.account().web_identity_role("web", world.issuer, "shop", "web")
        client = Clients(world, session)

        assert _log_in(client, role.arn, _token(world))["Audience"] == AUDIENCE
        client.close()


def _tampered(token: str) -> str:
    head, claims, signature = token.split(".")
    raw = json.loads(base64.urlsafe_b64decode(claims + "=="))
    raw["sub"] = "system:serviceaccount:kube-system:admin"
    forged = base64.urlsafe_b64encode(json.dumps(raw).encode()).rstrip(b"=").decode()
    return f"{head}.{forged}.{signature}"


def _unsigned(token: str) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{head}.{token.split('.')[1]}."


_REFUSED: dict[str, tuple[Callable[[AwsWorld], str], str, str]] = {
    "no JWT": (lambda _: "junk", "InvalidIdentityToken", "not a valid JWT"),
    "forged claims": (
        lambda world: _tampered(_token(world)),
        "InvalidIdentityToken",
        "verification key",
    ),
    "no signature": (
        lambda world: _unsigned(_token(world)),
        "InvalidIdentityToken",
        "verification key",
    ),
    "another cluster's key": (
        lambda world: Issuer(world.issuer.url).mint("shop", "web", AUDIENCE),
        "InvalidIdentityToken",
        "verification key",
    ),
    "an unknown issuer": (
        lambda world: _token(world, iss="https://oidc.example"),
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://oidc.example",
    ),
    "another audience": (
        lambda world: world.issuer.mint("shop", "web", "vault"),
        "InvalidIdentityToken",
        "Incorrect token audience",
    ),
    "the audience as a text": (
        lambda world: _token(world, aud="vault"),
        "InvalidIdentityToken",
        "Incorrect token audience",
    ),
    "an ended token": (
        lambda world: _token(world, exp=int(world.clock.now())),
        "ExpiredTokenException",
        "Token expired: current date/time [0-9]+ must be before the expiration date/time [0-9]+",
    ),
    "a token of the future": (
        lambda world: _token(world, nbf=int(world.clock.now()) + 400),
        "InvalidIdentityToken",
        "issued in the future",
    ),
    "a token issued later": (
        lambda world: _token(world, iat=int(world.clock.now()) + 400),
        "InvalidIdentityToken",
        "issued in the future",
    ),
    "no end": (lambda world: _token(world, exp=None), "InvalidIdentityToken", "claim: exp"),
    "no time of issue": (
        lambda world: _token(world, iat="x"),
        "InvalidIdentityToken",
        "claim: iat",
    ),
    "no subject": (lambda world: _token(world, sub=None), "InvalidIdentityToken", "claim: sub"),
    "another service account": (
        lambda world: world.issuer.mint("shop", "other", AUDIENCE),
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    ),
    "another namespace": (
        lambda world: world.issuer.mint("test", "web", AUDIENCE),
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    ),
    "too long": (lambda _: "a" * 20_001, "ValidationError", "webIdentityToken"),
    "nothing": (lambda _: "", "ValidationError", "webIdentityToken"),
}


@pytest.mark.parametrize("what", _REFUSED)
def test_a_wrong_token_is_refused(world: AwsWorld, client: Clients, role: Role, what: str) -> None:
    """Each way in which a token can be wrong has its own answer."""
    make, code, words = _REFUSED[what]

    with refuses(code, words):
        _log_in(client, role.arn, make(world))

    (entry,) = world.journal.entries
    assert (entry.outcome, entry.status) == (code, 403 if code == "AccessDenied" else 400)
    assert "issued" not in entry.detail


def test_a_token_is_good_until_its_end(world: AwsWorld, client: Clients, role: Role) -> None:
    """A skew of minutes is borne for the start, not for the end."""
    young = _token(world, nbf=int(world.clock.now()) + 200)
    token = _token(world)

    assert _log_in(client, role.arn, young)["Audience"] == AUDIENCE
    world.advance(3590)
    assert _log_in(client, role.arn, token)["Audience"] == AUDIENCE
    world.advance(10)
    with refuses("ExpiredTokenException"):
        _log_in(client, role.arn, token)


def test_an_unreachable_issuer_is_said(world: AwsWorld, client: Clients, role: Role) -> None:
    """STS fetches the cluster's keys; when it cannot, trying later helps."""
    world.issuer.reachable = False

    with refuses("IDPCommunicationError", "try again later"):
        _log_in(client, role.arn, _token(world))

    world.issuer.reachable = True
    assert _log_in(client, role.arn, _token(world))["Audience"] == AUDIENCE


def test_further_audiences_can_be_registered(world: AwsWorld, client: Clients) -> None:
    """The provider lists which audiences it takes; the trust may still name another."""
    world.account().trust_issuer(world.issuer, ["acme", "other"])
    host = world.issuer.host
    trust = trust_of(
        {"Federated": world.account().provider_arn(world.issuer)},
        "sts:AssumeRoleWithWebIdentity",
        when={"StringEquals": {f"{host}:aud": "acme"}},
    )
    role = world.account().role("acme", trust)

    reply = _log_in(client, role.arn, world.issuer.mint("shop", "web", ["vault", "acme"]))

    assert reply["Audience"] == "acme"
    with refuses("AccessDenied"):
        _log_in(client, role.arn, world.issuer.mint("shop", "web", "other"))
    with refuses("InvalidIdentityToken", "audience"):
        _log_in(client, role.arn, world.issuer.mint("shop", "web", AUDIENCE))


@pytest.mark.parametrize(
    ("federated", "action"),
    [
        (f"arn:aws:iam::{HOME}:oidc-provider/other.example", "sts:AssumeRoleWithWebIdentity"),
        (f"arn:aws:iam::{AWAY}:oidc-provider/HOST", "sts:AssumeRoleWithWebIdentity"),
        (f"arn:aws:iam::{HOME}:oidc-provider/HOST", "sts:AssumeRole"),
    ],
    ids=["another provider", "another account's", "another action"],
)
def test_the_trust_must_name_provider_and_action(
    world: AwsWorld, client: Clients, federated: str, action: str
) -> None:
    """A trust for something else is no trust."""
    who = {"Federated": federated.replace("HOST", world.issuer.host)}
    role = world.account().role("odd", trust_of(who, action))

    with refuses("AccessDenied"):
        _log_in(client, role.arn, _token(world))


def test_a_deny_in_the_trust_wins(world: AwsWorld, client: Clients, role: Role) -> None:
    """One service account can be shut out of a trust that takes many."""
    who = {"Federated": world.account().provider_arn(world.issuer)}
    let_in = statement("sts:AssumeRoleWithWebIdentity", who=who)
    subject = {f"{world.issuer.host}:sub": "system:serviceaccount:shop:web"}
    shut_out = {**let_in, "Effect": "Deny", "Condition": {"StringEquals": subject}}
    for one in (let_in, shut_out):
        del one["Resource"]
    role.set_trust(policy(let_in, shut_out))

    assert _log_in(client, role.arn, world.issuer.mint("shop", "other", AUDIENCE))
    with refuses("AccessDenied"):
        _log_in(client, role.arn, _token(world))


@pytest.mark.parametrize(
    "arn", [f"arn:aws:iam::{HOME}:role/nobody", "arn:aws:iam::999999999999:role/web"]
)
def test_an_unknown_role_is_not_told_from_a_distrusting_one(
    world: AwsWorld, client: Clients, arn: str
) -> None:
    """What there is in an account is not given away; without its provider the token is unknown."""
    foreign = "999999999999" in arn

    with refuses("InvalidIdentityToken" if foreign else "AccessDenied"):
        _log_in(client, arn, _token(world))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"RoleArn": "web"}, "web is invalid"),
        ({"RoleArn": f"arn:aws:iam::{HOME}:user/web"}, "is invalid"),
        ({"RoleArn": f"arn:aws:iam::1{HOME}:role/web"}, "is invalid"),
        ({"RoleArn": ""}, "is invalid"),
        ({"RoleSessionName": "a"}, "roleSessionName"),
        ({"RoleSessionName": "has blank"}, "roleSessionName"),
        ({"RoleSessionName": "a" * 65}, "roleSessionName"),
        ({"RoleSessionName": "ümlaut"}, "roleSessionName"),
        ({"DurationSeconds": 899}, "durationSeconds.* greater than or equal to 900"),
        ({"DurationSeconds": 43_201}, "durationSeconds.* less than or equal to 43200"),
        ({"DurationSeconds": 3601}, "exceeds the MaxSessionDuration set for this role"),
        ({"DurationSeconds": "soon"}, "not a number"),
        ({"Policy": "x" * 2049}, "policy.* less than or equal to 2048"),
        ({"PolicyArns": [{"arn": f"arn:aws:iam::{HOME}:policy/p"}]}, "no parameter PolicyArns"),
    ],
)
def test_parameters_are_checked(
    world: AwsWorld, client: Clients, role: Role, given: dict[str, Any], words: str
) -> None:
    """Names, ARNs and durations have bounds."""
    with refuses("ValidationError", words):
        _log_in(client, role.arn, _token(world), **given)


@pytest.mark.parametrize("name", ["ExternalId=x", "Tags.member.1.Key=a&Tags.member.1.Value=b"])
def test_neither_external_id_nor_tags_exist_here(world: AwsWorld, role: Role, name: str) -> None:
    """The action has no such parameters, whoever wishes it had."""
    body = (
        f"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={role.arn}"
        f"&RoleSessionName=web&WebIdentityToken={_token(world)}&{name}"
    )

    answer = send(world, to_sts(world, body.encode()))

    assert (answer.status, answer.code) == (400, "ValidationError")


def test_a_role_may_allow_longer_sessions(world: AwsWorld, client: Clients) -> None:
    """Up to the role's own maximum."""
    account = world.account()
    template = account.web_identity_role("t", world.issuer, "shop", "web")
    role = account.role("long", _as_json(world), max_session=7200)
    assert template.max_session == 3600

    reply = _log_in(client, role.arn, _token(world), DurationSeconds=7200)

    assert reply["Credentials"]["Expiration"].timestamp() > world.clock.now() + 7100


def _as_json(world: AwsWorld) -> str:
    who = {"Federated": world.account().provider_arn(world.issuer)}
    return json.dumps(trust_of(who, "sts:AssumeRoleWithWebIdentity"))


def test_a_session_policy_cuts_down(world: AwsWorld, client: Clients, role: Role) -> None:
    """The session may do what both the role and its own policy allow."""
    for name in ("prod/db", "prod/other"):
        world.put_secret(name, "s3cret")
    only = world.secret("prod/db").arn
    narrow = json.dumps(allow("secretsmanager:*", on=only))
    reply = _log_in(client, role.arn, _token(world), Policy=narrow)
    secrets = client("secretsmanager", world.keys.find(reply["Credentials"]["AccessKeyId"]))

    assert secrets.get_secret_value(SecretId="prod/db")["SecretString"] == "s3cret"
    with refuses("AccessDeniedException", "because no session policy allows"):
        secrets.get_secret_value(SecretId="prod/other")
    with refuses("AccessDeniedException", "because no identity-based policy allows"):
        secrets.describe_secret(SecretId="prod/db")


def test_a_session_policy_must_be_a_policy(client: Clients, role: Role) -> None:
    """STS refuses a malformed one before it looks at the token."""
    with refuses("MalformedPolicyDocument", "not JSON"):
        _log_in(client, role.arn, "whatever", Policy="{")
