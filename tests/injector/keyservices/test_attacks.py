"""Attacks on the allow-list: what a document names in order to get a token, or another key."""

from __future__ import annotations

import pytest

from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.keyservices.allowlist import Logins
from tests.injector.keyservices.naming import (
    ACCOUNT,
    ARN,
    RESOURCE,
    SOPS,
    VERSION,
    aws,
    azure,
    google,
    refused,
    vault,
)


@pytest.mark.parametrize(
    "address",
    [
        "https://vault.evil.io:8200",
        "https://vault.acme.io.evil.io:8200",
        "https://evilvault.acme.io:8200",
        "https://vault.acme.io",
        "https://vault.acme.io:8201",
        "http://vault.acme.io:8200",
        "https://vault.acme.io:8200/proxy",
        "https://vault.acme.io.:8200",
    ],
)
def test_attack_a_document_names_another_vault(address: str) -> None:
    """Another host, port, scheme or path is another server, which gets no token."""
    reason, why = refused(vault(address))

    assert reason is Reason.POLICY_DENIED
    assert "vault.address" in why


@pytest.mark.parametrize(
    "address",
    [
        "https://vault.acme.io:8200@evil.io",
        "https://user:pass@vault.acme.io:8200",
        "https://@vault.acme.io:8200",
        "https://evil.io\\@vault.acme.io:8200",
        "https://evil.io#@vault.acme.io:8200",
        "https://vault.acme.io:8200?x=https://evil.io",
        "https://vault.acme.io:8200/#",
        "https://vault.acme\t.io:8200",
        "https://vault.acme.io:8200\n",
        " https://vault.acme.io:8200",
        "https://vault%2eacme.io:8200",
        "https://vаult.acme.io:8200",  # noqa: RUF001 - the attack: a letter of another alphabet
        "https://vault。acme.io:8200",
        "https://vault.acme.io:99999",
        "https://vault.acme.io:0",
        "https://[vault.acme.io:8200",
        "ftp://vault.acme.io:8200",
        "//vault.acme.io:8200",
        "vault.acme.io:8200",
        "https://",
        "",
    ],
)
def test_attack_an_address_that_parsers_read_differently(address: str) -> None:
    """Userinfo, fragments, escapes, control characters and letters of other alphabets."""
    assert refused(vault(address))[0] is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        ("transit/../auth/token", "app"),
        ("..", "app"),
        ("sys", "app"),
        ("auth/token", "app"),
        ("cubbyhole", "app"),
        ("/identity/entity", "app"),
        (".", "app"),
        ("transit//x", "app"),
        ("transit?x", "app"),
        ("transit#x", "app"),
        ("transit%2f..", "app"),
        ("transit\\..", "app"),
        ("", "app"),
        ("/".join("x" * 17), "app"),
        ("transit", "../create"),
        ("transit", "a/b"),
        ("transit", ".."),
        ("transit", "app?x=y"),
        ("transit", ""),
    ],
)
def test_attack_a_path_leaves_the_transit_engine(engine: str, name: str) -> None:
    """What is called is `<mount>/decrypt/<key>` and can be nothing else."""
    assert refused(vault(engine=engine, name=name))[0] is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.vault.azure.net.attacker.com",
        "https://acme-kv.attacker.com",
        "https://acme-kv.vault.azure.cn",
        "https://acme-kv.vault.usgovcloudapi.net",
        "https://acme-kv.managedhsm.azure.net",
        "https://evil.acme-kv.vault.azure.net",
        "https://acme-kv.evilvault.azure.net",
    ],
)
def test_attack_a_document_names_a_host_outside_of_the_cloud(url: str) -> None:
    """A host that only looks like Azure's, or that is another cloud's."""
    reason, why = refused(azure(url))

    assert reason is Reason.POLICY_DENIED
    assert "azure.cloud" in why


@pytest.mark.parametrize(
    "url",
    [
        "http://acme-kv.vault.azure.net",
        "https://acme-kv.vault.azure.net:8443",
        "https://user@acme-kv.vault.azure.net",
        "https://acme-kv.vault.azure.net@evil.io",
        "https://acme-kv.vault.azure.net/../x",
        "https://acme-kv.vault.azure.net?x",
        "https://acme-kv.vault.azure.net#x",
        "https://acme-kv.vault.azure.net\n",
        "https://acme-kv.vault.azure.net\\.evil.io",
        "https://ácme-kv.vault.azure.net",
        "https://аcme-kv.vault.azure.net",  # noqa: RUF001 - the attack: a letter of another alphabet
        "https://acme-kv.vault.ａzure.net",  # noqa: RUF001 - as above
        "https://-acme.vault.azure.net",
        "https://a--b.vault.azure.net",
        "https://vault.azure.net",
        "acme-kv.vault.azure.net",
    ],
)
def test_attack_an_address_that_is_no_vaults(url: str) -> None:
    """Another scheme or port, userinfo, a path, and names that no vault can have."""
    assert refused(azure(url))[0] in {Reason.INVALID_DOCUMENT, Reason.POLICY_DENIED}


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("../secrets/db", VERSION),
        ("sops?x", VERSION),
        ("sops/x", VERSION),
        ("", VERSION),
        ("sops", "../../secrets/db"),
        ("sops", VERSION[:-1]),
        ("sops", f"{VERSION}?"),
        ("sops", f"{VERSION}\n"),
    ],
)
def test_attack_a_key_name_leaves_the_keys(name: str, version: str) -> None:
    """A name or version that would make another path of the vault."""
    assert refused(azure(name=name, version=version))[0] is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize(
    "role",
    [
        f"arn:aws:iam::{ACCOUNT}:role/admin",
        "arn:aws:iam::999999999999:role/sops",
        f"{SOPS}/",
        f"{SOPS} ",
        f"arn:aws:iam::{ACCOUNT}:role/path/sops",
        "sops",
    ],
)
def test_attack_a_document_chooses_a_role(role: str) -> None:
    """A role that the pod could assume but that is in no store's chain is not assumed."""
    reason, why = refused(aws(role=role))

    assert reason is Reason.POLICY_DENIED
    assert "aws.assume-role" in why


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws-cn:kms:cn-north-1:{ACCOUNT}:key/1234abcd",
        f"arn:aws-us-gov:kms:us-gov-west-1:{ACCOUNT}:key/1234abcd",
        f"arn:aws-iso-b:kms:us-isob-east-1:{ACCOUNT}:key/1234abcd",
    ],
)
def test_attack_a_key_of_another_partition(arn: str) -> None:
    """Credentials of one partition are shown to no other."""
    reason, why = refused(aws(arn))

    assert reason is Reason.POLICY_DENIED
    assert "partition" in why
    bare = Store("aws-ssm", "aws-ssm", {"region": "eu-west-1"})
    assert "partition" in refused(aws(arn), Logins((bare,)))[1]


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:kms:cn-north-1:{ACCOUNT}:key/1234abcd",
        f"arn:aws-cn:kms:eu-west-1:{ACCOUNT}:key/1234abcd",
        f"arn:aws:kms:eu-west-1.evil.io:{ACCOUNT}:key/1234abcd",
        f"arn:aws:kms:eu-west-1@evil.io:{ACCOUNT}:key/1234abcd",
        f"arn:aws:kms::{ACCOUNT}:key/1234abcd",
        f"arn:aws:kms:eu-west-1/:{ACCOUNT}:key/1234abcd",
        f"arn:aws:s3:eu-west-1:{ACCOUNT}:key/1234abcd",
        "arn:aws:kms:eu-west-1:1:key/1234abcd",
        f"arn:aws:kms:eu-west-1:{ACCOUNT}:grant/1234abcd",
        f"{ARN}\n",
        "alias/sops",
        "",
    ],
)
def test_attack_an_arn_that_is_no_kms_key(arn: str) -> None:
    """A region becomes a host name, so that it must be one, and of its own partition."""
    assert refused(aws(arn))[0] is Reason.INVALID_DOCUMENT


@pytest.mark.parametrize(
    "resource",
    [
        RESOURCE.replace("sops", ".."),
        RESOURCE.replace("shop-prod", ".."),
        f"{RESOURCE}?alt=media",
        f"{RESOURCE}#x",
        f"{RESOURCE}:encrypt",
        f"{RESOURCE}/../../secrets",
        f"{RESOURCE}/cryptoKeyVersions/1",
        f"/{RESOURCE}",
        f"https://evil.io/{RESOURCE}",
        RESOURCE.replace("prod/", "pr%6fd/"),
        f"{RESOURCE}\n",
        "projects/p/secrets/db/versions/1:access",
        "",
    ],
)
def test_attack_a_google_resource_that_is_no_key(resource: str) -> None:
    """It becomes a path, so that it must be that of a key and of nothing else."""
    assert refused(google(resource))[0] is Reason.INVALID_DOCUMENT
