"""The Pod Identity agent: what it looks at before it gives a pod its role."""

from __future__ import annotations

import datetime as dt
import http.client
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.worlds.aws.cloud import AWAY, HOME, allow, refuses, trust, trust_of
from worlds.tokens import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role
    from worlds.aws.credentials import AccessKey

AUDIENCE = "pods.eks.amazonaws.com"
SERVICE = {"Service": AUDIENCE}
BOTH = ("sts:AssumeRole", "sts:TagSession")


@pytest.fixture
def role(world: AwsWorld) -> Role:
    """A role that trusts the Pod Identity service, associated with shop/web."""
    made = world.account().role("web", trust_of(SERVICE, *BOTH), allow("secretsmanager:*", *BOTH))
    world.associate("shop", "web", made)
    return made


def _token(world: AwsWorld, **claims: Any) -> str:  # noqa: ANN401
    return world.issuer.mint("shop", "web", AUDIENCE, pod="web-7", pod_uid="u-7", claims=claims)


def _get(
    world: AwsWorld, token: str, *, path: str = "/v1/credentials", method: str = "GET"
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(
        urlsplit(world.endpoint("pod-identity")).netloc, timeout=5
    )
    try:
        connection.request(method, path, headers={"Authorization": token} if token else {})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def _log_in(world: AwsWorld, token: str = "") -> AccessKey:
    status, text = _get(world, token or _token(world))
    assert status == 200, text
    key = world.keys.find(json.loads(text)["AccessKeyId"])
    assert key is not None
    return key


def test_the_raw_token_gives_the_associated_role(world: AwsWorld, role: Role) -> None:
    """The reply has botocore's field names and ends in six hours; the journal says who asked."""
    status, text = _get(world, _token(world))

    reply = json.loads(text)
    ends = dt.datetime.fromisoformat(reply["Expiration"]).timestamp()
    assert status == 200
    assert reply.keys() == {"AccessKeyId", "SecretAccessKey", "Token", "AccountId", "Expiration"}
    assert reply["AccountId"] == HOME
    assert 21_590 < ends - world.clock.now() <= 21_600
    (entry,) = world.journal.entries
    assert (entry.service, entry.action) == ("pod-identity", "AssumeRoleForPodIdentity")
    assert entry.principal == entry.base == "system:serviceaccount:shop:web"
    assert entry.resources == (role.arn,)
    assert entry.detail["assumed"].startswith(
        f"arn:aws:sts::{HOME}:assumed-role/web/eks-prod-web-7-"
    )
    assert entry.detail["issued"] == reply["AccessKeyId"]


def test_the_session_carries_transitive_tags(world: AwsWorld, role: Role) -> None:
    """Cluster, namespace, service account and pod: ABAC policies match on exactly these."""
    key = _log_in(world)

    assert key.principal.identity is role
    assert dict(key.principal.tags) == {
        "eks-cluster-arn": f"arn:aws:eks:eu-west-1:{HOME}:cluster/prod",
        "eks-cluster-name": "prod",
        "kubernetes-namespace": "shop",
        "kubernetes-service-account": "web",
        "kubernetes-pod-name": "web-7",
        "kubernetes-pod-uid": "u-7",
    }
    assert key.principal.transitive == set(key.principal.tags)


def test_the_credentials_are_good_until_their_end(
    world: AwsWorld, client: Clients, role: Role
) -> None:
    """They sign for the role, for six hours."""
    world.put_secret("db", "s3cret")
    secrets = client("secretsmanager", _log_in(world))
    assert role.id in client("sts", _log_in(world)).get_caller_identity()["UserId"]

    world.advance(6 * 3600 - 10)
    assert secrets.get_secret_value(SecretId="db")["SecretString"] == "s3cret"
    world.advance(11)
    with refuses("ExpiredTokenException"):
        secrets.get_secret_value(SecretId="db")


_REFUSED: dict[str, tuple[Callable[[AwsWorld], str], int, str]] = {
    "no token": (lambda _: "", 400, "Service account token cannot be empty\n"),
    "Bearer": (
        lambda world: f"Bearer {_token(world)}",
        400,
        "Service account token cannot be parsed: a part of the JWT is not a JSON object\n",
    ),
    "no JWT": (
        lambda _: "junk",
        400,
        "Service account token cannot be parsed: not a JWT of three parts\n",
    ),
    "ended": (
        lambda world: _token(world, exp=int(world.clock.now())),
        400,
        "Service account token failed basic claim validations: token is expired\n",
    ),
    "not yet valid": (
        lambda world: _token(world, nbf=int(world.clock.now()) + 60),
        400,
        "Service account token failed basic claim validations: token is not valid yet\n",
    ),
    "another audience": (
        lambda world: world.issuer.mint("shop", "web", "sts.amazonaws.com"),
        400,
        "(InvalidTokenException): The token included in the request is not for",
    ),
    "an audience that contains ours": (
        lambda world: _token(world, aud=f"x{AUDIENCE}"),
        400,
        "(InvalidTokenException): The token included in the request is not for",
    ),
    "another issuer's claims": (
        lambda world: _token(world, iss="https://oidc.example"),
        400,
        "(InvalidTokenException): The token included in the request is not for",
    ),
    "another cluster's key": (
        lambda world: Issuer(world.issuer.url).mint("shop", "web", AUDIENCE),
        400,
        "(InvalidTokenException): The token included in the request is not a valid",
    ),
    "not of a pod": (
        lambda world: _token(world, **{"kubernetes.io": {"namespace": "shop"}}),
        400,
        "(InvalidTokenException): The token included in the request is not bound to a pod",
    ),
    "no association": (
        lambda world: world.issuer.mint("shop", "other", AUDIENCE),
        404,
        "(ResourceNotFoundException): No association found for service account other",
    ),
    "another namespace": (
        lambda world: world.issuer.mint("test", "web", AUDIENCE),
        404,
        "(ResourceNotFoundException): No association found",
    ),
}


@pytest.mark.usefixtures("role")
@pytest.mark.parametrize("what", _REFUSED)
def test_a_wrong_token_is_refused(world: AwsWorld, what: str) -> None:
    """The agent's own refusals are bare text, the service's have their code in parentheses."""
    make, status, words = _REFUSED[what]

    answer = _get(world, make(world))

    assert answer[0] == status
    assert words in answer[1]
    assert answer[1].startswith("[") is words.startswith("(")
    (entry,) = world.journal.entries
    assert entry.status == status
    assert entry.outcome == (words[1:].partition(")")[0] if words[0] == "(" else "RefusedByAgent")


@pytest.mark.usefixtures("role")
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/credentials"), ("GET", "/v1/credentials/"), ("GET", "/"), ("GET", "/v2")],
)
def test_only_one_path_is_served(world: AwsWorld, method: str, path: str) -> None:
    """Anything else is not found."""
    assert _get(world, _token(world), path=path, method=method)[0] == 404


@pytest.mark.parametrize(
    "trusting",
    [
        trust_of(SERVICE, "sts:AssumeRole"),
        trust_of(SERVICE, "sts:TagSession"),
        trust_of({"Service": "ec2.amazonaws.com"}, *BOTH),
        trust(HOME, *BOTH),
        trust_of(SERVICE, *BOTH, when={"StringEquals": {"aws:SourceAccount": AWAY}}),
        trust_of(
            SERVICE, *BOTH, when={"StringEquals": {"aws:RequestTag/kubernetes-namespace": "test"}}
        ),
    ],
    ids=["no tags", "only tags", "another service", "an account", "source", "another namespace"],
)
def test_the_role_must_trust_the_service(
    world: AwsWorld, role: Role, trusting: dict[str, Any]
) -> None:
    """Both actions are needed, since EKS always tags the session."""
    role.set_trust(trusting)

    status, text = _get(world, _token(world))

    assert status == 400
    assert "(AccessDeniedException): Unauthorized Exception! EKS does not have permissions" in text
    assert world.journal.count(outcome="AccessDeniedException") == 1


def test_a_trust_may_narrow_down_to_the_pod(world: AwsWorld, role: Role) -> None:
    """Cluster and tags of the request are there to be asked for."""
    when = {
        "StringEquals": {
            "aws:RequestTag/kubernetes-namespace": "shop",
            "aws:RequestTag/kubernetes-service-account": "web",
            "aws:SourceAccount": HOME,
        },
        "ArnEquals": {"aws:SourceArn": f"arn:aws:eks:eu-west-1:{HOME}:cluster/prod"},
    }
    role.set_trust(trust_of(SERVICE, *BOTH, when=when))

    assert _log_in(world).principal.identity is role


def test_tags_can_be_turned_off(world: AwsWorld, role: Role) -> None:
    """An association without tags needs no sts:TagSession."""
    role.set_trust(trust_of(SERVICE, "sts:AssumeRole"))
    association = world.associate("shop", "web", role)
    object.__setattr__(association, "tags", False)

    assert _log_in(world).principal.tags == {}


def test_a_role_that_is_gone_cannot_be_assumed(world: AwsWorld, role: Role) -> None:
    """The association outlives its role."""
    del world.account().roles[role.arn]

    assert "AccessDeniedException" in _get(world, _token(world))[1]


@pytest.fixture
def target(world: AwsWorld, role: Role) -> Role:
    """A target role of another account, which trusts the first one."""
    made = world.account(AWAY).role("target", trust(role.arn, *BOTH), allow("secretsmanager:*"))
    world.associate("shop", "web", role, target=made)
    return made


def test_a_target_role_of_another_account(
    world: AwsWorld, client: Clients, role: Role, target: Role
) -> None:
    """The credentials are the target's, for an hour, with the pod's tags."""
    world.put_secret("db", "theirs", account=AWAY)
    status, text = _get(world, _token(world))
    reply = json.loads(text)
    key = world.keys.find(reply["AccessKeyId"])

    assert (status, reply["AccountId"]) == (200, AWAY)
    assert key is not None
    assert key.principal.identity is target
    assert key.principal.tags["kubernetes-namespace"] == "shop"
    assert key.expires_at is not None
    assert key.expires_at <= world.clock.now() + 3600
    assert client("secretsmanager", key).get_secret_value(SecretId="db")["SecretString"] == "theirs"
    assert world.journal.entries[0].resources == (role.arn, target.arn)


def test_a_target_role_may_ask_for_the_associations_external_id(
    world: AwsWorld, role: Role, target: Role
) -> None:
    """EKS sends an id of its own making; a trust for another one refuses."""
    association = world.associate("shop", "web", role, target=target)
    condition = {"StringEquals": {"sts:ExternalId": association.external_id}}

    target.set_trust(trust(role.arn, *BOTH, when=condition))
    assert _log_in(world).principal.identity is target
    world.associate("shop", "web", role, target=target)
    status, text = _get(world, _token(world))
    assert (status, "AccessDeniedException" in text) == (400, True)


@pytest.mark.parametrize("missing", ["trust", "tags", "policy", "account"])
def test_a_target_role_needs_both_sides(
    world: AwsWorld, role: Role, target: Role, missing: str
) -> None:
    """The target's trust with tags, and the first role's own policy."""
    match missing:
        case "trust":
            target.set_trust(trust(HOME))
            role.set_policies()
        case "tags":
            target.set_trust(trust(role.arn))
        case "policy":
            role.set_policies()
        case _:
            del world.accounts[AWAY]

    status, text = _get(world, _token(world))

    assert (status, "(AccessDeniedException): User: " in text) == (400, True)
    assert world.journal.entries[0].principal == "system:serviceaccount:shop:web"
    assert "issued" not in world.journal.entries[0].detail
