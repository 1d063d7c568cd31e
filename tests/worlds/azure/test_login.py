"""The token endpoint: what it gives, and each thing that it refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.worlds.azure.asking import SCOPE, SUBJECT, Shop
from worlds.azure import AzureWorld
from worlds.tokens import Issuer, PublishedIssuer

if TYPE_CHECKING:
    from tests.worlds.azure.asking import Answer


def _refused(answer: Answer) -> tuple[int, str, int]:
    """Check the shape of Entra's errors, and give status, OAuth error and number."""
    found = answer.json
    [number] = found["error_codes"]
    described = re.compile(
        rf"AADSTS{number}: .+\r\nTrace ID: {found['trace_id']}\r\n"
        rf"Correlation ID: {found['correlation_id']}\r\nTimestamp: {found['timestamp']}",
        re.DOTALL,
    )
    assert described.fullmatch(found["error_description"])
    assert found["error_uri"].endswith(f"/error?code={number}")
    return answer.status, found["error"], number


def test_a_pods_token_becomes_an_access_token(shop: Shop) -> None:
    """Issuer, subject and audience fit: a bearer token of an hour, and the journal knows whose."""
    answer = shop.login()

    assert answer.status == 200
    assert {k: v for k, v in answer.json.items() if k != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 3599,
        "ext_expires_in": 3599,
    }
    [entry] = shop.world.journal.calls("Token")
    assert (entry.outcome, entry.principal, entry.detail["client_id"]) == (
        "ok",
        SUBJECT,
        shop.web.client_id,
    )


def test_an_unknown_tenant_is_refused(shop: Shop) -> None:
    """AADSTS90002."""
    assert _refused(shop.login(tenant="nowhere")) == (400, "invalid_request", 90002)


def test_a_tenant_of_another_cloud_is_refused(shop: Shop) -> None:
    """The public cloud's tenant is unknown in China."""
    answer = shop.login(host="login.chinacloudapi.cn")

    assert _refused(answer) == (400, "invalid_request", 90002)


def test_an_unknown_application_is_refused(shop: Shop) -> None:
    """AADSTS700016, also for one of another tenant."""
    other = shop.world.tenant("other").identity("web")

    answer = shop.login(client_id=other.client_id)

    assert _refused(answer) == (400, "unauthorized_client", 700016)


@pytest.mark.parametrize("name", ["grant_type", "client_id", "scope"])
def test_a_missing_parameter_is_refused(shop: Shop, name: str) -> None:
    """AADSTS900144 names it."""
    answer = shop.login(**{name: ""})

    assert _refused(answer) == (400, "invalid_request", 900144)
    assert f"'{name}'" in answer.json["error_description"]


def test_another_grant_is_refused(shop: Shop) -> None:
    """AADSTS70003."""
    answer = shop.login(grant_type="password")

    assert _refused(answer) == (400, "unsupported_grant_type", 70003)


@pytest.mark.parametrize(
    ("name", "value"),
    [("client_assertion", ""), ("client_assertion_type", ""), ("client_assertion_type", "saml")],
)
def test_a_request_without_an_assertion_is_refused(shop: Shop, name: str, value: str) -> None:
    """AADSTS7000218, also for one of another type."""
    assert _refused(shop.login(**{name: value})) == (401, "invalid_client", 7000218)


def test_a_disabled_application_is_refused(shop: Shop) -> None:
    """AADSTS7000112, until it is enabled again."""
    shop.web.enabled = False
    assert _refused(shop.login()) == (400, "unauthorized_client", 7000112)

    shop.web.enabled = True

    assert shop.login().status == 200


def test_an_application_without_any_federated_credential_is_refused(shop: Shop) -> None:
    """AADSTS70025."""
    shop.web.credentials.clear()

    assert _refused(shop.login()) == (401, "invalid_client", 70025)


def test_a_secret_is_no_credential_here(shop: Shop) -> None:
    """AADSTS7000215."""
    assert _refused(shop.login(client_secret="x")) == (401, "invalid_client", 7000215)


@pytest.mark.parametrize(
    "scope",
    [
        "https://vault.azure.net",
        "https://vault.azure.net/user_impersonation",
        "openid",
        f"{SCOPE} https://x.example/.default",
    ],
)
def test_a_scope_other_than_one_default_is_refused(shop: Shop, scope: str) -> None:
    """AADSTS1002012; what MSAL adds to every scope does not count."""
    assert shop.login(scope=f"{SCOPE} openid offline_access profile").status == 200

    answer = shop.login(scope=scope)

    assert _refused(answer) == (400, "invalid_scope", 1002012)


@pytest.mark.parametrize(
    "resource", ["https://vault.azure.cn", "https://acme-kv.vault.azure.net", "https://x.example"]
)
def test_another_resource_is_refused(shop: Shop, resource: str) -> None:
    """AADSTS500011, also for the vault's own host and for another cloud's vaults."""
    answer = shop.login(scope=f"{resource}/.default")

    assert _refused(answer) == (400, "invalid_resource", 500011)


@pytest.mark.parametrize("assertion", ["x", "a.b.c", "e30.e30"])
def test_a_malformed_assertion_is_refused(shop: Shop, assertion: str) -> None:
    """AADSTS50027."""
    assert _refused(shop.login(assertion)) == (400, "invalid_request", 50027)


def test_another_issuer_is_refused(shop: Shop) -> None:
    """AADSTS700211, and one slash too many is another issuer."""
    other = Issuer(shop.world.issuer.url + "/")
    token = other.mint("shop", "web", "api://AzureADTokenExchange")

    assert _refused(shop.login(token)) == (401, "invalid_client", 700211)


def test_another_service_account_is_refused(shop: Shop) -> None:
    """AADSTS700213."""
    answer = shop.login(shop.projected("api"))

    assert _refused(answer) == (401, "invalid_client", 700213)
    assert shop.world.journal.calls("Token")[-1].principal == ""


def test_a_subject_is_compared_letter_for_letter(shop: Shop) -> None:
    """AADSTS7002138 says that only the case differs."""
    answer = shop.login(shop.projected("Web"))

    assert _refused(answer) == (401, "invalid_client", 7002138)


@pytest.mark.parametrize("audience", ["sts.amazonaws.com", "api://azureadtokenexchange"])
def test_another_audience_is_refused(shop: Shop, audience: str) -> None:
    """AADSTS700212, also when only the case differs."""
    answer = shop.login(shop.projected(audience=audience))

    assert _refused(answer) == (401, "invalid_client", 700212)


def test_a_signature_of_another_key_is_refused(shop: Shop) -> None:
    """AADSTS7000272: right issuer, subject and audience, wrong key."""
    forged = Issuer(shop.world.issuer.url).mint("shop", "web", "api://AzureADTokenExchange")

    assert _refused(shop.login(forged)) == (401, "invalid_client", 7000272)


def test_a_changed_claim_is_refused(shop: Shop) -> None:
    """AADSTS700027: the signature of one pod's token does not fit another's claims."""
    mine, other = shop.projected().split("."), shop.projected("api").split(".")

    answers = [
        shop.login(f"{mine[0]}.{mine[1]}.{signature}")
        for signature in (other[2], mine[2][:-8] + "AAAAAAAA", "")
    ]

    assert [_refused(one) for one in answers] == [(401, "invalid_client", 700027)] * 3


def test_an_unreachable_issuer_is_said(shop: Shop) -> None:
    """AADSTS50166."""
    shop.world.issuer.reachable = False

    assert _refused(shop.login()) == (400, "invalid_request", 50166)


def test_an_expired_assertion_is_refused(shop: Shop) -> None:
    """AADSTS700024, when its hour is over."""
    token = shop.projected()
    shop.world.advance(3601)

    assert _refused(shop.login(token)) == (401, "invalid_client", 700024)


def test_an_assertion_of_the_future_is_refused(shop: Shop) -> None:
    """AADSTS700024, before it holds."""
    token = shop.projected(nbf=shop.world.clock.now() + 600)

    assert _refused(shop.login(token)) == (401, "invalid_client", 700024)


def test_a_young_credential_is_unknown_for_some_tries(shop: Shop) -> None:
    """AADSTS70021 twice, as while a new federated credential spreads, then a token."""
    subject = "system:serviceaccount:shop:new"
    shop.web.federate(shop.world.issuer, subject, unseen=2)

    answers = [shop.login(shop.projected("new")) for _ in range(3)]

    assert [_refused(one) for one in answers[:2]] == [(400, "invalid_request", 70021)] * 2
    assert answers[2].status == 200


@pytest.mark.parametrize(
    ("cloud", "host", "resource", "audience"),
    [
        ("china", "login.chinacloudapi.cn", "https://vault.azure.cn", "China"),
        ("china", "login.partner.microsoftonline.cn", "https://vault.azure.cn", "China"),
        ("us-government", "login.microsoftonline.us", "https://vault.usgovcloudapi.net", "USGov"),
    ],
)
def test_each_cloud_has_its_hosts_resource_and_audience(
    shop: Shop, cloud: str, host: str, resource: str, audience: str
) -> None:
    """Another cloud's tenant gives tokens for its own vaults, to its own audience, and no other."""
    tenant = shop.world.tenant("acme", cloud)
    identity = tenant.identity("web")
    identity.federate(shop.world.issuer, SUBJECT)
    vault = shop.world.vault("acme-kv", tenant)
    vault.grant(identity, "secrets/get")
    shop.world.put_secret(vault, "db", "there")
    mine = shop.projected(audience=f"api://AzureADTokenExchange{audience}")
    asked = {"host": host, "tenant": tenant.id, "client_id": identity.client_id}

    given = shop.login(mine, scope=f"{resource}/.default", **asked)
    refused = shop.login(scope=f"{resource}/.default", **asked)

    token = given.json["access_token"]
    assert shop.get("/secrets/db", token, host=vault.host).json["value"] == "there"
    assert _refused(refused) == (401, "invalid_client", 700212)
    assert shop.get("/secrets/db", token).refusal == (401, "Unauthorized", "")


def test_a_clusters_published_keys_are_enough() -> None:
    """A world beside a real cluster verifies what only the cluster can sign."""
    cluster = Issuer("https://cluster.example")
    with AzureWorld(issuer=cluster.url, key_set=cluster.key_set()) as world:
        assert isinstance(world.issuer, PublishedIssuer)
        web = world.workload("web", "shop", "web")
        shop = Shop(world, web, world.vault("acme-kv"))
        token = cluster.mint("shop", "web", "api://AzureADTokenExchange")

        assert shop.login(token).status == 200


def test_msal_finds_the_endpoint(shop: Shop) -> None:
    """The metadata that MSAL asks for first names the host that was asked."""
    host, tenant = "login.microsoftonline.com", shop.web.tenant.id

    found = shop.send("GET", host, f"/{tenant}/v2.0/.well-known/openid-configuration").json

    assert found["token_endpoint"] == f"https://{host}/{tenant}/oauth2/v2.0/token"
    assert shop.send("GET", host, "/common/discovery/instance?api-version=1.1").status == 200
    assert shop.send("GET", host, f"/{tenant}/discovery/v2.0/keys").json["keys"]
    assert _refused(shop.send("GET", host, f"/{tenant}/oauth2/v2.0/token"))[0] == 404
