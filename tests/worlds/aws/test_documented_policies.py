"""
The policies of docs/providers/aws.md within one account, as they stand there.

What the page promises works; with one line less, or of another pod, it is refused as the page's
table of errors says.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

from tests import policies
from tests.policies import document
from tests.worlds.aws.cloud import HOME, refuses
from tests.worlds.aws.documented import (
    ask_the_agent,
    by_pod_identity,
    by_web_identity,
    change,
    read,
    without,
    without_condition,
)
from worlds.aws.documents import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role
    from worlds.aws.credentials import AccessKey
    from worlds.aws.documents import Kind

KINDS: Final[dict[str, Kind]] = {
    "permissions": "identity",
    "permissions-kms": "identity",
    "web-identity-trust": "trust",
    "pod-identity-trust": "trust",
    "pod-identity-trust-narrow": "trust",
    "chain-assume": "identity",
    "chain-trust": "trust",
    "chain-permissions": "identity",
    "shared-secret": "resource",
    "shared-key": "resource",
    "shared-permissions": "identity",
    "abac-permissions": "identity",
    "abac-chain-trust": "trust",
}


_USE: Final = re.compile(r'document\("([a-z-]+)"\)')


def test_every_policy_of_the_page_is_one_and_is_used() -> None:
    """Each JSON block has a name, IAM would take it, and a test below gives it to the world."""
    page = policies.PAGE.read_text()
    tests = Path(__file__).parent.glob("*.py")
    used = {name for test in tests for name in re.findall(_USE, test.read_text())}

    assert page.count("<!-- policy: ") == page.count("```json") == len(policies.names())
    assert set(policies.names()) == set(KINDS) == used
    for name, kind in KINDS.items():
        assert parse(document(name), kind).statements
        assert document(name)["Version"] == "2012-10-17"


# What a pod may do


_DOING: dict[str, Callable[[Clients, AccessKey], Any]] = {
    "read": lambda client, key: read(client, key, "prod/db"),
    "describe": lambda client, key: client("secretsmanager", key).describe_secret(
        SecretId="prod/db"
    ),
    "batch": lambda client, key: client("secretsmanager", key).batch_get_secret_value(
        SecretIdList=["prod/db"]
    )["SecretValues"][0],
    "parameter": lambda client, key: client("ssm", key).get_parameters(
        Names=["/prod/token"], WithDecryption=True
    )["Parameters"][0],
    "path": lambda client, key: client("ssm", key).get_parameters_by_path(
        Path="/prod", WithDecryption=True
    )["Parameters"][0],
    "deeper path": lambda client, key: client("ssm", key).get_parameters_by_path(
        Path="/prod/sub", WithDecryption=True
    )["Parameters"][0],
}


def _keep_below_prod(world: AwsWorld, **options: Any) -> None:  # noqa: ANN401
    world.put_secret("prod/db", "s3cret", **options)
    for name in ("/prod/token", "/prod/sub/token"):
        world.put_parameter(name, "s3cret", **options)


@pytest.mark.parametrize("what", _DOING)
def test_the_permissions_are_enough(world: AwsWorld, client: Clients, web: Role, what: str) -> None:
    """Secrets, batches, parameters and paths, under the managed keys."""
    web.set_policies(document("permissions"))
    _keep_below_prod(world)

    assert _DOING[what](client, by_web_identity(client))


@pytest.mark.parametrize("name", ["test/db", "production"])
def test_the_permissions_reach_no_further(
    world: AwsWorld, client: Clients, web: Role, name: str
) -> None:
    """Other names, alone and in batches, parameters and paths elsewhere are denied."""
    web.set_policies(document("permissions"))
    world.put_secret(name, "theirs")
    key = by_web_identity(client)

    with refuses("AccessDeniedException", "no identity-based policy"):
        read(client, key, name)
    reply = client("secretsmanager", key).batch_get_secret_value(SecretIdList=[name])
    assert [error["ErrorCode"] for error in reply["Errors"]] == ["AccessDeniedException"]
    with refuses("AccessDeniedException"):
        client("ssm", key).get_parameters(Names=[f"/{name}"])
    with refuses("AccessDeniedException"):
        client("ssm", key).get_parameters_by_path(Path="/")


_PARAMETERS = f"arn:aws:ssm:eu-west-1:{HOME}:parameter"


@pytest.mark.parametrize(
    ("action", "resource", "fails"),
    [
        ("secretsmanager:GetSecretValue", "", {"read", "batch"}),
        ("secretsmanager:DescribeSecret", "", {"describe"}),
        ("secretsmanager:BatchGetSecretValue", "", {"batch"}),
        ("ssm:GetParameters", "", {"parameter"}),
        ("ssm:GetParametersByPath", "", {"path", "deeper path"}),
        ("ssm:GetParametersByPath", f"{_PARAMETERS}/prod", {"path"}),
        ("ssm:GetParametersByPath", f"{_PARAMETERS}/prod/*", {"parameter", "deeper path"}),
    ],
)
def test_each_line_of_the_permissions_counts(
    client: Clients, web: Role, action: str, resource: str, fails: set[str]
) -> None:
    """One less takes away what the page says it is for, and nothing else."""
    web.set_policies(without(document("permissions"), action, resource))
    _keep_below_prod(client.world)
    key = by_web_identity(client)

    failed = {what for what, do in _DOING.items() if not _works(do, client, key)}

    assert failed == fails
    assert change("access-denied", "GetSecretValue").startswith("the role's permission policy")
    assert "the path itself" in change("access-denied", "GetParametersByPath")


def _works(do: Callable[[Clients, AccessKey], Any], client: Clients, key: AccessKey) -> bool:
    try:
        do(client, key)
    except IndexError:  # a batch without values
        return False
    except ClientError as exc:
        if exc.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return False
    return True


@pytest.mark.parametrize("what", ["read", "batch", "parameter", "path"])
def test_a_customer_key_of_the_account_needs_its_line(
    world: AwsWorld, client: Clients, web: Role, what: str
) -> None:
    """The usual key policy leaves it to IAM, which needs `permissions-kms` beside the others."""
    kms_key = world.kms_key(key_id="1234abcd-12ab-34cd-56ef-1234567890ab")
    _keep_below_prod(world, kms_key=kms_key)
    key = by_web_identity(client)

    web.set_policies(document("permissions"))
    assert not _works(_DOING[what], client, key)
    web.set_policies(document("permissions"), document("permissions-kms"))
    assert _works(_DOING[what], client, key)


def test_kms_is_named_when_it_is_the_key(world: AwsWorld, client: Clients, web: Role) -> None:
    """Both services say so, each in its words, and the table has them."""
    _keep_below_prod(world, kms_key=world.kms_key())
    web.set_policies(document("permissions"))
    key = by_web_identity(client)

    with refuses("AccessDeniedException", "KMS"):
        read(client, key, "prod/db")
    with refuses("AccessDeniedException", "kms:Decrypt"):
        _DOING["parameter"](client, key)
    assert "the role's permission policy" in change("access-denied", "KMS")


# 1. Web identity


def test_web_identity_lets_the_one_service_account_in(client: Clients, web: Role) -> None:
    """Others of the namespace, and equal names elsewhere, stay out."""
    assert by_web_identity(client).principal.identity is web
    for namespace, account in (("shop", "other"), ("test", "web")):
        with refuses("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"):
            by_web_identity(client, namespace, account)
    assert "`sub`" in change("AssumeRoleWithWebIdentity", "AccessDenied")


def test_both_conditions_of_web_identity_matter(client: Clients, web: Role) -> None:
    """Without `sub` any pod gets the role; without `aud` a token for another audience does."""
    world = client.world
    host = world.issuer.host
    world.account().trust_issuer(world.issuer, ["sts.amazonaws.com", "other"])
    token = world.issuer.mint("shop", "web", "other")
    call = {"RoleArn": web.arn, "RoleSessionName": "syrette", "WebIdentityToken": token}

    with refuses("AccessDenied"):
        client("sts").assume_role_with_web_identity(**call)
    web.set_trust(without_condition(document("web-identity-trust"), f"{host}:aud"))
    assert client("sts").assume_role_with_web_identity(**call)
    web.set_trust(without_condition(document("web-identity-trust"), f"{host}:sub"))
    assert by_web_identity(client, "test", "other").principal.identity is web


def test_web_identity_needs_the_provider(client: Clients, web: Role) -> None:
    """Registered in IAM, with the audience; the table sends there."""
    world = client.world
    world.account().trust_issuer(world.issuer, ["other"])
    with refuses("InvalidIdentityToken", "audience"):
        by_web_identity(client)

    world.account().issuers.clear()
    with refuses("InvalidIdentityToken", "No OpenIDConnect provider"):
        by_web_identity(client)
    assert web.arn
    assert "OIDC provider in IAM" in change("InvalidIdentityToken")


# 2. Pod Identity


def test_pod_identity_lets_associated_pods_in(world: AwsWorld, client: Clients, pod: Role) -> None:
    """With the page's permissions they read; without an association there is nothing."""
    pod.set_policies(document("permissions"))
    _keep_below_prod(world)

    assert read(client, by_pod_identity(client), "prod/db") == "s3cret"
    assert ask_the_agent(world, "shop", "other")[0] == 404


def test_pod_identity_needs_tag_session(world: AwsWorld, pod: Role) -> None:
    """Since EKS tags the session, unless the association turns that off."""
    pod.set_trust(without(document("pod-identity-trust"), "sts:TagSession"))

    status, text = ask_the_agent(world, "shop", "web")

    assert (status, "AccessDeniedException" in text) == (400, True)
    assert "sts:TagSession" in change("identity-denied", "GetCredentials")
    association = world.associate("shop", "web", pod)
    object.__setattr__(association, "tags", False)
    assert ask_the_agent(world, "shop", "web")[0] == 200


def test_the_narrow_trust_binds_a_role_to_one_service_account(client: Clients, pod: Role) -> None:
    """An association for another namespace, service account or cluster is of no use."""
    world = client.world
    pod.set_trust(document("pod-identity-trust-narrow"))
    world.associate("shop", "other", pod)

    assert by_pod_identity(client).principal.identity is pod
    for namespace, account in (("test", "web"), ("shop", "other")):
        assert ask_the_agent(world, namespace, account)[0] == 400
    world.pod_identity.cluster_arn = f"arn:aws:eks:eu-west-1:{HOME}:cluster/staging"
    assert ask_the_agent(world, "shop", "web")[0] == 400
