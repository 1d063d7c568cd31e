"""Reads of the real OpenBao, by the pod's own token."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract.reasons import ExitCode
from tests.injector.cycle.pod import file, item
from tests.injector.vault.pod import VaultPod

if TYPE_CHECKING:
    from pathlib import Path

    from tests.openbao import Cluster
    from worlds.openbao import Namespace

DB = {"username": "shop", "password": "s3cret"}


@pytest.fixture
def shop(vault: Namespace) -> Namespace:
    """A namespace with a KV v2 engine, which shop/web may read."""
    vault.kv("secret")
    vault.put("secret", "prod/db", **DB)
    vault.policy("shop", {"secret/data/prod/*": ["read"], "secret/metadata/prod/*": ["read"]})
    vault.kubernetes_role("web", "shop")
    vault.jwt_role("web", "shop")
    return vault


def reads(vault: Namespace, prefix: str) -> list[str]:
    """The paths that pods have read below a prefix, in order."""
    calls = vault.audit.calls(prefix, operation="read")
    return [entry.path for entry in calls if "default" in entry.policies]


@pytest.mark.parametrize("auth", ["kubernetes", "jwt"])
def test_a_secret_is_read_with_the_pods_own_token(
    shop: Namespace, cluster: Cluster, tmp_path: Path, auth: str
) -> None:
    """One login and one read, and the file has the mapping."""
    pod = VaultPod(shop, cluster, tmp_path, file("vault:secret/prod/db", "db.json"), auth=auth)

    assert pod.init().exit_code == 0
    assert json.loads(pod.read("db.json")) == DB
    assert len(shop.audit.logins(auth)) == 1
    assert reads(shop, "secret/") == ["secret/data/prod/db"]


def test_secrets_of_one_store_are_one_login(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """However many there are, the engine is asked for once."""
    for number in range(20):
        shop.put("secret", f"prod/{number}", value=f"value-{number}")
    secrets = [file(f"vault:secret/prod/{n}#value", f"{n}") for n in range(20)]
    pod = VaultPod(shop, cluster, tmp_path, *secrets)

    assert pod.init().exit_code == 0
    assert [pod.read(str(n)) for n in range(20)] == [f"value-{n}" for n in range(20)]
    assert len(shop.audit.logins()) == 1
    assert len(reads(shop, "sys/internal/ui/mounts/")) == 1


def test_an_unchanged_secret_is_not_read_again(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Its metadata says that it is; a new version is read."""
    pod = VaultPod(shop, cluster, tmp_path, file("vault:secret/prod/db#password", "pw"))
    pod.init()
    for _ in range(3):
        pod.work_after(900)
    assert reads(shop, "secret/data/") == ["secret/data/prod/db"]
    assert len(reads(shop, "secret/metadata/")) == 3

    shop.put("secret", "prod/db", password="other")
    pod.work_after(900)

    assert pod.read("pw") == "other"
    assert len(reads(shop, "secret/data/")) == 2


def test_metadata_that_a_policy_does_not_permit_is_asked_for_once(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """The least privilege does without it, and is no line in the audit log of each cycle."""
    shop.policy("shop", {"secret/data/prod/*": ["read"]})
    pod = VaultPod(shop, cluster, tmp_path, file("vault:secret/prod/db#password", "pw"))
    pod.init()
    for _ in range(3):
        pod.work_after(900)

    assert [entry.ok for entry in shop.audit.calls("secret/metadata/")] == [False]
    assert len(reads(shop, "secret/data/")) == 4


def test_a_pinned_version_stays(shop: Namespace, cluster: Cluster, tmp_path: Path) -> None:
    """Whatever comes after it."""
    shop.put("secret", "prod/db", password="second")
    pod = VaultPod(shop, cluster, tmp_path, file("vault:secret/prod/db?version=1#password", "pw"))

    assert pod.init().exit_code == 0
    pod.work_after(900)
    assert pod.read("pw") == "s3cret"
    assert len(reads(shop, "secret/data/")) == 1


@pytest.mark.parametrize(
    ("undo", "said"),
    [("delete_version", "this version was deleted"), ("destroy_version", "was destroyed")],
)
def test_a_version_that_is_gone_is_told_apart(
    shop: Namespace, cluster: Cluster, tmp_path: Path, undo: str, said: str
) -> None:
    """Deleted or destroyed; what is published stays."""
    pod = VaultPod(shop, cluster, tmp_path, file("vault:secret/prod/db#password", "pw"))
    pod.init()
    getattr(shop, undo)("secret", "prod/db", 1)
    pod.work_after(900)

    assert pod.read("pw") == "s3cret"
    outcome = VaultPod(shop, cluster, tmp_path / "new", *pod.plan.secrets).init()
    assert outcome.exit_code == 13
    assert said in outcome.message


def test_kv_v1_is_told_from_v2(shop: Namespace, cluster: Cluster, tmp_path: Path) -> None:
    """By asking Vault; the API path of v2 has `data/` in it, that of v1 has not."""
    shop.kv("old", 1)
    shop.put("old", "prod/db", password="first")
    shop.policy("shop", {"old/prod/*": ["read"]})
    pod = VaultPod(shop, cluster, tmp_path, file("vault:old/prod/db#password", "pw"))

    assert pod.init().exit_code == 0
    shop.put("old", "prod/db", password="second")
    pod.work_after(900)
    assert pod.read("pw") == "second"
    assert reads(shop, "old/") == ["old/prod/db", "old/prod/db"]


@pytest.mark.parametrize("path", ["old/app", "cubbyhole/app"])
def test_a_version_of_what_keeps_none_is_refused(
    shop: Namespace, cluster: Cluster, tmp_path: Path, path: str
) -> None:
    """The newest value in its place would be another one than was asked for."""
    shop.kv("old", version=1)
    shop.put("old", "app", password="newest")
    shop.policy("shop", {"old/app": ["read"]})
    pod = VaultPod(shop, cluster, tmp_path, file(f"vault:{path}?version=3", "pw"))

    outcome = pod.init()

    assert outcome.exit_code == ExitCode.CONFIGURATION
    assert "has no version 3 of anything" in outcome.message
    assert pod.names == []


def test_a_version_of_kv_that_is_given_is_not_asked_for(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """By the option of the reference; an engine with a slash in its name by another."""
    shop.kv("team/shop")
    shop.put("team/shop", "db", password="s3cret")
    shop.policy("shop", {"team/shop/data/*": ["read"]})
    pod = VaultPod(
        shop, cluster, tmp_path, file("vault:team/shop/db?engine=team/shop&kv=2#password", "pw")
    )

    assert pod.init().exit_code == 0
    assert pod.read("pw") == "s3cret"
    assert shop.audit.calls("sys/internal/") == ()


def test_an_engine_with_a_slash_is_found(shop: Namespace, cluster: Cluster, tmp_path: Path) -> None:
    """Vault knows where it ends."""
    shop.kv("team/shop")
    shop.put("team/shop", "db", password="s3cret")
    shop.policy("shop", {"team/shop/data/*": ["read"]})
    pod = VaultPod(shop, cluster, tmp_path, file("vault:team/shop/db#password", "pw"))

    assert pod.init().exit_code == 0
    assert pod.read("pw") == "s3cret"


@pytest.mark.parametrize("name", ["a b", "ä/ö", "p%25ct", "a%3Fb", "semi;colon", "plus+sign"])
def test_any_character_may_be_in_a_path(
    shop: Namespace, cluster: Cluster, tmp_path: Path, name: str
) -> None:
    """It reaches Vault as it is."""
    from urllib.parse import quote, unquote  # noqa: PLC0415 - for this test alone

    shop.put("secret", quote(f"prod/{unquote(name)}"), value="found")
    pod = VaultPod(shop, cluster, tmp_path, file(f"vault:secret/prod/{name}#value", "it"))

    assert pod.init().exit_code == 0
    assert pod.read("it") == "found"


def test_a_write_gives_what_its_body_asks_for(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Transit decrypts; the plaintext is base64."""
    shop.transit("transit", "app")
    cipher = shop.encrypt("transit", "app", "czNjcmV0")
    shop.policy("shop", {"transit/decrypt/app": ["update"]})
    secret = file(f"vault:transit/decrypt/app?data.ciphertext={cipher}#plaintext", "plain")
    pod = VaultPod(shop, cluster, tmp_path, secret)

    assert pod.init().exit_code == 0
    assert pod.read("plain") == "czNjcmV0"


ISSUE = "vault:pki/issue/web?data.common_name=web.shop.svc&ttl=30m"


def test_a_certificate_is_one_publication_and_replaced_at_two_thirds_of_its_life(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """Key and certificate come of one request; `refresh` does not count."""
    shop.pki()
    shop.policy("shop", {"pki/issue/web": ["update"]})
    pod = VaultPod(
        shop,
        cluster,
        tmp_path,
        file(f"{ISSUE}#private_key", "tls.key"),
        file(f"{ISSUE}#certificate", "tls.crt"),
        item("chain.pem", "{{ tls.certificate }}\n{{ tls.issuing_ca }}\n", tls=ISSUE),
    )

    def issued() -> int:
        return len(shop.audit.calls("pki/issue/web"))

    assert pod.init().exit_code == 0
    first = pod.read("tls.crt")
    assert issued() == 1
    assert pod.read("chain.pem").startswith(first)
    report = pod.work_after(900)
    assert issued() == 1
    assert 30 * 60 * 0.5 - 900 <= report["next"] <= 30 * 60 * 2 / 3 - 900
    pod.work_after(report["next"])
    assert issued() == 2
    assert pod.read("tls.crt") != first


def test_a_certificate_becomes_a_directory_with_its_chain(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """One file a field, and the chain is PEM, as servers want it."""
    shop.pki()
    shop.policy("shop", {"pki/issue/web": ["update"]})
    whole = replace(file(ISSUE, "tls"), kind="dir")
    pod = VaultPod(shop, cluster, tmp_path, whole, file(f"{ISSUE}#ca_chain", "chain.pem"))

    assert pod.init().exit_code == 0
    assert pod.read("tls/private_key").startswith("-----BEGIN EC PRIVATE KEY-----\n")
    assert pod.read("tls/ca_chain") == pod.read("chain.pem") == pod.read("tls/issuing_ca") + "\n"


def test_reads_and_logins_may_be_in_two_namespaces(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """The login in the outer one, the secret in the inner one."""
    inner = shop.namespace("team")
    inner.kv("secret")
    inner.put("secret", "db", password="s3cret")
    shop.policy("shop", {"team/secret/data/*": ["read"]})
    pod = VaultPod(
        shop,
        cluster,
        tmp_path,
        file("vault:secret/db#password", "pw"),
        namespace=inner.path,
        auth_namespace=shop.path,
    )

    assert pod.init().exit_code == 0
    assert pod.read("pw") == "s3cret"
    assert (len(shop.audit.logins()), len(inner.audit.logins())) == (1, 0)


def test_a_path_of_the_api_is_refused_with_the_cure(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """`data/` is the API's, and whoever copies a path from there is told."""
    pod = VaultPod(shop, cluster, tmp_path, file("vault:secret/data/prod/db", "db"))

    outcome = pod.init()
    assert outcome.exit_code == 12
    assert "leave `data/` out of the path" in outcome.message


def test_an_engine_that_the_path_is_not_below_is_refused(
    shop: Namespace, cluster: Cluster, tmp_path: Path
) -> None:
    """No policy of the operator has seen what would be read."""
    pod = VaultPod(shop, cluster, tmp_path, file("vault:prod/db?engine=secret&kv=2", "db"))

    outcome = pod.init()
    assert outcome.exit_code == 10
    assert "is not below the engine" in outcome.message
    assert shop.audit.calls("secret/data/", operation="read") == ()
