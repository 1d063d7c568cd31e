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
from worlds.tokens import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from worlds.azure import AzureWorld, Identity, Vault
    from worlds.egress import Egress

SECRET = file("azure-keyvault:acme-kv/secrets/db-password", "pw")
OTHER = "99999999-0000-0000-0000-000000000000"


def _credential(
    issuer: str = "",
    subject: str = "system:serviceaccount:shop:web",
    audience: str = "api://AzureADTokenExchange",
) -> Callable[[AzureWorld, Identity], None]:
    def change(azure: AzureWorld, client: Identity) -> None:
        client.credentials.clear()
        client.federate(Issuer(issuer) if issuer else azure.issuer, subject, audience)

    return change


def _no_credential(_: AzureWorld, client: Identity) -> None:
    client.credentials.clear()


def _unreachable(azure: AzureWorld, _: Identity) -> None:
    azure.issuer.reachable = False


def _disabled(_: AzureWorld, client: Identity) -> None:
    client.enabled = False


LOGINS: dict[str, tuple[dict[str, Any], Callable[[AzureWorld, Identity], None], str, str]] = {
    "no credential at all": (
        {},
        _no_credential,
        "AADSTS70025",
        "az identity federated-credential create",
    ),
    "another service account": (
        {},
        _credential(subject="system:serviceaccount:shop:worker"),
        "AADSTS700213",
        "must have the subject `system:serviceaccount:shop:web`",
    ),
    "a subject in another case": (
        {},
        _credential(subject="system:serviceaccount:shop:Web"),
        "AADSTS7002138",
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
    "an issuer that Entra cannot reach": (
        {},
        _unreachable,
        "AADSTS50166",
        "must be reachable from the internet",
    ),
    "a client that is disabled": ({}, _disabled, "AADSTS7000112", "enable the client"),
}


@pytest.mark.parametrize("what", LOGINS)
def test_a_login_that_is_refused_says_what_to_change(  # noqa: PLR0913, PLR0917 - fixtures and a table
    azure: AzureWorld, egress: Egress, vault: Vault, client: Identity, tmp_path: Path, what: str
) -> None:
    """With Entra's own code, and the credential that there must be."""
    settings, change, code, said = LOGINS[what]
    change(azure, client)

    outcome = AzurePod(azure, egress, tmp_path, SECRET, **settings).init()

    assert (outcome.exit_code, vault.name) == (ExitCode.IDENTITY, "acme-kv")
    assert code in outcome.message
    assert said in outcome.message
    assert {it.outcome for it in azure.journal.calls("Token")} == {code}
    assert azure.journal.count("GetSecret") == 0


def test_a_credential_that_was_just_made_is_waited_for(
    azure: AzureWorld, egress: Egress, vault: Vault, client: Identity, tmp_path: Path
) -> None:
    """Entra does not know it everywhere at once, and says AADSTS70021 meanwhile."""
    client.credentials[0].unseen = 2
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
    assert azure.journal.calls("Token")[-1].outcome == "AADSTS700027"


def test_a_token_of_another_key_names_what_the_issuer_publishes(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """As after a change of the cluster's keys that the published ones do not follow."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    pod.project(Issuer(azure.issuer.url).mint("shop", "web", "api://AzureADTokenExchange"))

    outcome = pod.init()

    assert (outcome.exit_code, vault.name) == (ExitCode.IDENTITY, "acme-kv")
    assert "AADSTS7000272" in outcome.message
    assert "the issuer must publish the keys" in outcome.message


def _no_role(azure: AzureWorld, vault: Vault) -> None:
    vault.revoke(azure.tenant().identity("web"))


def _no_policy(azure: AzureWorld, vault: Vault) -> None:
    _no_role(azure, vault)
    vault.model = "policy"


def _another_policy(azure: AzureWorld, vault: Vault) -> None:
    _no_policy(azure, vault)
    vault.grant(azure.tenant().identity("web"), "keys/get")


def _another_role(azure: AzureWorld, vault: Vault) -> None:
    _no_role(azure, vault)
    vault.grant(azure.tenant().identity("web"), "secrets/get", only="other")


def _firewall(_: AzureWorld, vault: Vault) -> None:
    vault.firewalled = True


def _switched_off(_: AzureWorld, vault: Vault) -> None:
    vault.secrets.get("db-password")[1].enabled = False


def _absent(azure: AzureWorld, vault: Vault) -> None:
    azure.delete_secret(vault, "db-password")


def _of_another_tenant(azure: AzureWorld, vault: Vault) -> None:
    vault.tenant = azure.tenant("other")


READS: dict[str, tuple[Callable[[AzureWorld, Vault], None], int, str]] = {
    "no role": (_no_role, ExitCode.DENIED, "`Key Vault Secrets User`"),
    "no access policy": (_no_policy, ExitCode.DENIED, "az keyvault set-policy"),
    "an access policy for something else": (
        _another_policy,
        ExitCode.DENIED,
        "no access policy permits it",
    ),
    "a role for another secret": (_another_role, ExitCode.DENIED, "ForbiddenByRbac"),
    "a firewall": (_firewall, ExitCode.DENIED, "the vault's firewall refuses"),
    "disabled": (_switched_off, ExitCode.DENIED, "is disabled"),
    "absent": (_absent, ExitCode.NOT_FOUND, "there is no `db-password`"),
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
    change(azure, vault)

    outcome = AzurePod(azure, egress, tmp_path, SECRET).init()

    assert outcome.exit_code == code
    assert said in outcome.message
    assert azure.journal.count("GetSecret") == 1


def test_one_secret_of_several_that_is_withdrawn_leaves_the_others_fresh(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """A later no to one keeps its content, and the others move on."""
    other = azure.put_secret(vault, "other", "o")
    pod = AzurePod(azure, egress, tmp_path, SECRET, file("azure-keyvault:acme-kv/secrets/other"))
    assert pod.init().exit_code == 0
    azure.put_secret(vault, "db-password", "fresh")
    other.enabled = False
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
    assert set(egress.targets) <= {"login.microsoftonline.com:443"}
    assert azure.journal.count("GetSecret") == 0


def test_nothing_secret_is_in_a_message_or_a_log(
    azure: AzureWorld,
    egress: Egress,
    vault: Vault,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither tokens nor values nor what a backend writes about them."""
    azure.put_secret(vault, "db-password", "canary-of-the-vault")
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    assert pod.init("debug").exit_code == 0
    _no_role(azure, vault)
    azure.put_secret(vault, "db-password", "canary-of-the-vault-2")
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
