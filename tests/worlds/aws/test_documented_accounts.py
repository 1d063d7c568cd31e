"""
The policies of docs/providers/aws.md between accounts and by tags, as they stand there.

What the page promises works; with one line less, or of another pod, it is refused as the page's
table of errors says.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests import policies
from tests.policies import document
from tests.worlds.aws.cloud import AWAY, HOME, refuses
from tests.worlds.aws.documented import (
    assume,
    by_pod_identity,
    by_web_identity,
    change,
    read,
    without,
    without_condition,
)

if TYPE_CHECKING:
    from tests.worlds.aws.cloud import Clients
    from worlds.aws import AwsWorld, Role, Secret
    from worlds.aws.credentials import AccessKey

# 3. Another account, by role chain

_BELOW_PROD = f"arn:aws:ssm:eu-west-1:{HOME}:parameter/prod/*"
SHOP_SECRETS = f"arn:aws:iam::{AWAY}:role/shop-secrets"


@pytest.fixture
def there(world: AwsWorld) -> Role:
    """The role of the other account, with a secret to read there."""
    world.put_secret("shop/invoice", "theirs", account=AWAY)
    world.put_secret("other/invoice", "others", account=AWAY)
    return world.account(AWAY).role(
        "shop-secrets", document("chain-trust"), document("chain-permissions")
    )


LOGINS = pytest.mark.parametrize("login", ["web", "pod"])


def _log_in(client: Clients, request: pytest.FixtureRequest, login: str) -> AccessKey:
    """Log in with `chain-assume` as the role's only policy."""
    role: Role = request.getfixturevalue(login)
    role.set_policies(document("chain-assume"))
    return by_web_identity(client) if login == "web" else by_pod_identity(client)


@LOGINS
def test_the_chain_reads_the_other_accounts_secrets(
    client: Clients, there: Role, request: pytest.FixtureRequest, login: str
) -> None:
    """From web identity and from Pod Identity, with the external id; below `shop/` only."""
    key = _log_in(client, request, login)

    got = assume(client, key, SHOP_SECRETS, ExternalId="acme-shop")

    assert got.principal.identity is there
    assert read(client, got, "shop/invoice") == "theirs"
    assert client("secretsmanager", got).describe_secret(SecretId="shop/invoice")
    with refuses("AccessDeniedException"):
        read(client, got, "other/invoice")
    assert client.world.journal.principals("AssumeRole") == (key.principal.arn,)


@LOGINS
@pytest.mark.parametrize("given", [{}, {"ExternalId": "acme"}], ids=["no id", "wrong id"])
def test_the_chain_needs_the_external_id(
    client: Clients,
    there: Role,
    request: pytest.FixtureRequest,
    login: str,
    given: dict[str, str],
) -> None:
    """Its condition is what keeps others out: without it any id, or none, is let in."""
    key = _log_in(client, request, login)

    with refuses("AccessDenied", f"sts:AssumeRole on resource: {SHOP_SECRETS}$"):
        assume(client, key, SHOP_SECRETS, **given)
    assert "external id" in change("identity-denied", "AssumeRole AccessDenied")
    there.set_trust(without_condition(document("chain-trust")))
    assert assume(client, key, SHOP_SECRETS, **given)


@LOGINS
@pytest.mark.parametrize("side", ["chain-trust", "chain-assume"])
def test_the_chain_needs_tag_session_for_tags_only(
    client: Clients, there: Role, request: pytest.FixtureRequest, login: str, side: str
) -> None:
    """Behind Pod Identity always, since its tags are transitive; else when tags are said."""
    key = _log_in(client, request, login)
    if side == "chain-trust":
        there.set_trust(without(document("chain-trust"), "sts:TagSession"))
    else:
        role = client.world.account().roles[f"arn:aws:iam::{HOME}:role/web"]
        role.set_policies(without(document("chain-assume"), "sts:TagSession"))
    tags = [{"Key": "team", "Value": "red"}]

    with refuses("AccessDenied", "sts:TagSession"):
        assume(client, key, SHOP_SECRETS, ExternalId="acme-shop", Tags=tags)
    assert "sts:TagSession" in change("identity-denied", "naming")
    if login == "web":
        assert assume(client, key, SHOP_SECRETS, ExternalId="acme-shop")
    else:
        with refuses("AccessDenied", "sts:TagSession"):
            assume(client, key, SHOP_SECRETS, ExternalId="acme-shop")


def test_the_chain_needs_both_sides(client: Clients, web: Role, there: Role) -> None:
    """The first role's policy, and a trust that names that role."""
    key = by_web_identity(client)
    with refuses("AccessDenied", "sts:AssumeRole"):
        assume(client, key, SHOP_SECRETS, ExternalId="acme-shop")

    web.set_policies(document("chain-assume"))
    other = json.dumps(document("chain-trust")).replace("role/web", "role/other")
    there.set_trust(other)
    with refuses("AccessDenied", "sts:AssumeRole"):
        assume(client, key, SHOP_SECRETS, ExternalId="acme-shop")


def test_the_chain_does_not_lead_back(client: Clients, web: Role) -> None:
    """A role that is assumed by itself is refused, in words that do not say so."""
    web.set_policies(document("chain-assume"))

    with refuses("AccessDenied", f"sts:AssumeRole on resource: {web.arn}$"):
        assume(client, by_web_identity(client), web.arn)
    assert "the pod already has it" in change("self-assume")


# 4. Another account, by resource policy


@pytest.fixture
def shared(world: AwsWorld) -> Secret:
    """The secret of section 4, under its customer key."""
    kms_key = world.kms_key(
        document("shared-key"), account=AWAY, key_id="9f8e7d6c-12ab-34cd-56ef-1234567890ab"
    )
    return world.put_secret(
        "shared/partner",
        "theirs",
        account=AWAY,
        suffix="AbCdEf",
        kms_key=kms_key,
        policy=document("shared-secret"),
    )


def test_the_shared_secret_is_read_by_its_arn(client: Clients, pod: Role, shared: Secret) -> None:
    """As the page writes it; not by a cut one, and not in a batch."""
    pod.set_policies(document("shared-permissions"), document("permissions"))
    key = by_pod_identity(client)
    secrets = client("secretsmanager", key)

    assert f"file.partner.key: {shared.arn}#key" in policies.PAGE.read_text()
    assert read(client, key, shared.arn) == "theirs"
    assert secrets.describe_secret(SecretId=shared.arn)["KmsKeyId"] == shared.key.arn
    with refuses("AccessDeniedException"):
        read(client, key, shared.arn.removesuffix("-AbCdEf"))
    assert secrets.batch_get_secret_value(SecretIdList=[shared.arn])["SecretValues"] == []


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        ("the secret's policy", "because no resource-based policy allows the secretsmanager"),
        ("the secret's line", "because no resource-based policy allows the secretsmanager"),
        ("the key's statement", "Access to KMS is not allowed"),
        ("the key's service", "Access to KMS is not allowed"),
        ("the role's kms:Decrypt", "Access to KMS is not allowed"),
        ("the role's GetSecretValue", "because no identity-based policy allows the secretsmanager"),
    ],
)
def test_all_three_policies_must_agree(
    client: Clients, pod: Role, shared: Secret, lacking: str, words: str
) -> None:
    """Each line that lacks has its own message, and the table a row for it."""
    secret, key, mine = (document("shared-secret"), document("shared-key"), None)
    mine = document("shared-permissions")
    match lacking:
        case "the secret's policy":
            client.world.set_secret_policy(shared, None)
        case "the secret's line":
            line = "secretsmanager:GetSecretValue"
            client.world.set_secret_policy(shared, without(secret, line))
        case "the key's statement":
            shared.key.set_policy(without(key, "kms:Decrypt"))
        case "the key's service":
            other = json.dumps(key).replace("secretsmanager.eu-west-1", "ssm.eu-west-1")
            shared.key.set_policy(other)
        case "the role's kms:Decrypt":
            mine = without(mine, "kms:Decrypt")
        case _:
            mine = without(mine, "secretsmanager:GetSecretValue")
    pod.set_policies(mine)

    with refuses("AccessDeniedException", words):
        read(client, by_pod_identity(client), shared.arn)
    row = ("access-denied", "KMS" if "KMS" in words else "GetSecretValue")
    assert "polic" in change(*row)


def test_the_shared_secret_is_for_one_namespace(client: Clients, pod: Role, shared: Secret) -> None:
    """The role serves another namespace too, whose pods do not get in unless the condition goes."""
    pod.set_policies(document("shared-permissions"))

    with refuses("AccessDeniedException", "no resource-based policy"):
        read(client, by_pod_identity(client, "test"), shared.arn)
    client.world.set_secret_policy(shared, without_condition(document("shared-secret")))
    assert read(client, by_pod_identity(client, "test"), shared.arn) == "theirs"


def test_under_web_identity_the_condition_must_go(
    client: Clients, web: Role, shared: Secret
) -> None:
    """Its sessions have no tags."""
    web.set_policies(document("shared-permissions"))

    with refuses("AccessDeniedException", "no resource-based policy"):
        read(client, by_web_identity(client), shared.arn)
    client.world.set_secret_policy(shared, without_condition(document("shared-secret")))
    assert read(client, by_web_identity(client), shared.arn) == "theirs"


def test_the_managed_key_does_not_serve_other_accounts(client: Clients, pod: Role) -> None:
    """Whatever the policies say."""
    secret = client.world.put_secret(
        "shared/partner", "theirs", account=AWAY, policy=document("shared-secret")
    )
    pod.set_policies(document("shared-permissions"))

    with refuses("InvalidRequestException", "default KMS service key"):
        read(client, by_pod_identity(client), secret.arn)
    assert "customer key" in change("default KMS service key")


def test_a_shared_parameter_needs_its_own_line_in_the_key(client: Clients, pod: Role) -> None:
    """`kms:ViaService` of the other service, as the page says."""
    world = client.world
    named = json.dumps(document("shared-key"))
    kms_key = world.kms_key(named, account=AWAY, key_id="9f8e7d6c-12ab-34cd-56ef-1234567890ab")
    parameter = world.put_parameter(
        "/shared/p", "theirs", account=AWAY, kms_key=kms_key, shared_with=[HOME]
    )
    mine = json.dumps(document("permissions")).replace(_BELOW_PROD, parameter.arn)
    pod.set_policies(mine, document("shared-permissions"))
    ssm = client("ssm", by_pod_identity(client))

    with refuses("AccessDeniedException", "customer master key"):
        ssm.get_parameters(Names=[parameter.arn], WithDecryption=True)
    kms_key.set_policy(named.replace("secretsmanager.eu-west-1", "ssm.eu-west-1"))
    reply = ssm.get_parameters(Names=[parameter.arn], WithDecryption=True)
    assert [one["Value"] for one in reply["Parameters"]] == ["theirs"]


# 5. ABAC


def test_one_role_serves_each_namespace_its_own(client: Clients, pod: Role) -> None:
    """By the session's tag; the other namespace's secrets are denied."""
    world = client.world
    pod.set_policies(document("abac-permissions"))
    for namespace in ("shop", "test"):
        world.put_secret(f"{namespace}/db", f"of {namespace}")

    for mine, theirs in (("shop", "test"), ("test", "shop")):
        key = by_pod_identity(client, mine)
        assert read(client, key, f"{mine}/db") == f"of {mine}"
        with refuses("AccessDeniedException", "no identity-based policy"):
            read(client, key, f"{theirs}/db")


def test_without_tags_nothing_is_read(client: Clients, pod: Role) -> None:
    """A variable that stands for nothing matches nothing; in an old version it is mere text."""
    world = client.world
    world.put_secret("shop/db", "s3cret")
    pod.set_policies(document("abac-permissions"))
    object.__setattr__(world.associate("shop", "web", pod), "tags", False)
    with refuses("AccessDeniedException"):
        read(client, by_pod_identity(client), "shop/db")

    world.associate("shop", "web", pod)
    assert read(client, by_pod_identity(client), "shop/db") == "s3cret"
    pod.set_policies({**document("abac-permissions"), "Version": "2008-10-17"})
    with refuses("AccessDeniedException"):
        read(client, by_pod_identity(client), "shop/db")


def _tags(namespace: str) -> list[dict[str, str]]:
    """What Syrette says with `aws.session-tags`."""
    found = {
        "kubernetes-namespace": namespace,
        "kubernetes-service-account": "web",
        "kubernetes-pod-name": "web-0",
    }
    return [{"Key": key, "Value": value} for key, value in found.items()]


@pytest.fixture
def second(world: AwsWorld) -> Role:
    """The second role of section 5, for web identity."""
    world.put_secret("shop/db", "s3cret")
    return world.account().role(
        "second", document("abac-chain-trust"), document("abac-permissions")
    )


@pytest.mark.usefixtures("web")
def test_a_second_role_brings_the_tags_to_web_identity(client: Clients, second: Role) -> None:
    """Said at AssumeRole; the trust insists on the namespace."""
    key = by_web_identity(client)

    got = assume(client, key, second.arn, Tags=_tags("shop"))

    assert read(client, got, "shop/db") == "s3cret"
    for tags in (_tags("test"), []):
        with refuses("AccessDenied", "sts:AssumeRole"):
            assume(client, key, second.arn, Tags=tags)


@pytest.mark.usefixtures("web")
def test_the_second_roles_trust_must_allow_and_insist(client: Clients, second: Role) -> None:
    """Without TagSession no tag is taken; without the condition any namespace is."""
    key = by_web_identity(client)
    second.set_trust(without(document("abac-chain-trust"), "sts:TagSession"))
    with refuses("AccessDenied", "sts:TagSession"):
        assume(client, key, second.arn, Tags=_tags("shop"))

    second.set_trust(without_condition(document("abac-chain-trust")))
    assert assume(client, key, second.arn, Tags=_tags("test"))


@pytest.mark.usefixtures("pod")
def test_pod_identitys_tags_cannot_be_said_again(client: Clients, second: Role) -> None:
    """They are transitive, which is why Syrette does not say them there."""
    second.set_trust(without_condition(document("abac-chain-trust")))
    key = by_pod_identity(client)

    with refuses("InvalidParameterValue", "conflicts with a transitive tag key"):
        assume(client, key, second.arn, Tags=_tags("shop"))
    assert read(client, assume(client, key, second.arn), "shop/db") == "s3cret"
