"""Every code of Entra that a pod may meet is explained, and those that pass are waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from injector.azure.aadsts import EXPLAINED, THROTTLED, TRANSIENT, UNMATCHED, code_of
from injector.contract.reasons import ExitCode
from tests.injector.azure.pod import AzurePod
from tests.injector.cycle.pod import file
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.azure import AzureWorld, Identity, Vault
    from worlds.egress import Egress

SECRET = file("azure-keyvault:acme-kv/secrets/db-password", "pw")
CREDENTIAL = "--subject system:serviceaccount:shop:web --audiences api://AzureADTokenExchange"
KEYS = "/.well-known/openid-configuration"
CODES: dict[str, tuple[str, str]] = {
    "AADSTS70021": ("no federated credential matches the pod's token", CREDENTIAL),
    "AADSTS70025": ("the client has no federated credential", CREDENTIAL),
    "AADSTS700211": ("no federated credential has the token's issuer", CREDENTIAL),
    "AADSTS700212": ("no federated credential has the token's audience", CREDENTIAL),
    "AADSTS700213": ("no federated credential has the token's subject", CREDENTIAL),
    "AADSTS7002138": ("only in upper and lower case", CREDENTIAL),
    "AADSTS700016": ("the client is not in the tenant", "`azure.client-id` ({client})"),
    "AADSTS7000229": ("no service principal in the tenant", "`az ad sp create --id {client}`"),
    "AADSTS90002": ("there is no such tenant", "`azure.tenant-id` ({tenant})"),
    "AADSTS900023": ("there is no such tenant", "`azure.tenant-id` ({tenant})"),
    "AADSTS90013": ("id malformed", "`azure.client-id` ({client}) and `azure.tenant-id`"),
    "AADSTS90038": ("of another cloud", "`azure.cloud`"),
    "AADSTS900382": ("of another cloud", "`azure.cloud`"),
    "AADSTS900432": ("of another cloud", "`azure.cloud`"),
    "AADSTS700024": ("outside of its time", "compare the clocks"),
    "AADSTS700027": ("signature does not fit", KEYS),
    "AADSTS7000272": ("does not publish the key that signed the token", KEYS),
    "AADSTS50166": ("could not read the issuer's keys", "reachable from the internet"),
    "AADSTS501661": ("could not read the issuer's keys", "reachable from the internet"),
    "AADSTS50027": ("cannot read the projected token", "publishes its keys"),
    "AADSTS500011": ("Key Vault is not known in the tenant", "az ad sp create --id cfa8b339-"),
    "AADSTS70011": ("the scope of Key Vault is not known", "`azure.cloud`"),
    "AADSTS1002012": ("the scope of Key Vault is not known", "`azure.cloud`"),
    "AADSTS7000112": ("the application is disabled", "enable the client {client}"),
    "AADSTS53003": ("Conditional Access blocks the login", "of the tenant {tenant} refuses"),
}


def test_no_code_is_without_its_test() -> None:
    """A new one is announced here."""
    assert set(CODES) == set(EXPLAINED)
    assert set(EXPLAINED) > UNMATCHED
    assert not (TRANSIENT | THROTTLED) & set(EXPLAINED)


@pytest.mark.parametrize("code", CODES)
def test_each_code_says_what_was_wrong_and_what_to_change(  # noqa: PLR0913, PLR0917 - fixtures and a table
    azure: AzureWorld, egress: Egress, client: Identity, vault: Vault, tmp_path: Path, code: str
) -> None:
    """In our own words, with the ids of the pod; nothing of Entra's text."""
    azure.faults.add(faults.error(code, status=400, message="canary"), on="login")

    outcome = AzurePod(azure, egress, tmp_path, SECRET).init()

    assert (outcome.exit_code, vault.name) == (ExitCode.IDENTITY, "acme-kv")
    known = {"client": client.client_id, "tenant": client.tenant.id}
    assert f"[{code}, " in outcome.message
    for words in CODES[code]:
        assert words.format(**known) in outcome.message
    assert "canary" not in outcome.message


@pytest.mark.parametrize("code", sorted(UNMATCHED | TRANSIENT | THROTTLED))
def test_what_may_pass_is_tried_again(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, code: str
) -> None:
    """Whatever the status: credentials spread, and Entra says of its own failures which pass."""
    azure.faults.add(faults.error(code, status=400), on="login", times=2)
    pod = AzurePod(azure, egress, tmp_path, SECRET)

    assert (pod.init().exit_code, pod.read("pw"), vault.name) == (0, "s3cret", "acme-kv")
    assert azure.journal.count("Token") == 3


@pytest.mark.parametrize("code", sorted(TRANSIENT | THROTTLED))
def test_what_should_pass_and_does_not_is_no_fault_of_the_identity(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, code: str
) -> None:
    """The pod waits for a service, and changes nothing."""
    azure.faults.add(faults.error(code, status=400), on="login")

    outcome = AzurePod(azure, egress, tmp_path, SECRET).init()

    assert (outcome.exit_code, vault.name) == (ExitCode.UNAVAILABLE, "acme-kv")
    assert code in outcome.message


@pytest.mark.parametrize("code", sorted(set(CODES) - UNMATCHED - {"AADSTS700024"}))
def test_a_definite_no_is_asked_once(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path, code: str
) -> None:
    """An application that is not there does not come by waiting; a token out of time may."""
    azure.faults.add(faults.error(code, status=400), on="login")

    outcome = AzurePod(azure, egress, tmp_path, SECRET).init()

    assert (outcome.exit_code, vault.name) == (ExitCode.IDENTITY, "acme-kv")
    assert azure.journal.count("Token") == 1


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"error_description": "AADSTS700016: words"}, "AADSTS700016"),
        ({"error_codes": [700016]}, "AADSTS700016"),
        ({"error_description": "words AADSTS700016"}, ""),
        ({"error_description": ["AADSTS700016"]}, ""),
        ({"error_codes": []}, ""),
        ({"error_codes": "700016"}, ""),
        ({"error_codes": ["700016"]}, ""),
        ({"error_codes": [True]}, ""),
        ({"error_codes": [-1]}, ""),
        ({"error_codes": [10**9]}, ""),
        ({}, ""),
    ],
)
def test_a_code_is_found_where_entra_writes_it_and_nowhere_else(
    document: dict[str, object], code: str
) -> None:
    """What stands there otherwise may quote what was sent."""
    assert code_of(document) == code
