"""Who a pod is to Vault, and what a reference asks of it."""

from __future__ import annotations

import pytest

from injector.contract.references import parse
from tests.webhook.annotations.pods import ROLE, context, intent, store
from webhook.annotations.intent import Scope
from webhook.settings import Settings

ADDRESS = "https://vault.acme.io:8200"
FILE = {"syrette.dev/file.a": "vault:secret/a"}
REGION = {"syrette.dev/aws.region": "eu-west-1"}
DEFAULTS = {"vault.address": ADDRESS, "vault.role": "{namespace}_{service-account}"}


def _operator(**fields: str) -> Settings:
    more = {f"vault.{name.replace('_', '-')}": text for name, text in fields.items()}
    return Settings(defaults={**DEFAULTS, **more}, allowed_addresses=(ADDRESS,))


@pytest.mark.parametrize(
    ("auth", "wanted"),
    [
        ("", {"auth": "kubernetes", "auth-mount": "kubernetes", "audience": "vault"}),
        ("jwt", {"auth": "jwt", "auth-mount": "jwt", "audience": "vault"}),
        (
            "aws",
            {
                "auth": "aws",
                "auth-mount": "aws",
                "aws-sts": "regional",
                "aws-store": "aws-secretsmanager",
            },
        ),
    ],
)
def test_a_login_is_written_out(auth: str, wanted: dict[str, str]) -> None:
    """Method, mount, audience and what is signed stand in the store; the role is the pod's own."""
    found = store({**FILE, **REGION, "syrette.dev/vault.auth": auth}, settings=_operator())

    assert dict(found.settings) == {**wanted, "address": ADDRESS, "role": "shop_web"}


def test_what_is_given_is_kept() -> None:
    """No default replaces a word of the pod's."""
    given = {
        "auth": "aws",
        "auth-mount": "aws-eu",
        "auth-namespace": "acme",
        "aws-server-id": "vault.acme.io",
        "aws-sts": "global",
        "aws-store": "aws-ssm",
        "kv": "1",
        "namespace": "acme/shop",
        "path-prefix": "secret/",
        "role": "web",
        "timeout": "10",
    }
    pod = {f"syrette.dev/vault.{name}": text for name, text in given.items()}
    found = store({**FILE, **REGION, **pod}, settings=_operator())

    assert dict(found.settings) == {**given, "address": ADDRESS}


@pytest.mark.parametrize(
    ("auth", "unused"),
    [
        ("", {"aws_server_id": "vault.acme.io", "aws_sts": "global", "aws_store": "hub"}),
        ("kubernetes", {"aws_server_id": "vault.acme.io"}),
        ("aws", {"audience": "vault"}),
    ],
)
def test_a_default_for_pods_that_log_in_otherwise_is_not_used(
    auth: str, unused: dict[str, str]
) -> None:
    """The operator may say once what pods with another login need."""
    pod = {**FILE, **REGION, "syrette.dev/vault.auth": auth}
    found = store(pod, settings=_operator(**unused))

    assert not {name.replace("_", "-") for name in unused} & set(found.settings)


@pytest.mark.parametrize(
    ("far", "near", "mount"),
    [
        ("", "kubernetes", "eu"),
        ("", "jwt", "jwt"),
        ("aws", "aws", "eu"),
        ("aws", "kubernetes", "kubernetes"),
        ("aws", "", "kubernetes"),
        ("jwt", None, "eu"),
    ],
)
def test_a_mount_stays_with_its_method(far: str, near: str | None, mount: str) -> None:
    """Who chooses another login does not get the mount of the one before."""
    around = context({"syrette.dev/vault.auth": near} if near is not None else {})
    found = store({**FILE, **REGION}, around, _operator(auth=far, auth_mount="eu"))

    assert found.text("auth-mount") == mount


def test_a_named_store_is_the_same_vault_in_another_way() -> None:
    """It takes address, role and limits from the options, but no mount of another method."""
    pod = {
        "syrette.dev/file.a": "team:secret/a",
        "syrette.dev/vault.auth": "aws",
        "syrette.dev/vault.auth-mount": "aws-eu",
        "syrette.dev/vault.aws-sts": "global",
        "syrette.dev/vault.kv": "1",
        "syrette.dev/vault.path-prefix": "secret/",
        "syrette.dev/vault.timeout": "5",
        "syrette.dev/stores": "team: {provider: vault, auth: jwt, namespace: acme/shop}",
    }
    found = store(pod, settings=_operator())

    assert dict(found.settings) == {
        "address": ADDRESS,
        "audience": "vault",
        "auth": "jwt",
        "auth-mount": "jwt",
        "namespace": "acme/shop",
        "role": "shop_web",
        "timeout": "5",
    }


def test_another_vault_is_known_by_nothing_of_the_first() -> None:
    """A store with an address of its own stands alone: no role and no namespace leaks to it."""
    pod = {
        "syrette.dev/file.a": "other:secret/a",
        "syrette.dev/vault.namespace": "acme/shop",
        "syrette.dev/vault.auth-mount": "kubernetes-eu",
        "syrette.dev/stores": f"other: {{provider: vault, address: '{ADDRESS}', role: web}}",
    }
    found = store(pod, settings=_operator())

    assert dict(found.settings) == {
        "address": ADDRESS,
        "audience": "vault",
        "auth": "kubernetes",
        "auth-mount": "kubernetes",
        "role": "web",
    }


@pytest.mark.parametrize("given", ["vault-prod", "of-a-store"])
def test_an_audience_that_the_operator_gives_is_anybodys_at_vault(given: str) -> None:
    """A second store of the same Vault names the audience of the first."""
    operator = Settings(
        defaults={**DEFAULTS, "vault.audience": "vault-prod"},
        stores={"team": {"provider": "vault", "audience": "of-a-store"}},
    )
    pod = {
        "syrette.dev/file.a": "mine:secret/a",
        "syrette.dev/stores": f"mine: {{provider: vault, audience: {given}}}",
    }

    assert store(pod, settings=operator).text("audience") == given


def test_the_built_in_aws_store_signs_as_it_would_read() -> None:
    """Method, role and audience of the signature are those of a secret in Secrets Manager."""
    around = context(service_account={"eks.amazonaws.com/role-arn": ROLE})
    signed = intent(
        {**FILE, **REGION, "syrette.dev/vault.auth": "aws"}, around, _operator()
    ).stores["vault"]
    read = store({**REGION, "syrette.dev/file.a": "aws-secretsmanager:a"}, around, _operator())

    assert signed.signer is not None
    assert signed.signer.store == read
    assert signed.signer.field_scopes["role-arn"] is Scope.SERVICE_ACCOUNT


def test_a_named_aws_store_signs_with_its_chain() -> None:
    """A second account's role may be the one that Vault knows."""
    pod = {
        **FILE,
        **REGION,
        "syrette.dev/vault.auth": "aws",
        "syrette.dev/vault.aws-store": "hub",
        "syrette.dev/stores": f"hub: {{provider: aws-ssm, assume-role: ['{ROLE}']}}",
    }
    found = intent(pod, settings=_operator())

    assert list(found.stores) == ["vault"]
    signer = found.stores["vault"].signer
    assert signer is not None
    assert [hop.role_arn for hop in signer.store.hops()] == [ROLE]


def test_a_store_that_sends_a_token_has_no_signer() -> None:
    """Only the login aws is signed."""
    assert intent({**FILE, **REGION}, settings=_operator()).stores["vault"].signer is None


def test_the_body_of_a_write_is_the_same_in_both_forms() -> None:
    """`data` of an item is what `?data.<field>=` says, whatever its texts hold."""
    items = """
- from: vault:pki/issue/web?ttl=1h#certificate
  data: {common_name: web.shop.svc, alt_names: "a, b&c=d", csr: "x\\ny", exclude: ""}
  file: tls.crt
"""
    found = intent({"syrette.dev/secrets": items}, settings=_operator())
    reference = found.secrets[0].sources[0].reference

    assert reference == parse(
        "vault:pki/issue/web?ttl=1h&data.common_name=web.shop.svc&data.alt_names=a, b%26c%3Dd"
        "&data.csr=x%0Ay&data.exclude=#certificate"
    )
    assert parse(str(reference)) == reference
