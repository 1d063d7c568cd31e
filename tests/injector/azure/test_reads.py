"""Azure Key Vault as a pod reads it: secrets, versions, certificates, the life of a login."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from injector.azure.certificates import mapping
from injector.contract.reasons import ExitCode
from injector.providers import PROVIDERS
from injector.providers.interface import Read
from tests.injector.azure.pod import AzurePod
from tests.injector.cycle.pod import file, machine, variable
from worlds import faults
from worlds.azure import AzureWorld
from worlds.azure.issuing import PEM, PKCS12, issue
from worlds.egress import Egress

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.azure import Vault
    from worlds.azure.issuing import ContentType

SECRET = file("azure-keyvault:acme-kv/secrets/db-password", "pw")


def test_a_secret_is_read_with_the_pods_own_identity(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """One login, one read, by the cloud's own names and to nowhere else."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)

    assert (pod.init().exit_code, pod.read("pw")) == (0, "s3cret")
    assert [(it.action, it.outcome) for it in azure.journal.entries] == [
        ("Token", "ok"),
        ("GetSecret", "ok"),
    ]
    assert set(egress.targets) == {
        "login.microsoftonline.com:443",
        f"{vault.name}.vault.azure.net:443",
    }


@pytest.mark.parametrize("cloud", ["china", "us-government"])
def test_each_cloud_has_its_own_hosts_and_scope(tmp_path: Path, cloud: str) -> None:
    """A token of one cloud is of no use in another."""
    with AzureWorld(cloud) as azure, Egress(azure.routes) as egress:
        client, vault = azure.workload("web", "shop", "web"), azure.vault("acme-kv")
        vault.grant(client, "secrets/get")
        azure.put_secret(vault, "db-password", "s3cret")
        pod = AzurePod(azure, egress, tmp_path, SECRET, cloud=cloud)

        assert (pod.init().exit_code, pod.read("pw")) == (0, "s3cret")


def test_a_new_version_is_followed_and_an_old_one_can_be_pinned(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """The version is the last segment of the name that Key Vault answers with."""
    old = vault.secrets.get("db-password")[1]
    pinned = file(f"azure-keyvault:acme-kv/secrets/db-password?version={old.id}", "old")
    pod = AzurePod(azure, egress, tmp_path, SECRET, pinned)
    assert pod.init().exit_code == 0
    azure.put_secret(vault, "db-password", "fresh")
    pod.work_after(900)

    assert (pod.read("pw"), pod.read("old")) == ("fresh", "s3cret")


def test_one_login_serves_init_and_sidecar_until_it_ends(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """And vaults of one cloud share it; a new one comes before the old one ends."""
    other = azure.vault("other-kv")
    other.grant(azure.tenant().identity("web"), "secrets/get")
    azure.put_secret(other, "key", "k")
    pod = AzurePod(azure, egress, tmp_path, SECRET, file("azure-keyvault:other-kv/secrets/key"))
    assert (pod.init().exit_code, vault.name) == (0, "acme-kv")
    pod.work_after(900)
    assert azure.journal.count("Token") == 1
    pod.rotate_token()
    pod.work_after(2700)

    assert azure.journal.count("Token") == 2
    assert azure.journal.count("GetSecret", outcome="Unauthorized") == 0


def test_a_token_that_was_withdrawn_is_replaced(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """Once; the read is done with the new one."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    assert pod.init().exit_code == 0
    azure.expire_tokens()
    azure.put_secret(vault, "db-password", "fresh")
    pod.work_after(900)

    assert (pod.read("pw"), azure.journal.count("Token")) == ("fresh", 2)


def test_names_are_the_same_in_any_case(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """As Key Vault compares them; a host name has none."""
    pod = AzurePod(azure, egress, tmp_path, file("azure-keyvault:ACME-kv/secrets/DB-Password", "p"))

    assert (pod.init().exit_code, pod.read("p")) == (0, vault.secrets.get("db-password")[1].value)


def test_a_value_outside_of_its_time_is_given_with_a_warning(
    azure: AzureWorld,
    egress: Egress,
    vault: Vault,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Key Vault gives it, so that an application goes on; people are told."""
    azure.put_secret(vault, "old", "o", exp=azure.clock.now() - 60)
    azure.put_secret(vault, "new", "n", nbf=azure.clock.now() + 3600)
    secrets = [file(f"azure-keyvault:acme-kv/secrets/{name}", name) for name in ("old", "new")]
    pod = AzurePod(azure, egress, tmp_path, *secrets)

    assert pod.init("warning").exit_code == 0
    said = "".join(capfd.readouterr())
    assert "`acme-kv/secrets/old` has expired in Key Vault" in said
    assert "`acme-kv/secrets/new` is not yet valid in Key Vault" in said


@pytest.mark.parametrize("content_type", [PKCS12, PEM])
def test_a_certificate_comes_with_its_key_and_its_chain_in_order(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, content_type: ContentType
) -> None:
    """From PKCS#12 and from PEM, whatever the order there; as a server wants its files."""
    issued = azure.put_certificate(vault, "web", content_type).issued
    secret = replace(file("azure-keyvault:acme-kv/certificates/web", "tls"), kind="dir")
    pod = AzurePod(azure, egress, tmp_path, secret)

    assert pod.init().exit_code == 0
    chain = x509.load_pem_x509_certificates(pod.read("tls/tls.crt").encode())
    above = x509.load_pem_x509_certificates(pod.read("tls/ca.crt").encode())
    key = serialization.load_pem_private_key(pod.read("tls/tls.key").encode(), None)
    assert chain == [issued.leaf, *issued.above]
    assert above == list(issued.above)
    assert key.public_key() == issued.key.public_key()


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_certificate_is_the_one_that_fits_the_key_wherever_it_stands(
    order: tuple[int, ...],
) -> None:
    """Imported PEM has its own order, and may hold what belongs to nothing."""
    issued, strange = issue("web"), issue("strange")
    given = (issued.leaf, *issued.above)
    texts = [
        it.public_bytes(serialization.Encoding.PEM).decode()
        for it in (strange.leaf, *(given[place] for place in order))
    ]
    made = json.loads(mapping("".join(texts) + issued.key_pem, PEM).reveal())

    assert x509.load_pem_x509_certificates(made["tls.crt"].encode()) == list(given)


def test_a_version_that_is_known_is_told_as_unchanged(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """Nothing is rendered again, nor is an application told."""
    version = vault.secrets.get("db-password")[1].id
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    reference = SECRET.sources[0].reference
    with machine(pod.time) as here:
        sessions = here.open_sessions(pod.settings, here)
        asked = [Read(reference, known_version=version), Read(reference)]
        known, fresh = (
            PROVIDERS["azure-keyvault"].fetch([read], pod.plan.stores[0], sessions)[0]
            for read in asked
        )

    assert (known.unchanged, known.material, known.version) == (True, None, version)
    assert (fresh.unchanged, fresh.material is None, fresh.version) == (False, False, version)


def test_parts_of_a_certificate_are_one_read_and_move_together(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """A key never stands beside the certificate of another."""
    azure.put_certificate(vault, "web")
    parts = [
        file(f"azure-keyvault:acme-kv/certificates/web#{name}", name)
        for name in ("tls.key", "tls.crt")
    ]
    pod = AzurePod(azure, egress, tmp_path, *parts)
    assert (pod.init().exit_code, azure.journal.count("GetSecret")) == (0, 1)
    issued = azure.put_certificate(vault, "web", PEM).issued
    pod.work_after(900)

    (leaf, *_) = x509.load_pem_x509_certificates(pod.read("tls.crt").encode())
    key = serialization.load_pem_private_key(pod.read("tls.key").encode(), None)
    assert leaf == issued.leaf
    assert key.public_key() == issued.leaf.public_key()


def test_the_secret_of_a_certificate_is_given_as_it_is_stored(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """For those who want the PKCS#12 archive itself: `decode: base64` gives its bytes."""
    azure.put_certificate(vault, "web")
    secret = file("azure-keyvault:acme-kv/secrets/web", "web.pfx", decode="base64")
    pod = AzurePod(azure, egress, tmp_path, secret)

    assert pod.init().exit_code == 0
    assert (pod.volume() / "web.pfx").read_bytes()[:1] == b"\x30"


@pytest.mark.parametrize("content_type", [PKCS12, PEM])
def test_a_certificate_whose_key_stays_in_the_vault_is_named(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, content_type: ContentType
) -> None:
    """Its policy says so; no file is half there."""
    azure.put_certificate(vault, "web", content_type, exportable=False)
    pod = AzurePod(azure, egress, tmp_path, file("azure-keyvault:acme-kv/certificates/web", "web"))

    outcome = pod.init()

    assert outcome.exit_code == ExitCode.RENDER
    assert "its key cannot be exported" in outcome.message
    assert pod.names == []


@pytest.mark.parametrize(
    ("value", "content_type", "said"),
    [
        ("plain", "", "neither PKCS#12 nor PEM"),
        ("bm8gYXJjaGl2ZQ==", PKCS12, "its secret cannot be read"),
        ("%%%", PKCS12, "its secret cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", PEM, "cannot be read"),
    ],
)
def test_what_is_no_certificate_is_refused_without_a_byte_of_it(  # noqa: PLR0913, PLR0917 - fixtures and a table
    azure: AzureWorld,
    egress: Egress,
    vault: Vault,
    tmp_path: Path,
    value: str,
    content_type: str,
    said: str,
) -> None:
    """A secret that somebody put by hand, or an archive that is damaged."""
    azure.put_secret(vault, "odd", value, content_type)
    pod = AzurePod(azure, egress, tmp_path, file("azure-keyvault:acme-kv/certificates/odd", "odd"))

    outcome = pod.init()

    assert outcome.exit_code == ExitCode.RENDER
    assert said in outcome.message
    assert value not in outcome.message


def test_a_throttled_read_waits_as_it_is_told(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """`Retry-After` in seconds."""
    azure.faults.add(faults.status(429, retry_after=7), on="keyvault.GetSecret", times=1)
    pod = AzurePod(azure, egress, tmp_path, SECRET)

    assert (pod.init().exit_code, vault.name) == (0, "acme-kv")
    assert any(seconds >= 7 for seconds in pod.time.slept)


@pytest.mark.parametrize(
    "fault",
    [
        faults.truncated(),
        faults.reset(),
        faults.status(503),
        faults.status(200, body=b"{}"),
        faults.status(200, body=b'{"value": 7, "id": "x"}'),
        faults.status(200, body=b'{"value": "v", "id": "https://h/secrets/n/short"}'),
        faults.huge(2_000_000),
        faults.not_utf8(),
    ],
    ids=lambda fault: fault.name,
)
@pytest.mark.parametrize("service", ["login", "keyvault"])
def test_a_damaged_reply_is_tried_again(  # noqa: PLR0913, PLR0917 - fixtures and a table
    azure: AzureWorld,
    egress: Egress,
    vault: Vault,
    tmp_path: Path,
    fault: faults.Fault,
    service: str,
) -> None:
    """And never becomes an empty secret or a session."""
    azure.faults.add(fault, on=service, times=1)
    pod = AzurePod(azure, egress, tmp_path, SECRET)

    assert (pod.init().exit_code, pod.read("pw"), vault.name) == (0, "s3cret", "acme-kv")


def test_an_outage_leaves_the_files_and_ends_by_itself(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """Stale but available."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    assert pod.init().exit_code == 0
    azure.go_down()
    azure.put_secret(vault, "db-password", "fresh")
    for _ in range(3):
        pod.work_after(900)
    assert pod.read("pw") == "s3cret"
    azure.come_back()
    pod.rotate_token()
    pod.work_after(900)

    assert pod.read("pw") == "fresh"


def test_a_value_becomes_a_variable(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """Like every other provider's."""
    azure.put_secret(vault, "json", '{"user": "u", "password": "p"}')
    pod = AzurePod(
        azure, egress, tmp_path, variable("azure-keyvault:acme-kv/secrets/json", "PASS", "password")
    )

    assert pod.init().exit_code == 0
    assert pod.read("env/app.env", "syrette-env") == "PASS='p'\n"
