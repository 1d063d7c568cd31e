"""Two identities never share a login, and one that is shared is made once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from injector.contract.stores import Store
from injector.identity.azure import azure_key
from injector.identity.interface import Identity
from tests.injector.azure.pod import AzurePod
from tests.injector.cycle.pod import file, machine
from worlds import faults

if TYPE_CHECKING:
    from pathlib import Path

    from worlds.azure import AzureWorld, Vault
    from worlds.egress import Egress

SECRET = file("azure-keyvault:acme-kv/secrets/db-password", "pw")
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
OTHER = "99999999-0000-0000-0000-000000000000"
STORE = Store("azure-keyvault", "azure-keyvault", {"tenant-id": TENANT, "client-id": CLIENT})
POD = Identity("shop", "web", "web-1")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("tenant-id", OTHER),
        ("client-id", OTHER),
        ("cloud", "china"),
        ("audience", "acme"),
        ("ca-bundle", "PEM"),
    ],
)
def test_whatever_a_login_depends_on_makes_it_another(setting: str, value: str) -> None:
    """Each setting of the authentication is in its key."""
    other = replace(STORE, settings={**STORE.settings, setting: value})

    assert azure_key(other, POD) != azure_key(STORE, POD)


def test_the_pod_is_in_the_key_and_the_stores_name_is_not() -> None:
    """Stores that say the same share a login."""
    assert azure_key(STORE, replace(POD, service_account="worker")) != azure_key(STORE, POD)
    assert azure_key(replace(STORE, name="other"), POD) == azure_key(STORE, POD)


def test_two_clients_of_one_pod_never_cross(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """Each reads only what it may, in the same cycles, whatever the order."""
    first, second = azure.tenant().identity("web"), azure.workload("audit", "shop", "web")
    audit = azure.vault("audit-kv")
    audit.grant(second, "secrets/get")
    audited = azure.put_secret(audit, "key", "audited")
    pod = AzurePod(azure, egress, tmp_path, SECRET, file("audit:audit-kv/secrets/key", "key"))
    store = pod.plan.stores[0]
    other = replace(store, name="audit", settings={**store.settings, "client-id": second.client_id})
    pod.plan = replace(pod.plan, stores=(other, store))
    assert pod.init().exit_code == 0
    for _ in range(3):
        pod.work_after(900)

    assert (pod.read("pw"), pod.read("key"), vault.name) == ("s3cret", "audited", "acme-kv")
    who = {(it.principal, it.resources[0]) for it in azure.journal.calls("GetSecret")}
    own = vault.secrets.get("db-password")[1]
    assert who == {
        (first.client_id, f"https://acme-kv.vault.azure.net/secrets/db-password/{own.id}"),
        (second.client_id, f"https://audit-kv.vault.azure.net/secrets/key/{audited.id}"),
    }


def test_many_threads_that_want_one_login_make_one(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """Single flight; and each caller's session is its own."""
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    found = []
    with machine(pod.time) as here:
        sessions = here.open_sessions(pod.settings, here)
        key = azure_key(pod.plan.stores[0], sessions.identity)
        threads = [
            threading.Thread(target=lambda: found.append(sessions.get(key))) for _ in range(12)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert (azure.journal.count("Token"), vault.name) == (1, "acme-kv")
    assert len({id(session) for session in found}) == 12
    assert "Bearer" not in repr(found)


def test_hostile_lives_of_a_token_are_no_lives(
    azure: AzureWorld, egress: Egress, vault: Vault, tmp_path: Path
) -> None:
    """What is no positive number is a damaged reply, and a year is a day."""
    for life in ("0", "-5", "NaN", "1e999", "true", "[]", '"soon"', "null"):
        body = f'{{"access_token": "t", "expires_in": {life}}}'.encode()
        azure.faults.add(faults.status(200, body=body), on="login", times=1)
    pod = AzurePod(azure, egress, tmp_path, SECRET)
    outcomes = [pod.init().exit_code for _ in range(3)]

    assert (outcomes[-1], vault.name) == (0, "acme-kv")
    assert azure.journal.count("Token", outcome="ok") >= 1
