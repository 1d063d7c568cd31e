"""The allow-list: which login may decrypt with a key that a document names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.contract.stores import Store
from injector.keyservices.allowlist import Logins, judge, spellings
from injector.sops.master_keys import AgeKey, UnsupportedKey
from tests.injector.keyservices.naming import (
    ACCOUNT,
    ALL,
    AWS,
    AZURE,
    GOOGLE,
    SOPS,
    VAULT,
    VERSION,
    WEB,
    allowed,
    aws,
    azure,
    google,
    refused,
    vault,
)

if TYPE_CHECKING:
    from injector.sops.master_keys import MasterKey


@pytest.mark.parametrize(
    ("key", "stores"),
    [
        (aws(), (AWS,)),
        (aws(f"arn:aws:kms:us-east-1:{ACCOUNT}:alias/team/sops"), (AWS,)),
        (aws(f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/mrk-{VERSION}"), (AWS,)),
        (aws(role=WEB), (AWS,)),
        (aws(role=SOPS), (AWS,)),
        (vault(), (VAULT,)),
        (vault("HTTPS://Vault.Acme.IO:8200/"), (VAULT,)),
        (vault(engine="team/a/transit/", name="app.v2"), (VAULT,)),
        (google(), (GOOGLE,)),
        (azure(), (AZURE,)),
        (azure("https://ACME-kv.vault.azure.net:443/", version=""), (AZURE,)),
        (AgeKey("age1xyz", "…"), ()),
    ],
)
def test_a_key_of_a_configured_store_is_allowed(key: MasterKey, stores: tuple[Store, ...]) -> None:
    """By the login of that store, however the document writes the same thing."""
    assert allowed(key) == stores


@pytest.mark.parametrize(
    ("key", "name"),
    [(aws(), "AWS"), (vault(), "Vault"), (google(), "Google"), (azure(), "Azure")],
)
def test_a_key_of_a_family_without_a_store_is_refused(key: MasterKey, name: str) -> None:
    """The pod has no identity there."""
    others = tuple(store for store in ALL.stores if store.family != allowed(key)[0].family)

    reason, why = refused(key, Logins(others, age=True))

    assert reason is Reason.POLICY_DENIED
    assert f"no {name} store" in why


def test_without_a_mounted_identity_age_is_refused() -> None:
    """And the text says which field mounts one."""
    assert "sops.age-key-secret" in refused(AgeKey("age1xyz", "…"), Logins(ALL.stores))[1]


def test_a_kind_that_is_not_supported_is_refused() -> None:
    """PGP and Huawei Cloud."""
    assert "pgp" in refused(UnsupportedKey("pgp", "ABCD"))[1]


def test_two_stores_with_one_login_count_once() -> None:
    """As the two services of AWS have; another login of the family is another try."""
    twin = Store("aws-ssm", "aws-ssm", AWS.settings)
    other = Store("ours", "aws-ssm", {"region": "eu-west-1"})

    assert allowed(aws(), Logins((AWS, twin, other))) == (AWS, other)


def test_two_stores_of_one_server_are_both_asked() -> None:
    """They differ in role or namespace, and the document does not say which it is."""
    team = replace(VAULT, name="team", settings={**VAULT.settings, "namespace": "team"})
    foreign = Store("far", "vault", {"address": "https://vault.far.io:8200"})

    assert allowed(vault(), Logins((VAULT, foreign, team))) == (VAULT, team)


def test_a_store_of_another_azure_cloud_has_its_own_vaults() -> None:
    """Each cloud its suffix."""
    china = Store("azure-keyvault", "azure-keyvault", {"cloud": "china"})

    assert allowed(azure("https://acme-kv.vault.azure.cn"), Logins((china,))) == (china,)
    assert refused(azure(), Logins((china,)))[0] is Reason.POLICY_DENIED


def test_a_role_is_looked_for_in_every_store() -> None:
    """The store whose chain has it is the one that decrypts."""
    plain = Store("aws-ssm", "aws-ssm", {"region": "eu-west-1"})

    assert allowed(aws(role=SOPS), Logins((plain, AWS))) == (AWS,)


def test_a_store_that_does_not_say_its_partition_is_asked() -> None:
    """Under Pod Identity it has neither role nor region, and credentials of one partition only."""
    agent = Store("aws-ssm", "aws-ssm", {})

    assert allowed(aws(), Logins((agent,))) == (agent,)


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        (aws(), f"arn:aws:kms:*:{ACCOUNT}:key/*"),
        (vault("https://Vault.acme.io:8200/"), "https://vault.acme.io:8200/v1/transit/keys/*"),
        (azure("https://ACME-KV.vault.azure.net/"), "https://acme-kv.vault.azure.net/keys/sops/*"),
        (google(), "projects/shop-*/locations/*/keyRings/prod/cryptoKeys/sops"),
        (AgeKey("age1xyz", "…"), "age1xyz"),
    ],
)
def test_a_pattern_allows_what_it_fits(key: MasterKey, pattern: str) -> None:
    """It is compared with one form of each key; any of several will do."""
    assert judge(key, replace(ALL, patterns=("nothing", pattern))).allowed

    reason, why = refused(key, replace(ALL, patterns=("nothing",)))
    assert reason is Reason.POLICY_DENIED
    assert "none of the allowed keys: nothing" in why


@pytest.mark.parametrize(
    "key",
    [vault("https://vault.evil.io"), aws(role="x"), azure("https://a-b.evil.io"), google("x")],
)
def test_a_pattern_never_widens(key: MasterKey) -> None:
    """Not even one that allows everything."""
    assert not judge(key, replace(ALL, patterns=("**",))).allowed


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        (
            vault("https://vault.acme.io"),
            (
                "https://vault.acme.io/v1/transit/keys/app",
                "https://vault.acme.io:443/v1/transit/keys/app",
            ),
        ),
        (vault("http://[::1]:8200/"), ("http://[::1]:8200/v1/transit/keys/app",)),
    ],
)
def test_a_default_port_may_be_written_or_not(key: MasterKey, shown: tuple[str, ...]) -> None:
    """In the document and in the pattern."""
    assert spellings(key) == shown


def test_a_version_of_azures_may_be_left_out() -> None:
    """By who allows every version of a key; one that is written allows itself."""
    key = azure("https://ACME-KV.vault.azure.net/")
    shown = spellings(key)

    assert shown[0] == "https://acme-kv.vault.azure.net/keys/sops"
    assert shown[1:] == (f"{shown[0]}/{key.version}",)


def test_a_long_or_odd_name_is_cut_in_the_text() -> None:
    """What the document says stands in a message: short, and without control characters."""
    _, why = refused(vault("https://evil.io\x1b[31m" + "x" * 5000))

    assert len(why) < 400
    assert why.isprintable()
