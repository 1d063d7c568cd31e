"""What Azure refuses: each no has its reason, its code and what to change, and leaks nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from injector.azure.errors import PROPAGATION_SECONDS
from injector.contract.reasons import ExitCode
from injector.contract.references import Reference
from injector.providers import PROVIDERS
from injector.providers.interface import Read
from tests.injector.azure.pod import AzurePod
from tests.injector.cycle.pod import file, machine
from worlds import faults
from worlds.azure.entra import Federated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from worlds.azure.entra import Client
    from worlds.azure.keyvault import Vault
    from worlds.azure.world import AzureWorld
    from worlds.egress import Egress

SECRET = file("azure-keyvault:acme-kv/secrets/db-password", "pw")
OTHER = "99999999-0000-0000-0000-000000000000"


def _credential(**changed: str) -> Callable[[AzureWorld, Client], None]:
    def change(azure: AzureWorld, client: Client) -> None:
        given = {
            "issuer": azure.issuer.url,
            "subject": "system:serviceaccount:shop:web",
            "audience": "api://AzureADTokenExchange",
            **changed,
        }
        client.credentials[:] = [Federated(**given)]

    return change


def _disabled(_: AzureWorld, client: Client) -> None:
    client.enabled = False


LOGINS: dict[str, tuple[dict[str, Any], Callable[[AzureWorld, Client], None], str, str]] = {
    "another service account": (
        {},
        _credential(subject="system:serviceaccount:shop:worker"),
        "AADSTS700213",
        "must have the subject `system:serviceaccount:shop:web`",
    ),
    "a subject in another case": (
        {},
        _credential(subject="system:serviceaccount:shop:Web"),
        "AADSTS700213",
        "az identity federated-credential create",
    ),
    "another audience": (
        {},
        _credential(audience="acme"),
        "AADSTS700212",
        "the audience `api://AzureADTokenExchange`",
    ),
    "another issuer": (
        {},
        _credential(issuer="https://other.example"),
        "AADSTS700211",
        "the cluster's issuer",
    ),
    "another client": (
        {"client_id": OTHER},
        _credential(),
        "AADSTS700016",
        f"check `azure.client-id` ({OTHER})",
    ),
    "another tenant": ({"tenant_id": OTHER}, _credential(), "AADSTS90002", "`azure.tenant-id`"),
    "a client that is disabled": ({}, _disabled, "AADSTS7000112", "enable the client"),
}


@pytest.mark.parametrize("what", LOGINS)
def test_a_login_that_is_refused_says_what_to_change(  # noqa: PLR0913, PLR0917 - fixtures and a table
    azure: AzureWorld, egress: Egress, vault: Vault, client: Client, tmp_path: Path, what: str
) -> None:
    """With Entra's own code, and the credential that there must be."""
    settings, change, code, said = LOGINS[what]
    change(azure, client)

    outcome = AzurePod(azure, egress, tmp_path, SECRET, **settings).init()

    assert (outcome.exit_code, vault.name) == (ExitCode.IDENTITY, "acme-kv")
    assert code in outcome.message
    assert said in outcome.message
    assert azure.journal.count("GetSecret") == 0


def test_a_credential_that_was_just_made_is_waited_for(
    azure: AzureWorld, egress: Egress, vault: Vault, client: Client, tmp_path: Path
) -> None:
    """Entra does not know it everywhere at once, and says AADSTS70021 meanwhile."""
    client.spreading = 2
    pod = AzurePod(azure, egress, tmp_path, SECRET)

    assert (pod.init().exit_code, vault.name) == (0, "acme-kv")
    assert sum(seconds >= PROPAGATION_SECONDS for seconds in pod.time.slept) == 2


def test_a_token_out_of_its_time_names_the_clocks(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """It may pass: the kubelet writes another one."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    azure.advance(7200)

    outcome = pod.init()

    assert (outcome.exit_code, vault.name) == (ExitCode.IDENTITY, "acme-kv")
    assert "AADSTS700024" in outcome.message
    assert "compare the clocks" in outcome.message


def test_a_forged_token_is_refused(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """The signature is looked at, not only the claims."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    token = azure.issuer.mint("shop", "web", "api://AzureADTokenExchange")
    head, _, signature = token.rpartition(".")
    pod.project(f"{head}.{signature[:-8]}AAAAAAAA")

    outcome = pod.init()

    assert (outcome.exit_code, vault.name) == (ExitCode.IDENTITY, "acme-kv")
    assert "AADSTS700027" in outcome.message


def _policies(vault: Vault) -> None:
    vault.readers.clear()
    vault.rbac = False


def _firewall(vault: Vault) -> None:
    vault.firewall = True


def _switched_off(vault: Vault) -> None:
    vault.secrets["db-password"][0].enabled = False


def _of_another_tenant(vault: Vault) -> None:
    vault.tenant = OTHER


READS: dict[str, tuple[Callable[[Vault], object], int, str]] = {
    "no role": (lambda it: it.readers.clear(), ExitCode.DENIED, "`Key Vault Secrets User`"),
    "no access policy": (_policies, ExitCode.DENIED, "az keyvault set-policy"),
    "a role for another secret": (
        lambda it: it.readers.update({key: {"other"} for key in it.readers}),
        ExitCode.DENIED,
        "ForbiddenByRbac",
    ),
    "a firewall": (_firewall, ExitCode.DENIED, "the vault's firewall refuses"),
    "disabled": (_switched_off, ExitCode.DENIED, "is disabled"),
    "absent": (lambda it: it.secrets.clear(), ExitCode.NOT_FOUND, "there is no `db-password`"),
    "a vault of another tenant": (
        _of_another_tenant,
        ExitCode.IDENTITY,
        "az keyvault show --name acme-kv",
    ),
}


@pytest.mark.parametrize("what", READS)
def test_a_read_that_is_refused_says_what_to_change(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, what: str
) -> None:
    """A definite no comes at once, and no challenge's address is followed."""
    change, code, said = READS[what]
    change(vault)

    outcome = AzurePod(azure, egress, tmp_path, SECRET).init()

    assert outcome.exit_code == code
    assert said in outcome.message
    assert azure.journal.count("GetSecret") == 1


def test_one_secret_of_several_that_is_withdrawn_leaves_the_others_fresh(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """A later no to one keeps its content, and the others move on."""
    vault.put("other", "o")
    pod = AzurePod(azure, egress, tmp_path, SECRET, file("azure-keyvault:acme-kv/secrets/other"))
    assert pod.init().exit_code == 0
    vault.put("db-password", "fresh")
    vault.secrets["other"][0].enabled = False
    pod.work_after(900)

    assert (pod.read("pw"), pod.read("acme-kv/secrets/other")) == ("fresh", "o")


@pytest.mark.parametrize("service", ["login", "keyvault"])
def test_a_redirect_is_not_followed_with_a_token(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, service: str
) -> None:
    """Neither with the pod's own nor with Azure's."""
    azure.faults.add(faults.redirect("https://attacker.example/"), on=service)

    outcome = AzurePod(azure, egress, tmp_path, SECRET).init()

    assert (outcome.exit_code != 0, vault.name) == (True, "acme-kv")
    assert "redirect" in outcome.message
    assert egress.refused == ()


@pytest.mark.parametrize(
    "path",
    [
        "attacker.example/secrets/x",
        "attacker.example#/secrets/x",
        "acme-kv.attacker.example/secrets/x",
        "acme-kv@attacker/secrets/x",
        "acme-kv:443/secrets/x",
        "acme-kv\\.attacker/secrets/x",
        "../secrets/x",
        "acme-kv/secrets/../../keys",
        "acme-kv/keys/x",
        "acme-kv/secrets/x?api-version=1",
        "acme-kv/secrets/x/0123",
        "a--b/secrets/x",
        "-ab/secrets/x",
        "acme\uff0ekv/secrets/x",
    ],
)
def test_a_hostile_path_leaves_neither_the_table_of_hosts_nor_the_secrets(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, path: str
) -> None:
    """Whatever a plan holds: the injector checks again what admission has checked."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    with machine(pod.time) as here:
        sessions = here.open_sessions(pod.settings, here)
        read = Read(Reference("azure-keyvault", path))
        (found,) = PROVIDERS["azure-keyvault"].fetch([read], pod.plan.stores[0], sessions)

    assert (found.error is not None, vault.name) == (True, "acme-kv")
    assert {it.host for it in egress.asked} <= {"login.microsoftonline.com"}
    assert azure.journal.count("GetSecret") == 0


def test_nothing_secret_is_in_a_message_or_a_log(
    azure: AzureWorld,
    egress: Egress,
    vault: Vault,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither tokens nor values nor what a backend writes about them."""
    vault.put("db-password", "canary-of-the-vault")
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    assert pod.init("debug").exit_code == 0
    vault.readers.clear()
    vault.put("db-password", "canary-of-the-vault-2")
    token = azure.issuer.mint("shop", "web", "api://AzureADTokenExchange")
    pod.project(token)
    pod.work_after(900)

    said = "".join((*capfd.readouterr(), str(pod.status)))
    for canary in ("canary-of", token[:40], token[-40:]):
        assert canary not in said


WORDS = "Canary words, canary-of-the-body"
BODIES: dict[str, dict[str, Any]] = {
    "login": {
        "error": WORDS,
        "error_description": WORDS,
        "error_codes": [WORDS],
        "trace_id": WORDS,
        "correlation_id": WORDS,
    },
    "keyvault": {"error": {"code": WORDS, "message": WORDS, "innererror": {"code": WORDS}}},
}


@pytest.mark.parametrize("service", BODIES)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_no_word_of_a_reply_is_passed_on(  # noqa: PLR0913, PLR0917 - fixtures and two tables
    azure: AzureWorld,
    egress: Egress,
    vault: Vault,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    service: str,
    status: int,
) -> None:
    """Not even where a plain code or an id is looked for: it may quote what was sent."""
    body = json.dumps(BODIES[service]).encode()
    azure.faults.add(faults.status(status, body=body), on=service)

    outcome = AzurePod(azure, egress, tmp_path, SECRET).init("debug")

    assert (outcome.exit_code != 0, vault.name) == (True, "acme-kv")
    said = "".join((*capfd.readouterr(), outcome.message))
    assert f"HTTP {status}" in said
    assert "anary" not in said
