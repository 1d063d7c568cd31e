"""Azure in the plan, in the pod's volumes and under the policy."""

from __future__ import annotations

import pytest

from injector.contract import names
from tests.webhook.mutation.pods import context, denial, patched, plan_of, pod
from webhook import settings

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
AUDIENCE = "api://AzureADTokenExchange"
IDENTITY = {"syrette.dev/azure.tenant-id": TENANT, "syrette.dev/azure.client-id": CLIENT}


def _pod(reference: str = "azure-keyvault:acme-kv/secrets/a", **more: str) -> dict[str, object]:
    given = {f"syrette.dev/{key.replace('_', '-')}": text for key, text in more.items()}
    return pod({"syrette.dev/file.a": reference, **IDENTITY, **given})


def test_a_login_has_its_projected_token_and_the_plan_is_explicit() -> None:
    """Cloud and audience are written down; the token is where the injector looks for it."""
    result = patched(_pod())
    (store,) = plan_of(result).stores
    (volume,) = [it for it in result["spec"]["volumes"] if it["name"] == names.IDENTITY_VOLUME]

    assert dict(store.settings) == {
        "audience": AUDIENCE,
        "client-id": CLIENT,
        "cloud": "public",
        "tenant-id": TENANT,
    }
    assert [it["serviceAccountToken"] for it in volume["projected"]["sources"]] == [
        {"audience": AUDIENCE, "expirationSeconds": 3600, "path": names.token_file(AUDIENCE)}
    ]


@pytest.mark.parametrize(
    ("cloud", "audience"),
    [("china", f"{AUDIENCE}China"), ("us-government", f"{AUDIENCE}USGov")],
)
def test_each_cloud_has_its_own_audience(cloud: str, audience: str) -> None:
    """As its portal writes it into federated credentials."""
    (store,) = plan_of(patched(_pod(**{"azure.cloud": cloud}))).stores

    assert store.text("audience") == audience


def test_the_service_accounts_own_annotations_are_enough() -> None:
    """Those of azure-workload-identity; its webhook and its label are not needed."""
    around = context(
        service_account_annotations={
            "azure.workload.identity/client-id": CLIENT,
            "azure.workload.identity/tenant-id": TENANT,
        }
    )
    result = patched(pod({"syrette.dev/file.a": "azure-keyvault:acme-kv/secrets/a"}), around)
    (store,) = plan_of(result).stores

    assert (store.text("client-id"), store.text("tenant-id")) == (CLIENT, TENANT)


def test_a_prefix_names_vault_and_kind() -> None:
    """One chart serves dev, stage and prod."""
    result = patched(_pod("azure-keyvault:a", **{"azure.path_prefix": "acme-dev/secrets/"}))
    (secret,) = plan_of(result).secrets

    assert secret.sources[0].reference.path == "acme-dev/secrets/a"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("db-password", "names no object of a vault"),
        ("acme-kv/db-password", "names no object of a vault"),
        ("acme-kv.vault.azure.net/secrets/a", "is an address: the host follows"),
        ("https://acme-kv.vault.azure.net/secrets/a", "is an address: where a store is"),
        ("acme-kv/keys/a", "a key's private part never leaves its vault"),
        ("acme-kv/secrets/a/0123456789abcdef0123456789abcdef", "`?version=0123456789abcdef"),
        ("acme_kv/secrets/a", "is no vault's name"),
        ("ac/secrets/a", "is no vault's name"),
        ("acme-kv%2eattacker/secrets/a", "is an address: the host follows"),
        ("acme-kv%40attacker/secrets/a", "is no vault's name"),
        ("acme-kv%3a443/secrets/a", "is no vault's name"),
        ("acme-kv/secrets/a%2e%2e", "is no object's name"),
        ("acme\uff0ekv/secrets/a", "is no vault's name"),
    ],
)
def test_attack_by_a_path_that_would_be_another_host_or_call(path: str, said: str) -> None:
    """What becomes part of a host name or of a request's path is checked after unescaping."""
    assert said in denial(_pod(f"azure-keyvault:{path}")).message


def test_a_pinned_version_is_not_read_again() -> None:
    """It stays as it is."""
    reference = f"azure-keyvault:acme-kv/secrets/a?version={'0' * 32}"
    result = patched(_pod(reference))

    assert plan_of(result).secrets[0].refresh == 0


def test_another_audience_is_the_operators_to_allow() -> None:
    """Of a named store; the usual one needs no leave, and the API server's own has none."""
    store = f"{{provider: azure-keyvault, tenant-id: {TENANT}, client-id: {CLIENT}, audience: %s}}"

    def asked(audience: str) -> dict[str, object]:
        return _pod("team:acme-kv/secrets/a", stores="team: " + store % f'"{audience}"')

    assert plan_of(patched(asked(AUDIENCE))).stores[0].text("audience") == AUDIENCE
    assert "not in the operator's `allowed-audiences`" in denial(asked("acme")).message
    assert "is the API server's own audience" in denial(asked("kubernetes.default.svc")).message
    allowed = settings.load("allowed-audiences: [acme]")
    assert plan_of(patched(asked("acme"), settings=allowed)).stores[0].text("audience") == "acme"


def test_client_and_path_need_the_policys_leave() -> None:
    """The client by `roles`, the object by the patterns of its store."""
    rule = (
        "policy: [{name: shops, allow: {stores: {azure-keyvault: ['acme-kv/secrets/shop-*']}"
        f", roles: ['{CLIENT}']}}}}]"
    )
    policy = settings.load(rule)

    assert plan_of(patched(_pod("azure-keyvault:acme-kv/secrets/shop-a"), settings=policy))
    refused = denial(_pod("azure-keyvault:acme-kv/secrets/other-a"), settings=policy).message
    assert "does not permit the path `acme-kv/secrets/other-a`" in refused
    other = {"azure.client_id": "0" * 8 + CLIENT[8:]}
    assert "does not permit the role" in denial(_pod(**other), settings=policy).message


def test_a_policy_needs_one_spelling_of_vaults_and_clients() -> None:
    """Azure takes upper and lower case for the same."""
    client = "abcdefab-cdef-abcd-efab-cdefabcdefab"
    rule = (
        "policy: [{name: shops, allow: {stores: {azure-keyvault: ['acme-kv/secrets/*']}"
        f", roles: ['{client}']}}}}]"
    )
    asked = _pod("azure-keyvault:ACME-kv/secrets/a", **{"azure.client_id": client.upper()})
    plan = plan_of(patched(asked, settings=settings.load(rule)))

    assert plan.secrets[0].sources[0].reference.path == "acme-kv/secrets/a"
    assert plan.stores[0].text("client-id") == client
