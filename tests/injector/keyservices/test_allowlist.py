"""The allow-list: which login may decrypt with a key that a document names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import Reason
from injector.contract.stores import Hop, Store
from injector.keyservices.allowlist import Logins, canonical, judge
from injector.sops.master_keys import (
    AgeKey,
    AzureKey,
    GcpKmsKey,
    KmsKey,
    UnsupportedKey,
    VaultKey,
)

if TYPE_CHECKING:
    from injector.sops.master_keys import MasterKey

ACCOUNT = "111122223333"
ARN = f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
WEB, SOPS = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("web", "sops"))
RESOURCE = "projects/shop-prod/locations/europe-west1/keyRings/prod/cryptoKeys/sops"
VERSION = "0123456789abcdef0123456789abcdef"

AWS = Store(
    "aws-secretsmanager",
    "aws-secretsmanager",
    {"region": "eu-west-1", "role-arn": WEB, "assume-role": (Hop(SOPS),)},
)
VAULT = Store("vault", "vault", {"address": "https://vault.acme.io:8200", "role": "web"})
GOOGLE = Store("gcp-secretmanager", "gcp-secretmanager", {"project": "shop-prod"})
AZURE = Store("azure-keyvault", "azure-keyvault", {"tenant-id": "acme.io"})
ALL = Logins((AWS, VAULT, GOOGLE, AZURE), age=True)


def aws(arn: str = ARN, role: str = "") -> KmsKey:
    """A key of AWS KMS."""
    return KmsKey(arn, role, (), "AQID")


def vault(
    address: str = "https://vault.acme.io:8200", engine: str = "transit", name: str = "app"
) -> VaultKey:
    """A key of transit."""
    return VaultKey(address, engine, name, "vault:v1:AQID")


def azure(
    url: str = "https://acme-kv.vault.azure.net", name: str = "sops", version: str = VERSION
) -> AzureKey:
    """A key of Key Vault."""
    return AzureKey(url, name, version, "AQID")


def google(resource: str = RESOURCE) -> GcpKmsKey:
    """A key of Cloud KMS."""
    return GcpKmsKey(resource, "AQID")


def allowed(key: MasterKey, logins: Logins = ALL) -> tuple[Store, ...]:
    """Judge a key that must be allowed."""
    verdict = judge(key, logins)
    assert verdict.allowed, verdict.why_not
    return verdict.stores


def refused(key: MasterKey, logins: Logins = ALL) -> tuple[Reason, str]:
    """Judge a key that must be refused."""
    verdict = judge(key, logins)
    assert verdict.reason is not None
    assert verdict.stores == ()
    assert verdict.why_not
    return verdict.reason, verdict.why_not


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


def test_a_store_of_another_azure_cloud_has_its_own_vaults() -> None:
    """Each cloud its suffix."""
    china = Store("azure-keyvault", "azure-keyvault", {"cloud": "china"})

    assert allowed(azure("https://acme-kv.vault.azure.cn"), Logins((china,))) == (china,)
    assert refused(azure(), Logins((china,)))[0] is Reason.POLICY_DENIED


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


def test_a_role_is_looked_for_in_every_store() -> None:
    """The store whose chain has it is the one that decrypts."""
    plain = Store("aws-ssm", "aws-ssm", {"region": "eu-west-1"})

    assert allowed(aws(role=SOPS), Logins((plain, AWS))) == (AWS,)


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


def test_a_store_that_does_not_say_its_partition_is_asked() -> None:
    """Under Pod Identity it has neither role nor region, and credentials of one partition only."""
    agent = Store("aws-ssm", "aws-ssm", {})

    assert allowed(aws(), Logins((agent,))) == (agent,)


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
    assert not judge(key, replace(ALL, patterns=("*",))).allowed


def test_the_default_port_is_written_out() -> None:
    """So that a pattern need not know whether the document has it."""
    shown = canonical(vault("https://vault.acme.io"))

    assert shown == "https://vault.acme.io:443/v1/transit/keys/app"
    assert canonical(vault("http://[::1]/")) == "http://[::1]:80/v1/transit/keys/app"


def test_a_long_or_odd_name_is_cut_in_the_text() -> None:
    """What the document says stands in a message: short, and without control characters."""
    _, why = refused(vault("https://evil.io\x1b[31m" + "x" * 5000))

    assert len(why) < 400
    assert why.isprintable()
