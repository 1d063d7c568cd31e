"""How pods come to their secrets: every way of docs/providers/aws.md, with the page's policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.pod.tier import pod
from tests.policies import document

if TYPE_CHECKING:
    from tests.pod.tier import Tier
    from worlds.aws import AwsWorld
    from worlds.pods import PodRunner

AWAY = "444455556666"
SESSION = "arn:aws:sts::111122223333:assumed-role/web/syrette-shop-web"
NEVER = {"refresh": "never"}  # nothing here is about refreshing


def read(runner: PodRunner, path: str, container: str = "app") -> str:
    """A file as the application sees it."""
    return (runner.directory(container, "/secrets") / path).read_text()


def chained_roles(world: AwsWorld) -> None:
    """The two roles of section 3."""
    world.account().role(
        "web", document("web-identity-trust"), document("permissions"), document("chain-assume")
    )
    world.account(AWAY).role("shop-secrets", document("chain-trust"), document("chain-permissions"))


def test_same_account_by_web_identity(tier: Tier, world: AwsWorld) -> None:
    """Section 1: one login and one read for two files of one secret and a parameter."""
    world.put_secret("prod/db", json.dumps({"user": "u", "password": "p"}))
    world.put_parameter("/prod/token", "t")
    asked = {
        "file.user": "aws-secretsmanager:prod/db#user",
        "file.password": "aws-secretsmanager:prod/db#password",
        "file.token": "aws-ssm:/prod/token",
    }
    runner = tier.start(pod({**asked, **NEVER}))

    assert [read(runner, name) for name in ("user", "password", "token")] == ["u", "p", "t"]
    assert sorted(world.journal.actions()) == [
        "AssumeRoleWithWebIdentity",
        "GetParameters",
        "GetSecretValue",
    ]
    assert world.journal.principals("AssumeRoleWithWebIdentity") == (
        "system:serviceaccount:shop:web",
    )
    assert world.journal.principals("GetSecretValue") == (SESSION,)


def test_another_account_by_role_chain(tier: Tier, world: AwsWorld) -> None:
    """Section 3: the source of AssumeRole is the pod's own session, with external id and tags."""
    chained_roles(world)
    world.put_secret("shop/invoice", "bill", account=AWAY)
    asked = {
        "file.invoice": "aws-secretsmanager:shop/invoice",
        "aws.assume-role": f"arn:aws:iam::{AWAY}:role/shop-secrets",
        "aws.external-id": "acme-shop",
        "aws.session-tags": "team=payments",
    }
    runner = tier.start(pod({**asked, **NEVER}))
    (hop,) = world.journal.calls("AssumeRole")

    assert read(runner, "invoice") == "bill"
    assert (hop.principal, hop.outcome) == (SESSION, "ok")
    assert hop.detail["external-id"] == "acme-shop"
    assert set(hop.detail["tags"].split(",")) == {
        "team=payments",
        "kubernetes-namespace=shop",
        "kubernetes-service-account=web",
        "kubernetes-pod-name=web-1",
    }
    assert world.journal.principals("GetSecretValue") == (
        f"arn:aws:sts::{AWAY}:assumed-role/shop-secrets/syrette-shop-web",
    )


def test_a_chain_with_another_external_id_is_refused(tier: Tier, world: AwsWorld) -> None:
    """The page's trust policy insists on it."""
    chained_roles(world)
    world.put_secret("shop/invoice", "bill", account=AWAY)
    asked = {
        "file.invoice": "aws-secretsmanager:shop/invoice",
        "aws.assume-role": f"arn:aws:iam::{AWAY}:role/shop-secrets",
        "aws.external-id": "someone-else",
    }
    runner = tier.runner(pod({**asked, **NEVER}))

    failure = tier.failure(runner)
    assert failure.exit_code == 11
    assert "identity-denied: aws-secretsmanager:shop/invoice" in failure.termination_message
    assert world.journal.principals("AssumeRole") == (SESSION,)


def test_another_account_by_resource_policy_and_its_key(tier: Tier, world: AwsWorld) -> None:
    """Section 4: Pod Identity, a customer key there, and only for pods of the namespace."""
    role = world.account().role(
        "web", document("pod-identity-trust"), document("shared-permissions")
    )
    key = world.kms_key(
        document("shared-key"), account=AWAY, key_id="9f8e7d6c-12ab-34cd-56ef-1234567890ab"
    )
    secret = world.put_secret(
        "shared/partner",
        '{"key": "k"}',
        account=AWAY,
        kms_key=key,
        policy=document("shared-secret"),
        suffix="AbCdEf",
    )
    world.associate("shop", "plain", role)
    asked = {"file.partner.key": f"{secret.arn}#key", **NEVER}
    runner = tier.start(pod(asked, serviceAccountName="plain"))

    assert secret.arn == f"arn:aws:secretsmanager:eu-west-1:{AWAY}:secret:shared/partner-AbCdEf"
    assert read(runner, "partner.key") == "k"
    assert world.journal.actions() == ("AssumeRoleForPodIdentity", "GetSecretValue")
    assert world.journal.principals("AssumeRoleForPodIdentity") == (
        "system:serviceaccount:shop:plain",
    )
    assert world.journal.principals("GetSecretValue")[0].startswith(
        "arn:aws:sts::111122223333:assumed-role/web/eks-prod-web-1-"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("namespace", "access-denied"),
        ("key", "KMS"),
    ],
)
def test_a_shared_secret_is_refused_when_one_policy_disagrees(
    tier: Tier, world: AwsWorld, change: str, words: str
) -> None:
    """Another namespace in the tag, or a key policy that does not know the role."""
    role = world.account().role(
        "web", document("pod-identity-trust"), document("shared-permissions")
    )
    policy = document("shared-secret")
    key_policy = document("shared-key")
    if change == "namespace":
        tag = {"aws:PrincipalTag/kubernetes-namespace": "other"}
        policy["Statement"][0]["Condition"]["StringEquals"] = tag
    else:
        del key_policy["Statement"][1]
    key = world.kms_key(key_policy, account=AWAY, key_id="9f8e7d6c-12ab-34cd-56ef-1234567890ab")
    secret = world.put_secret(
        "shared/partner", "k", account=AWAY, kms_key=key, policy=policy, suffix="AbCdEf"
    )
    world.associate("shop", "plain", role)
    runner = tier.runner(pod({"file.partner": secret.arn, **NEVER}, serviceAccountName="plain"))
    failure = tier.failure(runner)

    assert failure.exit_code == 12
    assert words in failure.termination_message


def test_one_role_for_many_namespaces(tier: Tier, world: AwsWorld) -> None:
    """Section 5: under Pod Identity the namespace's own secrets and no others."""
    role = world.account().role(
        "abac", document("pod-identity-trust"), document("abac-permissions")
    )
    world.associate("shop", "plain", role)
    world.put_secret("shop/db", "ours")
    world.put_secret("other/db", "theirs")
    asked = {"file.db": "aws-secretsmanager:shop/db", **NEVER}
    runner = tier.start(pod(asked, serviceAccountName="plain"))

    assert read(runner, "db") == "ours"
    refused = {"file.db": "aws-secretsmanager:other/db", **NEVER}
    other = tier.runner(pod(refused, serviceAccountName="plain"))
    assert tier.failure(other).exit_code == 12


def test_tags_that_the_next_role_insists_on(tier: Tier, world: AwsWorld) -> None:
    """Section 5 under web identity: the namespace as a session tag of the second role."""
    tagged = world.account().role(
        "tagged", document("abac-chain-trust"), document("abac-permissions")
    )
    may_assume = document("chain-assume")
    may_assume["Statement"][0]["Resource"] = tagged.arn
    world.account().role("web", document("web-identity-trust"), may_assume)
    world.put_secret("shop/db", "ours")
    asked = {
        "file.db": "aws-secretsmanager:shop/db",
        "aws.assume-role": tagged.arn,
        "aws.session-tags": "team=payments",
    }
    runner = tier.start(pod({**asked, **NEVER}))

    assert read(runner, "db") == "ours"
    assert world.journal.principals("AssumeRole") == (SESSION,)


def test_two_stores_with_different_roles_in_one_pod(tier: Tier, world: AwsWorld) -> None:
    """One login serves both: the second role is assumed from the first one's session."""
    chained_roles(world)
    world.put_secret("prod/db", "home")
    world.put_secret("shop/invoice", "away", account=AWAY)
    stores = f"""
billing:
  provider: aws-secretsmanager
  assume-role: [arn:aws:iam::{AWAY}:role/shop-secrets]
  external-id: acme-shop
"""
    asked = {
        "file.db": "aws-secretsmanager:prod/db",
        "file.invoice": "billing:shop/invoice",
        "stores": stores,
    }
    runner = tier.start(pod({**asked, **NEVER}))
    reads = world.journal.calls("GetSecretValue")

    assert (read(runner, "db"), read(runner, "invoice")) == ("home", "away")
    assert world.journal.count("AssumeRoleWithWebIdentity") == 1
    assert world.journal.principals("AssumeRole") == (SESSION,)
    assert {entry.resources[0]: entry.principal for entry in reads} == {
        "prod/db": SESSION,
        "shop/invoice": f"arn:aws:sts::{AWAY}:assumed-role/shop-secrets/syrette-shop-web",
    }
